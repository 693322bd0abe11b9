//! A real terminal: one of the kernel's own, whose screen a library keeps.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::Child;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use pty_process::Size;
use pty_process::blocking::{Command, Pty, open};

use super::harness::Place;

/// Longer than anything takes here; a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// A terminal with a program in it. It ends with the value.
pub(crate) struct Terminal {
    pty: Pty,
    shell: Child,
    here: PathBuf,
    screen: vt100::Parser,
    /// What was written on the screen.
    written: Receiver<Vec<u8>>,
}

impl Terminal {
    /// Runs a command line of a shell in a terminal of that size; the screen then says with which code it `ended`.
    pub(crate) fn open(place: &Place, size: (u16, u16), command: &str) -> Self {
        let here = place.here();
        let program = PathBuf::from(env!("CARGO_BIN_EXE_aimass"));
        let folder = program.parent().unwrap().display().to_string();
        let script = format!(
            "PATH=\"{folder}:$PATH\"\nstty -g > before\n{command}\n\
             code=$?\nstty -g > after\necho \"ended with $code\"\nexec cat\n",
        );
        fs::write(here.join("script"), script).unwrap();
        let (pty, inside) = open().unwrap();
        let (width, height) = size;
        pty.resize(Size::new(height, width)).unwrap();
        let shell = Command::new("sh")
            .arg("script")
            .current_dir(&here)
            .envs(place.variables())
            .env("TERM", "xterm-256color")
            .spawn(inside)
            .unwrap();
        let mut output = File::from(pty.as_fd().try_clone_to_owned().unwrap());
        let (write, written) = channel();
        thread::spawn(move || {
            let mut some = [0; 4096];
            // It ends with an error when nobody has the terminal open any more.
            while let Ok(read @ 1..) = output.read(&mut some) {
                if write.send(some[..read].to_vec()).is_err() {
                    return;
                }
            }
        });
        let (rows, columns) = rows_and_columns(size);
        Self {
            pty,
            shell,
            here,
            screen: vt100::Parser::new(rows, columns, 0),
            written,
        }
    }

    /// Types what a key sends.
    pub(crate) fn press(&mut self, key: &str) {
        let sent = match key {
            "Enter" => "\r",
            "Escape" => "\x1b",
            letter => letter,
        };
        self.pty.write_all(sent.as_bytes()).unwrap();
    }

    pub(crate) fn resize(&mut self, size: (u16, u16)) {
        let (width, height) = size;
        let (rows, columns) = rows_and_columns(size);
        self.screen.set_size(rows, columns);
        self.pty.resize(Size::new(height, width)).unwrap();
    }

    /// Returns what is on the screen once all of those words are.
    pub(crate) fn wait_for(&mut self, words: &[&str]) -> String {
        self.wait_until(|screen| words.iter().all(|word| screen.contains(word)))
    }

    /// Returns what is on the screen once it is as it should be. It is looked at whenever something was written.
    pub(crate) fn wait_until(&mut self, is_so: impl Fn(&str) -> bool) -> String {
        loop {
            let screen = self.screen.screen().contents();
            if is_so(&screen) {
                return screen;
            }
            let Ok(written) = self.written.recv_timeout(PATIENCE) else {
                panic!("nothing was written any more, and this is on the screen:\n{screen}");
            };
            self.screen.process(&written);
        }
    }

    /// The terminal is as it was before the program.
    pub(crate) fn assert_restored(&self) {
        let screen = self.screen.screen();
        assert!(!screen.alternate_screen() && !screen.hide_cursor());
        let read = |name: &str| fs::read_to_string(self.here.join(name)).unwrap();
        assert_eq!(read("after"), read("before"));
    }
}

fn rows_and_columns((width, height): (u16, u16)) -> (NonZeroU16, NonZeroU16) {
    (
        NonZeroU16::new(height).unwrap(),
        NonZeroU16::new(width).unwrap(),
    )
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}
