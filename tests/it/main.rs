//! Black-box tests of AI Mass: the repository's own rules, and the program as a user meets it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod program;
mod repository;

use std::path::Path;

/// The folder of the repository. The package of the program, which declares these tests, stands in it.
fn repository_root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}
