//! Black-box tests of the environment: with real disks, and with a process of their own to kill.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "tests stand outside the runtime, and their helpers may fail them"
)]

mod disk;
mod kill;

/// A test that runs this binary again as its child tells it so in this variable.
const CHILD: &str = "AIMASS_TEST_CHILD";
