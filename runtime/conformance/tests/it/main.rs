//! The suite put to the test: a sound agent passes, and each flaw is caught by the check that is there for it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "tests stand outside the runtime, and their helpers may fail them"
)]

mod clerk;
mod contract;
mod flaws;
