//! How a command fails: one line on standard error that says what to do next, and an exit code.

use std::io;
use std::process::ExitCode;

use aimass::StartError;
use aimass_config::ConfigError;
use aimass_locale::{Locale, Text, text};
use aimass_runtime::{EnvironmentError, RuntimeError, TaskError, TransportError};

use super::messages::{
    config_error, environment_error, runtime_error, start_error, task_error, transport_error,
};
use super::said::say;

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
    message: Text,
}

impl Failure {
    pub(crate) fn usage(message: impl Into<Text>) -> Self {
        Self::new(USAGE, message)
    }

    pub(crate) fn bad_input(message: impl Into<Text>) -> Self {
        Self::new(BAD_INPUT, message)
    }

    pub(crate) fn unavailable(message: impl Into<Text>) -> Self {
        Self::new(UNAVAILABLE, message)
    }

    pub(crate) fn bug(message: impl Into<Text>) -> Self {
        Self::new(BUG, message)
    }

    /// What went wrong was said already; this is what it comes to.
    pub(crate) fn already_said(exit: u8) -> Self {
        Self::new(exit, "")
    }

    fn new(exit: u8, message: impl Into<Text>) -> Self {
        Self {
            exit,
            message: message.into(),
        }
    }

    /// The message in one line.
    pub(crate) fn line(&self) -> Text {
        Text {
            english: in_one_line(&self.message.english, "; "),
            chinese: in_one_line(&self.message.chinese, "；"),
        }
    }

    /// Says it on standard error.
    pub(crate) fn report(&self, locale: Locale) -> ExitCode {
        if !self.message.is_empty() {
            say(&self.line(), locale);
        }
        ExitCode::from(self.exit)
    }
}

fn in_one_line(text: &str, between: &str) -> String {
    let lines = text.lines().map(str::trim);
    let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    lines.join(between)
}

impl From<TaskError> for Failure {
    fn from(error: TaskError) -> Self {
        let next = match &error {
            TaskError::UnknownSkill { .. } => {
                text!("; `aimass skills` lists them", "；`aimass skills` 列出全部")
            }
            TaskError::DeadLettered { .. } => text!(
                "; `aimass dead-letters` shows and redrives it",
                "；`aimass dead-letters` 可查看并重新投递"
            ),
            _ => Text::default(),
        };
        Self::new(error.exit_code(), task_error(&error).then(&next))
    }
}

impl From<TransportError> for Failure {
    fn from(error: TransportError) -> Self {
        Self::unavailable(transport_error(&error))
    }
}

impl From<EnvironmentError> for Failure {
    fn from(error: EnvironmentError) -> Self {
        let message = environment_error(&error);
        Self::new(TaskError::from(error).exit_code(), message)
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Models(error) => error.into(),
            StartError::Runtime(error) => error.into(),
            StartError::Otlp(_) | StartError::EventLog { .. } => Self::usage(start_error(&error)),
            other => Self::bug(start_error(&other)),
        }
    }
}

impl From<RuntimeError> for Failure {
    fn from(error: RuntimeError) -> Self {
        match error {
            RuntimeError::Config(error) => error.into(),
            RuntimeError::Environment(error) => error.into(),
            RuntimeError::MemoryBudget { .. }
            | RuntimeError::Reaction(_)
            | RuntimeError::ReactionKind { .. } => Self::usage(runtime_error(&error)),
            RuntimeError::Agent { .. } => Self::unavailable(runtime_error(&error)),
            other => Self::bug(runtime_error(&other)),
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::usage(config_error(&error))
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::unavailable(error.to_string())
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::bug(text!(
            "the reply is not what was expected: {error}",
            "答复不是所期待的：{error}"
        ))
    }
}

/// A panic is said in one line, without a backtrace unless that was asked for.
pub(crate) fn report_panics(locale: Locale) {
    if std::env::var_os("RUST_BACKTRACE").is_some() {
        return;
    }
    std::panic::set_hook(Box::new(move |panic| {
        let text = panic.payload_as_str().unwrap_or("a panic");
        let place = panic
            .location()
            .map(|at| format!(" ({}:{})", at.file(), at.line()))
            .unwrap_or_default();
        let text = text.lines().next().unwrap_or_default();
        let bug = text!(
            "this is a bug: {text}{place}; RUST_BACKTRACE=1 tells more",
            "这是程序错误：{text}{place}；设置 RUST_BACKTRACE=1 可查看更多"
        );
        say(&bug, locale);
    }));
}
