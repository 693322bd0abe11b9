//! `aimass completions`: what a shell completes.

use clap::Args;
use clap_complete::Shell;

use super::failure::Failure;
use super::{Context, help};

/// Print completions for a shell: `aimass completions bash > FILE`
#[derive(Args)]
pub(crate) struct Arguments {
    /// Which shell
    shell: Shell,
}

pub(crate) fn execute(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    let mut script = Vec::new();
    let mut command = help::command(context.locale);
    clap_complete::generate(arguments.shell, &mut command, "aimass", &mut script);
    context.output.bytes(&script)
}
