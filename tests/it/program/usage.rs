//! The command line itself.

use super::harness::Place;

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
fn a_reader_that_has_seen_enough_is_no_failure() {
    let place = Place::new();
    let mut child = place.command(&["completions", "bash"]).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        (output.status.code(), output.stderr.as_slice()),
        (Some(0), &b""[..])
    );
}

#[test]
fn a_pipe_sees_no_colours() {
    let place = Place::new();
    let ended = place.run(&["--help"]);
    assert!(!ended.stdout.contains('\x1b'), "{ended:?}");
}
