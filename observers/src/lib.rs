//! Observers of AI Mass: what turns typed events into logs, traces and metrics.

mod json_lines;
pub mod logs;
pub mod metrics;
mod otlp;

pub use json_lines::JsonLines;
pub use otlp::{Otlp, OtlpError, OtlpLosses, span_documentation};
