//! Black-box tests of the kernel: with real threads, with real disks, and with a process of their own to kill.

mod environment_disk;
mod environment_kill;
mod episodes;
mod guarantees;
mod support;
mod transport;

/// A test that runs this binary again as its child tells it so in this variable.
const CHILD: &str = "AIMASS_TEST_CHILD";
