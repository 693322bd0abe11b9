//! The table of Chinese texts is whole, and names nothing that there is not.

use std::collections::BTreeSet;

use aimass_locale::Locale;
use clap::Command;

use super::{chinese, command};

/// Each command and each argument that its help shows: the command's path, and the argument's name or nothing.
fn shown(command: &Command, path: &str, found: &mut BTreeSet<(String, String)>) {
    found.insert((path.to_owned(), String::new()));
    for argument in command.get_arguments().filter(|one| !one.is_hide_set()) {
        found.insert((path.to_owned(), argument.get_id().to_string()));
    }
    for below in command.get_subcommands().filter(|one| !one.is_hide_set()) {
        let below_path = format!("{path} {}", below.get_name());
        shown(below, below_path.trim_start(), found);
    }
}

#[test]
fn each_command_and_each_argument_has_a_chinese_text_and_no_text_is_left_over() {
    let mut found = BTreeSet::new();
    shown(&command(Locale::English), "", &mut found);
    for (path, name) in &found {
        let name = Some(name.as_str()).filter(|name| !name.is_empty());
        assert!(
            chinese::text(path, name).is_some(),
            "`{path}` {name:?} has no Chinese text; give it one in cli/src/help/chinese.rs"
        );
    }
    let added_by_clap = [("", "help"), ("", "version"), ("help", "")];
    for (path, name) in chinese::all() {
        let known = found.contains(&(path.to_owned(), name.to_owned()));
        assert!(
            known || added_by_clap.contains(&(path, name)),
            "there is no `{path}` `{name}`"
        );
    }
}

#[test]
fn chinese_help_has_no_english_sentence() {
    fn check(command: &mut Command) {
        let help = command.render_long_help().to_string();
        let english = [
            "Usage:",
            "Options:",
            "Commands:",
            "Arguments:",
            "Print",
            "[default",
            "[possible",
        ];
        for words in english {
            assert!(!help.contains(words), "{words} is in:\n{help}");
        }
        command.get_subcommands_mut().for_each(check);
    }
    check(&mut command(Locale::Chinese));
}
