//! Black-box tests of the kernel: those that need a process of their own to kill.

#![expect(clippy::expect_used, reason = "a test stops at the first error")]
#![expect(clippy::print_stdout, reason = "a test that cannot run here says why")]

mod environment_disk;
mod environment_kill;

/// A storm has its own entry, so that the binary can run itself as the child that is killed.
const STORM: &str = "AIMASS_TEST_STORM";
