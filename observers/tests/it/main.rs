//! The observers beside running agents, a collector of the test's own, and a real Jaeger.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may panic, and stands outside the runtime"
)]

mod collector;
mod documentation;
mod jaeger;
mod live;
mod metrics;

mod otlp;
mod team;
