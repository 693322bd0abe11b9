//! One compute thread for each worker: the program starts itself again with the variables that candle's thread pools read.
//!
//! candle's quantised kernels share one pool behind one lock, which a panic poisons for every agent; with one thread they pass it by. Parallel
//! work comes from replicas and batches instead.

use std::env;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

const VARIABLES: [&str; 2] = ["RAYON_NUM_THREADS", "CANDLE_NUM_THREADS"];
/// Set in the process that was started again, so that it never happens twice.
const GUARD: &str = "AIMASS_STARTED_AGAIN";

/// Returns only in a process that has the variables, or that could not be given them. What the user set stays.
pub(crate) fn start_again_with_one_compute_thread() -> io::Result<()> {
    let missing: Vec<&str> = VARIABLES
        .into_iter()
        .filter(|name| env::var_os(name).is_none())
        .collect();
    if missing.is_empty() || env::var_os(GUARD).is_some() {
        return Ok(());
    }
    let mut arguments = env::args_os();
    let mut command = Command::new(env::current_exe()?);
    if let Some(name) = arguments.next() {
        command.arg0(name);
    }
    command
        .args(arguments)
        .env(GUARD, "1")
        .envs(missing.into_iter().map(|name| (name, "1")));
    // Replaces this process; returns only when that failed, as it does when the program's file was replaced meanwhile.
    Err(command.exec())
}
