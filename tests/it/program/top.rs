//! `aimass top`: beside a node under load, and in a real terminal.

use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::thread;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::harness::Place;
use super::node::{end, start};
use super::terminal::Terminal;

/// A node, and what was asked of it: some that works, and one task that its agent refuses.
fn asked(place: &Place) {
    for text in ["Guten Morgen", "good morning", "bonjour à tous"] {
        place.run(&["ask", "text.language", text]).assert_ok();
    }
    let refused = place.run(&["ask", "text.embed", "no model is here"]);
    assert_ne!(refused.code, Some(0), "{refused:?}");
    let letter = place.file(
        "letter.txt",
        "Sehr geehrte Damen und Herren, anbei die Rechnung.",
    );
    // The model is missing here, so a part of the team's work fails.
    let ended = place.run(&["run", letter.to_str().unwrap()]);
    assert!(ended.stdout.contains("text"), "{ended:?}");
}

#[test]
fn one_frame_and_one_document_tell_what_the_node_did() {
    let place = Place::new();
    let mut node = start(&place);
    asked(&place);
    let view = place.run(&["top", "--json"]).assert_ok().document();
    let text = &view["agents"][0];
    assert_eq!(text["name"], "text");
    let skills = text["skills"].as_array().unwrap();
    let of = |name: &str| skills.iter().find(|skill| skill["name"] == name).unwrap();
    let language = of("text.language");
    assert!(language["tasks"].as_u64() >= Some(3), "{language}");
    assert_eq!(language["errors"], 0);
    assert!(
        language["duration"]["p99_us"].as_u64() > Some(0),
        "{language}"
    );
    assert!(of("text.embed")["errors"].as_u64() >= Some(1));
    assert_eq!(view["node"]["dropped_events"], 0);
    assert!(view["node"]["memory_bytes"].as_u64() > Some(1 << 20));
    let episode = &view["episodes"][0];
    assert_eq!(
        episode["episode"].as_str().map(str::len),
        Some(32),
        "{episode}"
    );
    assert!(
        !episode["spans"].as_array().unwrap().is_empty(),
        "{episode}"
    );

    let mut command = place.command(&["top", "--once"]);
    command.env("COLUMNS", "100");
    let output = command.output().unwrap();
    let frame = String::from_utf8(output.stdout).unwrap();
    assert_eq!(
        (output.status.code(), output.stderr.as_slice()),
        (Some(0), &b""[..])
    );
    for words in [
        "last episodes",
        "text.language",
        "█",
        "episode ",
        "load failed",
        "✗ text.embed",
    ] {
        assert!(frame.contains(words), "{words} is not in\n{frame}");
    }
    assert!(!frame.contains('\x1b'), "{frame}");
    assert!(
        frame.lines().all(|line| line.chars().count() <= 100),
        "{frame}"
    );
    assert_eq!(end(&mut node), Some(0));
}

#[test]
fn what_it_cannot_do_is_one_line() {
    let place = Place::new();
    place
        .run(&["top"])
        .assert_fails(64, &["no terminal", "aimass top --once"]);
    place
        .run(&["top", "--once"])
        .assert_fails(69, &["aimass start"]);
    place
        .run(&["top", "--json"])
        .assert_fails(69, &["aimass start"]);
    for interval in ["0", "soon", "-1", "NaN", "1e9"] {
        let interval = format!("--interval={interval}");
        place
            .run(&["top", "--once", &interval])
            .assert_fails(64, &["from 0.1 to 3600"]);
    }
}

/// Reads a frame, as the protocol of nodes has it.
fn frame(stream: &mut impl Read) -> Value {
    let mut length = [0; 4];
    stream.read_exact(&mut length).unwrap();
    let mut frame = vec![0; u32::from_le_bytes(length) as usize];
    stream.read_exact(&mut frame).unwrap();
    serde_json::from_slice(&frame).unwrap()
}

#[test]
fn a_node_of_before_the_live_view_is_told_by_name() {
    let place = Place::new();
    let listener = UnixListener::bind(place.home().join("node.socket")).unwrap();
    // As such a node does: it ends a connection on which something came that it does not know.
    let node = thread::spawn(move || {
        for greeted in [true, false] {
            let (mut stream, _) = listener.accept().unwrap();
            assert_eq!(frame(&mut stream)["frame"], "hello");
            let hello = json!({"frame": "hello", "protocol": 2}).to_string();
            stream
                .write_all(&(hello.len() as u32).to_le_bytes())
                .unwrap();
            stream.write_all(hello.as_bytes()).unwrap();
            if greeted {
                assert_eq!(frame(&mut stream)["request"], json!({"request": "live"}));
            }
        }
    });
    place
        .run(&["top", "--once"])
        .assert_fails(69, &["another version", "stop it", "aimass start"]);
    node.join().unwrap();
}

