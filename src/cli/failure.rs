//! How a command fails: one line on standard error that says what to do next, and an exit code.

use std::io::{self, Write};
use std::process::ExitCode;

use aimass::StartError;
use aimass_config::ConfigError;
use aimass_runtime::{EnvironmentError, RuntimeError, TaskError, TransportError};
use clap::error::ErrorKind;

/// The command line or the configuration is wrong.
pub(crate) const USAGE: u8 = 64;
/// The input is wrong.
pub(crate) const BAD_INPUT: u8 = 65;
/// Something that is needed is not there.
pub(crate) const UNAVAILABLE: u8 = 69;
/// It is our fault.
pub(crate) const BUG: u8 = 70;

/// Why a command failed.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: u8,
    message: String,
}

impl Failure {
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(USAGE, message)
    }

    pub(crate) fn bad_input(message: impl Into<String>) -> Self {
        Self::new(BAD_INPUT, message)
    }

    pub(crate) fn unavailable(message: impl Into<String>) -> Self {
        Self::new(UNAVAILABLE, message)
    }

    pub(crate) fn bug(message: impl Into<String>) -> Self {
        Self::new(BUG, message)
    }

    /// What went wrong was said already; this is what it comes to.
    pub(crate) fn already_said(exit: u8) -> Self {
        Self::new(exit, "")
    }

    fn new(exit: u8, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
        }
    }

    /// The message in one line.
    pub(crate) fn line(&self) -> String {
        let lines: Vec<&str> = self
            .message
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .collect();
        lines.join("; ")
    }

    /// Says it on standard error.
    pub(crate) fn report(&self) -> ExitCode {
        if !self.message.is_empty() {
            say(&self.line());
        }
        ExitCode::from(self.exit)
    }
}

/// One line on standard error. A standard error that is closed is no reason to fail.
pub(crate) fn say(line: &str) {
    let _ = writeln!(io::stderr(), "aimass: {line}");
}

impl From<TaskError> for Failure {
    fn from(error: TaskError) -> Self {
        let next = match &error {
            TaskError::UnknownSkill { .. } => "; `aimass skills` lists them",
            TaskError::DeadLettered { .. } => "; `aimass dead-letters` shows and redrives it",
            _ => "",
        };
        Self::new(error.exit_code(), format!("{error}{next}"))
    }
}

impl From<TransportError> for Failure {
    fn from(error: TransportError) -> Self {
        Self::unavailable(error.to_string())
    }
}

impl From<EnvironmentError> for Failure {
    fn from(error: EnvironmentError) -> Self {
        TaskError::from(error).into()
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Models(error) => error.into(),
            StartError::Runtime(error) => error.into(),
            StartError::Otlp(error) => Self::usage(error.to_string()),
            other => Self::bug(other.to_string()),
        }
    }
}

impl From<RuntimeError> for Failure {
    fn from(error: RuntimeError) -> Self {
        match error {
            RuntimeError::Config(error) => error.into(),
            RuntimeError::Environment(error) => error.into(),
            RuntimeError::Thread(error) => error.into(),
            RuntimeError::MemoryBudget { .. }
            | RuntimeError::Reaction(_)
            | RuntimeError::ReactionKind { .. } => Self::usage(error.to_string()),
            RuntimeError::Agent { .. } | RuntimeError::Resume { .. } => {
                Self::unavailable(error.to_string())
            }
            other => Self::bug(other.to_string()),
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::usage(error.to_string())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::unavailable(error.to_string())
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::bug(format!("the reply is not what was expected: {error}"))
    }
}

/// What clap has to say: help as it is; an error as one line.
pub(crate) fn of_usage(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        return match error.print() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => Failure::from(error).report(),
        };
    }
    let rendered = error.render().to_string();
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        let _ = write!(io::stderr(), "{rendered}");
        return ExitCode::from(USAGE);
    }
    let said = rendered.split("\n\nUsage:").next().unwrap_or_default();
    let said = said.split("\n\nFor more").next().unwrap_or_default();
    let words: Vec<&str> = said.split_whitespace().collect();
    let line = words.join(" ");
    let line = line
        .strip_prefix("error: ")
        .unwrap_or(&line)
        .replace(" tip: ", "; ");
    Failure::usage(format!("{line}; see `aimass --help`")).report()
}

/// A panic is said in one line, without a backtrace unless that was asked for.
pub(crate) fn report_panics() {
    if std::env::var_os("RUST_BACKTRACE").is_some() {
        return;
    }
    std::panic::set_hook(Box::new(|panic| {
        let text = panic.payload_as_str().unwrap_or("a panic");
        let place = panic
            .location()
            .map(|at| format!(" ({}:{})", at.file(), at.line()))
            .unwrap_or_default();
        let text = text.lines().next().unwrap_or_default();
        say(&format!(
            "this is a bug: {text}{place}; RUST_BACKTRACE=1 tells more"
        ));
    }));
}
