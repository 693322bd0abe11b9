//! The command line as clap knows it, in the language of whoever reads its help. English stands beside the arguments; Chinese is a table.

mod chinese;
mod refusal;
#[cfg(test)]
mod tests;

use aimass_locale::Locale;
use clap::{Arg, Command, CommandFactory, FromArgMatches};

use super::Cli;
pub(crate) use refusal::refuse;

/// As clap's own, with the words that clap has in English only.
const CHINESE_TEMPLATE: &str = "{about-with-newline}\n用法：{usage}\n\n{all-args}";

/// The command that clap adds wherever there are commands.
const HELP: &str = "help";

/// The command line, with its help in that language.
pub(crate) fn command(locale: Locale) -> Command {
    let command = Cli::command();
    match locale {
        Locale::English => command,
        Locale::Chinese => in_chinese(command),
    }
}

/// Reads the command line of this process.
pub(crate) fn parse(locale: Locale) -> Result<Cli, clap::Error> {
    let mut command = command(locale);
    let matches = command.try_get_matches_from_mut(std::env::args_os())?;
    Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

fn in_chinese(mut command: Command) -> Command {
    // What clap adds by itself, `--help` above all, is there only after this.
    command.build();
    translated(command, "")
}

/// The command at that path, which is empty for the program itself, and those below it.
fn translated(command: Command, path: &str) -> Command {
    let about = match command.get_name() {
        HELP => chinese::text(HELP, None),
        _ => chinese::text(path, None),
    };
    let command = match about {
        Some(about) => command.about(about),
        None => command,
    };
    command
        .help_template(CHINESE_TEMPLATE)
        .subcommand_help_heading("命令")
        .mut_args(|argument| translated_argument(argument, path))
        .mut_subcommands(|below| {
            let below_path = match below.get_name() {
                // `aimass facts help ls` tells of `aimass facts ls`.
                HELP => path.to_owned(),
                name => format!("{path} {name}").trim_start().to_owned(),
            };
            translated(below, &below_path)
        })
}

fn translated_argument(argument: Arg, path: &str) -> Arg {
    let Some(help) = chinese::text(path, Some(argument.get_id().as_str())) else {
        return argument;
    };
    let mut help = help.to_owned();
    if argument.get_action().takes_values() {
        let defaults = argument.get_default_values().iter();
        let defaults: Vec<_> = defaults.map(|value| value.to_string_lossy()).collect();
        if !defaults.is_empty() {
            help += &format!(" [默认：{}]", defaults.join("、"));
        }
        let choices = argument.get_possible_values();
        let choices: Vec<&str> = choices.iter().map(|choice| choice.get_name()).collect();
        if !choices.is_empty() {
            help += &format!(" [可选：{}]", choices.join("、"));
        }
    }
    let heading = match argument.is_positional() {
        true => "参数",
        false => "选项",
    };
    argument
        .help(help)
        .help_heading(heading)
        .hide_default_value(true)
        .hide_possible_values(true)
}
