//! Commands and their arguments, as clap knows them.

use std::fmt::Write;

use clap::{Arg, Command};

/// Writes every command that help shows, each with its own arguments; those of all commands stand once, at the top.
pub(super) fn write(page: &mut String, program: &Command) {
    let mut program = program.clone();
    program.build();
    *page += "\n## Commands\n\nEvery command takes:\n";
    let global = |argument: &&Arg| argument.is_global_set();
    write_arguments(page, program.get_arguments().filter(global));
    write_below(page, &program);
}

fn write_below(page: &mut String, command: &Command) {
    let shown = |command: &&Command| command.get_name() != "help" && !command.is_hide_set();
    for below in command.get_subcommands().filter(shown) {
        if below.has_subcommands() {
            write_below(page, below);
            continue;
        }
        let usage = below.clone().render_usage().to_string();
        let usage = usage.trim_start_matches("Usage: ").trim();
        let about = below.get_about().map(ToString::to_string);
        let about = about.unwrap_or_default();
        // Writing to a String cannot fail.
        let _ = write!(page, "\n### `{usage}`\n\n{about}.\n");
        let own = |argument: &&Arg| !argument.is_global_set() && argument.get_id() != "help";
        write_arguments(page, below.get_arguments().filter(own));
    }
}

fn write_arguments<'a>(page: &mut String, arguments: impl Iterator<Item = &'a Arg>) {
    let mut arguments = arguments
        .filter(|argument| !argument.is_hide_set())
        .peekable();
    if arguments.peek().is_none() {
        return;
    }
    *page += "\n| argument | what it does |\n|---|---|\n";
    for argument in arguments {
        let help = argument.get_help().map(ToString::to_string);
        let mut help = help.unwrap_or_default();
        if argument.get_action().takes_values() {
            let defaults = argument.get_default_values().iter();
            for default in defaults {
                help += &format!(" [default: {}]", default.to_string_lossy());
            }
        }
        let spelt = argument.to_string().replace('|', "\\|");
        let _ = writeln!(page, "| `{spelt}` | {} |", help.replace('|', "\\|"));
    }
}
