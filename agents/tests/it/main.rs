//! Black-box tests of the agents, with the real weights: what is missing is fetched into the cache.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests stand outside the runtime, and their helpers may fail them"
)]

#[path = "../../../models/tests/it/cache.rs"]
mod cache;

mod accuracy;
mod generation;
mod image;
mod labeled;
mod mortal;
mod search;
mod speech;
mod text;
