//! The command line itself.

use std::io;

use super::harness::{Ended, Place};

/// What to do where the reference has changed.
const REMEDY: &str = "write it anew: `cargo run -- reference > docs/reference.md`";

#[test]
fn a_wrong_command_line_is_one_line_and_64() {
    let place = Place::new();
    place
        .run(&["fcats"])
        .assert_fails(64, &["fcats", "facts", "aimass --help"]);
    place
        .run(&["facts", "show", "seven"])
        .assert_fails(64, &["seven"]);
    place
        .run(&["facts", "ls", "--episode", "7"])
        .assert_fails(64, &["identifier of 32"]);
    place
        .run(&["dead-letters", "show"])
        .assert_fails(64, &["<TASK>"]);
    place
        .run(&["ask", "text.embed", "x", "--deadline", "soon"])
        .assert_fails(64, &["seconds"]);
}

#[test]
fn without_a_command_it_shows_help_and_fails() {
    let ended = Place::new().run::<&str>(&[]);
    assert_eq!(ended.code, Some(64));
    assert!(ended.stderr.contains("dead-letters"), "{ended:?}");
}

#[test]
fn help_version_completions_and_manual_are_there() {
    let place = Place::new();
    for (arguments, word) in [
        (vec!["--help"], "dead-letters"),
        (vec!["--version"], env!("CARGO_PKG_VERSION")),
        (vec!["completions", "bash"], "_aimass"),
        (vec!["completions", "zsh"], "#compdef aimass"),
        (vec!["completions", "fish"], "complete -c aimass"),
        (vec!["man"], ".TH aimass 1"),
    ] {
        let ended = place.run(&arguments);
        ended.assert_ok();
        assert!(ended.stdout.contains(word), "{arguments:?}: {word:?}");
    }
}

#[test]
fn help_and_refusals_are_in_the_language_that_is_asked_for() {
    let place = Place::new();
    let help = place.run(&["--lang", "zh", "--help"]);
    help.assert_ok();
    for words in ["用法：aimass", "命令:", "选项:", "让团队处理文件"] {
        assert!(help.stdout.contains(words), "{words} is not in {help:?}");
    }
    let by_locale = place
        .command(&["run", "--help"])
        .env("LC_ALL", "zh_CN.UTF-8")
        .output();
    let by_locale = Ended::from(by_locale.unwrap());
    by_locale.assert_ok();
    for words in ["文件和文件夹", "--report <FILE>", "写一个页面"] {
        assert!(
            by_locale.stdout.contains(words),
            "{words} is not in {by_locale:?}"
        );
    }
    let about_facts = place.run(&["--lang", "zh", "help", "facts", "ls"]);
    assert!(about_facts.assert_ok().stdout.contains("仅此租户"));
    for (arguments, words) in [
        (vec!["fcats"], ["没有命令 `fcats`", "`facts`"]),
        (
            vec!["run", "--reprot", "x"],
            ["没有参数 `--reprot`", "`--report`"],
        ),
        (
            vec!["facts", "show"],
            ["缺少 `<REVISION>`", "aimass --help"],
        ),
        (
            vec!["facts", "show", "seven"],
            ["`<REVISION>` 不能是 `seven`", "："],
        ),
        (vec!["completions", "cmd"], ["应为", "`bash`"]),
    ] {
        let arguments = [&["--lang", "zh"][..], &arguments].concat();
        place.run(&arguments).assert_fails(64, &words);
    }
}

#[test]
fn the_reference_is_that_of_this_program() {
    let place = Place::new();
    let printed = place.run(&["reference"]);
    printed.assert_ok();
    let page = crate::repository_root().join("docs/reference.md");
    let page = std::fs::read_to_string(page).unwrap();
    let lines = page.lines().zip(printed.stdout.lines());
    let other = lines
        .enumerate()
        .find(|(_, (line, printed))| line != printed);
    assert_eq!(
        other, None,
        "docs/reference.md is of another program; {REMEDY}"
    );
    assert_eq!(page, printed.stdout, "{REMEDY}");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let place = Place::new();
    for arguments in [
        &["completions", "bash"][..],
        &["man"],
        &["reference"],
        &["--help"],
        &["run", "--help"],
        &["help", "facts", "ls"],
        &["--lang", "zh", "--help"],
        &["--version"],
        &["skills"],
    ] {
        let mut command = place.command(arguments);
        // Nobody reads from the beginning.
        let (unread, output) = io::pipe().unwrap();
        drop(unread);
        let output = command.stdout(output).output().unwrap();
        assert_eq!(
            (output.status.code(), output.stderr.as_slice()),
            (Some(0), &b""[..]),
            "{arguments:?}"
        );
    }
}

#[test]
fn a_pipe_sees_no_colours() {
    let place = Place::new();
    let ended = place.run(&["--help"]);
    assert!(!ended.stdout.contains('\x1b'), "{ended:?}");
}
