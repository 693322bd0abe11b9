//! Observers of AI Mass: what turns typed events into logs, traces, metrics and a live view.

mod content;
mod json_lines;
pub mod live;
pub mod logs;
pub mod metrics;
mod otlp;

pub use json_lines::JsonLines;
pub use otlp::{Otlp, OtlpError, OtlpLosses, span_documentation};
