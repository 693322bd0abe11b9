//! Black-box tests of the kernel: those that need a process of their own to kill.

mod environment_disk;
mod environment_kill;

/// A storm has its own entry, so that the binary can run itself as the child that is killed.
const STORM: &str = "AIMASS_TEST_STORM";
