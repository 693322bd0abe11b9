//! The program `aimass`, with the agents of this build.

use std::process::ExitCode;

use aimass::AgentSet;

fn main() -> ExitCode {
    aimass_cli::run(AgentSet::default())
}
