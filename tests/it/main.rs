//! Black-box tests of AI Mass: the repository's own rules, and the program as a user meets it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod program;
mod repository;