#[test]
fn in_a_terminal_it_opens_shows_a_waterfall_and_gives_the_screen_back() {
    let place = Place::new();
    let mut node = start(&place);
    asked(&place);
    let mut terminal = Terminal::open(&place, (80, 24), "aimass top --interval 0.2");
    terminal.wait_for(&[
        "aimass 0",
        "text.language",
        "last episodes and calls",
        "q end",
    ]);
    terminal.resize((120, 40));
    terminal.wait_for(&["of models", "wait95"]);
    terminal.press("Enter");
    let waterfall = terminal.wait_for(&["trace ", "Esc back"]);
    assert!(waterfall.contains("█"), "{waterfall}");
    // What happens meanwhile is seen without a key.
    terminal.press("Escape");
    let tasks = |screen: &str| -> u64 {
        let before = screen.split(" tasks, ").next().unwrap();
        before
            .split_whitespace()
            .next_back()
            .unwrap()
            .parse()
            .unwrap()
    };
    let before = tasks(&terminal.wait_for(&["last episodes", "of models"]));
    place
        .run(&["ask", "text.language", "buenos días"])
        .assert_ok();
    terminal.wait_until(|screen| screen.contains(" tasks, ") && tasks(screen) == before + 1);
    terminal.press("q");
    let after = terminal.wait_for(&["ended with 0"]);
    assert!(!after.contains("last episodes"), "{after}");
    terminal.assert_restored();
    assert_eq!(end(&mut node), Some(0));
}

#[test]
fn a_terminated_one_gives_the_screen_back_too() {
    let place = Place::new();
    let mut node = start(&place);
    let command = "sh -c 'echo $$ > pid; exec aimass top'";
    for signal in [
        Signal::TERM,
        Signal::INT,
        Signal::HUP,
        Signal::QUIT,
        Signal::ALARM,
        Signal::USR1,
        Signal::USR2,
    ] {
        let mut terminal = Terminal::open(&place, (80, 24), command);
        terminal.wait_for(&["last episodes"]);
        let pid = std::fs::read_to_string(place.here().join("pid")).unwrap();
        let pid = Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
        terminal.wait_for(&["ended with 0"]);
        terminal.assert_restored();
    }
    assert_eq!(end(&mut node), Some(0));
}

#[test]
fn a_dumb_terminal_is_refused_and_left_alone() {
    let place = Place::new();
    let mut node = start(&place);
    let mut terminal = Terminal::open(&place, (100, 24), "TERM=dumb aimass top");
    terminal.wait_for(&["dumb", "aimass top --once", "ended with 64"]);
    terminal.assert_restored();
    let mut terminal = Terminal::open(&place, (100, 40), "TERM=dumb aimass top --once");
    terminal.wait_for(&["last episodes", "ended with 0"]);
    assert_eq!(end(&mut node), Some(0));
}

#[test]
fn nothing_in_a_name_turns_the_direction_of_writing_on_a_terminal() {
    let place = Place::new();
    let name = "a\u{202e}txt.exe\u{2066}\u{1b}[8m";
    place.file(name, "Guten Morgen, wie geht es Ihnen heute?");
    place.file(&format!("empty{name}"), "");
    for command in [
        "aimass run *",
        "aimass run --json *",
        "aimass facts ls",
        "aimass facts show 1",
        "aimass ask speech.detect a*",
    ] {
        let mut terminal = Terminal::open(
            &place,
            (200, 60),
            &format!("rm -f script before; {command}"),
        );
        let screen = terminal.wait_for(&["ended with"]);
        assert!(screen.contains("txt.exe"), "{command}: {screen}");
        assert!(
            !screen.contains(['\u{202e}', '\u{2066}']),
            "{command}: {screen}"
        );
    }
    let mut node = start(&place);
    place.run(&["run", name]);
    let mut terminal = Terminal::open(&place, (200, 60), "aimass top");
    let screen = terminal.wait_for(&["last episodes"]);
    assert!(!screen.contains(['\u{202e}', '\u{2066}']), "{screen}");
    assert_eq!(end(&mut node), Some(0));
}

#[test]
fn a_node_that_ends_meanwhile_is_told_of() {
    let place = Place::new();
    let mut node = start(&place);
    let mut terminal = Terminal::open(&place, (80, 24), "aimass top --interval 0.2");
    terminal.wait_for(&["last episodes"]);
    assert_eq!(end(&mut node), Some(0));
    terminal.wait_for(&["has ended", "aimass start", "ended with 69"]);
    terminal.assert_restored();
}
