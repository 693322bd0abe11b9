//! Observers of AI Mass: what turns typed events into logs, traces, metrics and a live view.

mod content;
mod conventions;
mod identity;
mod json_lines;
pub mod live;
pub mod logs;
pub mod metrics;
mod otlp;
pub mod propagation;
mod queue;
mod traces;

/// The API of OpenTelemetry, in the version whose types stand in ours.
pub use opentelemetry;
/// The SDK of OpenTelemetry, in the version whose types stand in ours.
pub use opentelemetry_sdk;

pub use json_lines::JsonLines;
pub use otlp::{Otlp, OtlpError};
pub use traces::{QueuedSpanExporter, SpanLosses, Tracing, span_documentation};
