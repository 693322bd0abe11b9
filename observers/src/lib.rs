//! Observers of AI Mass: what turns typed events into logs, traces and metrics.

mod json_lines;

pub use json_lines::JsonLines;
