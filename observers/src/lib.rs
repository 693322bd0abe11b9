//! Observers of AI Mass: what turns typed events into logs, traces and metrics.
