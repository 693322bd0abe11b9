//! Logs: what the program and its agents say through `tracing`, on standard error.
//!
//! For programs. A library that embeds the runtime has a subscriber of its own, or none.

use std::io::IsTerminal;

use aimass_config::{LogForm, LogLevel, ObserversConfig};
use thiserror::Error;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

/// Logs go elsewhere already.
#[derive(Debug, Error)]
#[error("this process has a subscriber of `tracing` already: {0}")]
pub struct LogError(#[from] TryInitError);

/// Sends the logs of this process to standard error, in the form and from the level that the configuration names.
///
/// Within a task, each line names its trace and its span.
///
/// # Errors
/// [`LogError`] when the process has a subscriber already.
pub fn start(config: &ObserversConfig) -> Result<(), LogError> {
    let builder = tracing_subscriber::fmt()
        .with_max_level(filter(config.log_level))
        .with_span_events(FmtSpan::NONE)
        .with_target(false)
        .with_writer(std::io::stderr);
    match config.log {
        LogForm::None => {}
        LogForm::Json => builder
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .finish()
            .try_init()?,
        LogForm::Terminal => builder
            .compact()
            .without_time()
            .with_ansi(std::io::stderr().is_terminal())
            .finish()
            .try_init()?,
    }
    Ok(())
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
