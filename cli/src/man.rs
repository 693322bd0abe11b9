//! `aimass man`: the manual page.

use clap::Args;

use super::failure::Failure;
use super::{Context, help};

/// Print the manual page: `aimass man | man -l -`
#[derive(Args)]
pub(crate) struct Arguments {}

pub(crate) fn execute(context: &Context, _: Arguments) -> Result<(), Failure> {
    let mut page = Vec::new();
    let command = help::command(context.locale);
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    for subcommand in command.get_subcommands() {
        let named = subcommand
            .clone()
            .display_name(format!("aimass {}", subcommand.get_name()));
        let manual = clap_mangen::Man::new(named);
        manual.render_description_section(&mut page)?;
        manual.render_options_section(&mut page)?;
    }
    context.output.bytes(&page)
}
