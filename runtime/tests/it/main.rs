//! Black-box tests of the kernel: with real threads, with real disks, and with a process of their own to kill.
//! Each guarantee has tests that are named after it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "tests stand outside the runtime, and their helpers may fail them"
)]

mod accepting;
mod aliases;
mod author_panics;
mod bad_input;
mod batches;
mod blob_transfer;
mod callers;
mod chains;
mod chunks;
mod continued_streams;
mod cut_off_flows;
mod deadlines;
mod desk;
mod ending;
mod episodes;
mod flows;
mod full_agents;
mod given_up;
mod idle_rules;
mod joining;
mod kill_each_service;
mod live_calls;
mod memory_budget;
mod models_in_facts;
mod names;
mod namespaces;
mod no_threads;
mod obedient;
mod outcomes;
mod poison;
mod probe;
mod restarts;
mod resumed;
mod settings;
mod soak;
mod stage;
mod standstill;
mod streams;
mod supervision;
mod transport;
mod troubled_disk;
mod versions;
mod views;
mod worker_stack;

/// A test that runs this binary again as its child tells it so in this variable.
const CHILD: &str = "AIMASS_TEST_CHILD";
