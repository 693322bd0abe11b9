//! tmp
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
mod cache;
mod picture;
