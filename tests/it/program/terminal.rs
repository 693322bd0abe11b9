//! A real terminal: one of tmux, on a server of its own.

use std::fs::{self, File};
use std::io::Read;
use std::path::PathBuf;
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use super::harness::Place;

/// Longer than anything takes here; a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// A terminal with a program in it. It ends with the value.
pub(crate) struct Terminal {
    server: PathBuf,
    here: PathBuf,
    /// Something was written on the screen.
    written: Receiver<()>,
}

impl Terminal {
    /// Runs a command line of a shell in a terminal of that size; the screen then says with which code it `ended`.
    pub(crate) fn open(place: &Place, (width, height): (u16, u16), command: &str) -> Self {
        let here = place.here();
        let server = here.join("tmux");
        let program = PathBuf::from(env!("CARGO_BIN_EXE_aimass"));
        let folder = program.parent().unwrap().display().to_string();
        // The terminal waits until what it writes is listened to.
        let script = format!(
            "PATH=\"{folder}:$PATH\"\ntmux -S {server} wait-for listened\nstty -g > before\n{command}\n\
             code=$?\nstty -g > after\necho \"ended with $code\"\nexec cat\n",
            server = server.display()
        );
        fs::write(here.join("script"), script).unwrap();
        let pipe = here.join("pipe");
        let made = Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        let (write, written) = channel();
        let terminal = Self {
            server,
            here,
            written,
        };
        let (width, height) = (width.to_string(), height.to_string());
        let mut new = terminal.command(&[
            "new-session",
            "-d",
            "-x",
            &width,
            "-y",
            &height,
            "sh",
            "script",
        ]);
        new.envs(place.variables());
        assert!(new.status().unwrap().success());
        terminal.tmux(&["pipe-pane", "-O", &format!("exec cat > {}", pipe.display())]);
        thread::spawn(move || {
            let mut pipe = File::open(pipe).unwrap();
            let mut some = [0; 4096];
            while pipe.read(&mut some).is_ok_and(|read| read > 0) {
                if write.send(()).is_err() {
                    return;
                }
            }
        });
        terminal.tmux(&["wait-for", "-S", "listened"]);
        terminal
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("tmux");
        command
            .args(["-u", "-f", "/dev/null", "-S"])
            .arg(&self.server)
            .args(arguments)
            .current_dir(&self.here)
            .env_remove("TMUX");
        command
    }

    fn tmux(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn press(&self, key: &str) {
        self.tmux(&["send-keys", key]);
    }

    pub(crate) fn resize(&self, (width, height): (u16, u16)) {
        let (width, height) = (width.to_string(), height.to_string());
        self.tmux(&["resize-window", "-x", &width, "-y", &height]);
    }

    /// Returns what is on the screen once all of those words are.
    pub(crate) fn wait_for(&mut self, words: &[&str]) -> String {
        self.wait_until(|screen| words.iter().all(|word| screen.contains(word)))
    }

    /// Returns what is on the screen once it is as it should be. It is looked at whenever something was written.
    pub(crate) fn wait_until(&mut self, is_so: impl Fn(&str) -> bool) -> String {
        loop {
            let screen = self.tmux(&["capture-pane", "-p"]);
            if is_so(&screen) {
                return screen;
            }
            if self.written.recv_timeout(PATIENCE).is_err() {
                panic!("nothing was written any more, and this is on the screen:\n{screen}");
            }
        }
    }

    /// The terminal is as it was before the program.
    pub(crate) fn assert_restored(&self) {
        assert_eq!(
            self.tmux(&["display", "-p", "#{alternate_on} #{cursor_flag}"])
                .trim(),
            "0 1"
        );
        let read = |name: &str| fs::read_to_string(self.here.join(name)).unwrap();
        assert_eq!(read("after"), read("before"));
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.command(&["kill-server"]).output();
    }
}
