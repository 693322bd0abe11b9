//! Logs: what the program and its agents say through `tracing`, on standard error and to a collector.
//!
//! For programs. A library that embeds the runtime has a subscriber of its own, or none.

use std::io::{self, IsTerminal, Write};

use aimass_config::{LogForm, LogLevel, ObserversConfig};
use aimass_locale::harmless::is_unruly;
use thiserror::Error;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::Registry;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{fmt, registry};

use crate::otlp::{Logs, OtlpError};

/// Why logs do not go where they should.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LogError {
    /// They go elsewhere already.
    #[error("this process has a subscriber of `tracing` already: {0}")]
    Subscriber(#[from] TryInitError),
    /// The collector cannot be used as it is configured.
    #[error(transparent)]
    Otlp(#[from] OtlpError),
}

/// Logs on their way to a collector, if they go to one. At its end, what was said is sent.
#[must_use = "what was said last is sent when this is dropped"]
pub struct LogExport {
    logs: Option<Logs>,
}

impl LogExport {
    /// Records that were dropped for want of room, or that the collector refused.
    pub fn lost(&self) -> u64 {
        self.logs.as_ref().map_or(0, Logs::lost)
    }

    /// Returns when everything was sent that was said so far, or an attempt has failed, or it took too long.
    pub fn flush(&self) {
        if let Some(logs) = &self.logs {
            logs.flush();
        }
    }
}

/// Sends the logs of this process to standard error, in the form and from the level that the configuration names, and to its collector
/// where `observers.otlp.logs` says so.
///
/// Within a task, each line names its trace and its span. What an error or a panic of a skill says is on standard error, and goes to the
/// collector only with `observers.content`, since it may quote what a task was given.
///
/// # Errors
/// [`LogError`] when the process has a subscriber already, or the collector cannot be used.
pub fn start(config: &ObserversConfig) -> Result<LogExport, LogError> {
    let logs = Logs::start(config)?;
    let local = local(config.log);
    if local.is_some() || logs.is_some() {
        registry()
            .with(local)
            .with(logs.as_ref().map(Logs::layer))
            .with(filter(config.log_level))
            .try_init()?;
    }
    Ok(LogExport { logs })
}

/// What writes to standard error.
fn local(form: LogForm) -> Option<Box<dyn Layer<Registry> + Send + Sync>> {
    let lines = fmt::layer()
        .with_target(false)
        .with_writer(|| Harmless(std::io::stderr()));
    match form {
        LogForm::None => None,
        LogForm::Json => {
            let json = lines.json().flatten_event(true);
            Some(Box::new(json.with_current_span(true).with_span_list(false)))
        }
        LogForm::Terminal => {
            let compact = lines.compact().without_time();
            Some(Box::new(compact.with_ansi(std::io::stderr().is_terminal())))
        }
    }
}

/// A writer of whole lines, in which nothing turns the direction of writing: names of files stand in them. What moves a cursor is written so by `tracing` itself.
struct Harmless<W>(W);

impl<W: Write> Write for Harmless<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        let turns = |character: char| is_unruly(character) && !character.is_control();
        if !text.contains(turns) {
            return self.0.write(line);
        }
        let mut shown = String::with_capacity(text.len());
        for character in text.chars() {
            match turns(character) {
                // As JSON has it, and readable anywhere else.
                true => shown.push_str(&format!("\\u{:04x}", u32::from(character))),
                false => shown.push(character),
            }
        }
        self.0.write_all(shown.as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn filter(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_a_line_cannot_turn_it() {
        let mut lines = Harmless(Vec::new());
        lines
            .write_all("WARN path=a\u{202e}txt.exe\u{200f}\n".as_bytes())
            .unwrap();
        lines
            .write_all("{\"path\":\"Grüße\"}\n".as_bytes())
            .unwrap();
        let written = String::from_utf8(lines.0).unwrap();
        assert_eq!(
            written,
            "WARN path=a\\u202etxt.exe\\u200f\n{\"path\":\"Grüße\"}\n"
        );
    }
}
