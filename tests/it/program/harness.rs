//! Runs the program in a home of its own.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// The user that tests become where they must not be root.
const NOBODY: u32 = 65534;

/// A home, a cache and a current folder, gone with the value.
pub(crate) struct Place {
    root: TempDir,
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        for folder in ["home", "cache", "here"] {
            fs::create_dir(root.path().join(folder)).unwrap();
        }
        Self { root }
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.root.path().join("home")
    }

    pub(crate) fn cache(&self) -> PathBuf {
        self.root.path().join("cache")
    }

    /// The current folder of what is run.
    pub(crate) fn here(&self) -> PathBuf {
        self.root.path().join("here")
    }

    /// Puts a file into the current folder.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.here().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// Puts a pipe into the current folder: whoever opens it waits until somebody opens its other end.
    pub(crate) fn pipe(&self, name: &str) -> PathBuf {
        let path = self.here().join(name);
        let made = Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
        path
    }

    /// A run that is yet to be started.
    pub(crate) fn command<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Command {
        self.command_of(env!("CARGO_BIN_EXE_aimass"), arguments)
    }

    /// As `command`, of another program that starts ours.
    pub(crate) fn command_of<S: AsRef<OsStr>>(&self, program: &str, arguments: &[S]) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(self.here())
            .env_remove("NO_COLOR")
            .env_remove("RAYON_NUM_THREADS")
            .env_remove("CANDLE_NUM_THREADS")
            .env_remove("RUST_BACKTRACE")
            .envs(self.variables())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// What makes a program stay within this place, and speak English wherever the tests run.
    pub(crate) fn variables(&self) -> [(&'static str, PathBuf); 4] {
        [
            ("LC_ALL", PathBuf::from("C.UTF-8")),
            ("AIMASS_MODELS__OFFLINE", PathBuf::from("true")),
            ("AIMASS_HOME", self.home()),
            ("AIMASS_CACHE", self.cache()),
        ]
    }

    pub(crate) fn run<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Ended {
        Ended::from(self.command(arguments).output().unwrap())
    }

    pub(crate) fn run_with_input(&self, arguments: &[&str], input: &[u8]) -> Ended {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        // The program may end before it has read all.
        let _ = child.stdin.take().unwrap().write_all(input);
        Ended::from(child.wait_with_output().unwrap())
    }

    /// Runs as a user who is not root: root may read and write everything, and would see no refusal.
    pub(crate) fn run_unprivileged(&self, arguments: &[&str]) -> Ended {
        if !is_root() {
            return self.run(arguments);
        }
        // The build's folder may be closed to others, so the program has to stand elsewhere.
        let program = self.root.path().join("aimass");
        if !program.exists() {
            fs::copy(env!("CARGO_BIN_EXE_aimass"), &program).unwrap();
            open_to_all(self.root.path());
            open_to_all(&program);
        }
        let program = program.display().to_string();
        let mut command = self.command_of(&program, arguments);
        // It gives up root's further groups too.
        command.uid(NOBODY).gid(NOBODY);
        Ended::from(command.output().unwrap())
    }
}

/// A node that ends with the value.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It is gone already when the test has ended it.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

pub(crate) fn open_to_all(path: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ended {
    /// It went well, and said nothing on standard error.
    #[track_caller]
    pub(crate) fn assert_ok(&self) -> &Self {
        assert_eq!((self.code, self.stderr.as_str()), (Some(0), ""), "{self:?}");
        self
    }

    /// It failed with that code, and with one line that holds all of those words.
    #[track_caller]
    pub(crate) fn assert_fails(&self, code: i32, words: &[&str]) -> &Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert_eq!(self.stderr.lines().count(), 1, "{self:?}");
        assert!(self.stderr.starts_with("aimass: "), "{self:?}");
        assert!(!self.stderr.contains("panic"), "{self:?}");
        for word in words {
            assert!(self.stderr.contains(word), "{word:?} is not in {self:?}");
        }
        self
    }

    /// Standard output, which holds exactly one JSON document.
    #[track_caller]
    pub(crate) fn document(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}
