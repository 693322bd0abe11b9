//! The observers beside running agents, a collector of the test's own, a real Jaeger and a real Prometheus.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may panic, and stands outside the runtime"
)]

mod collector;
mod current_span;
mod documentation;
mod event_log;
mod exporters;
mod jaeger;
mod killed;
mod live;
mod metrics;
mod otlp;
mod otlp_logs;
mod otlp_metrics;
mod prometheus;
mod resumed;
mod team;
mod tools;
