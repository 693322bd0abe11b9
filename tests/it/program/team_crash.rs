//! The team at work on texts, recordings and pictures, with real weights, while it is hit: the process by `kill -9` three times in the middle of the episode, and
//! in the second test its workers at random as well. Facts and report are those of a run that nobody disturbs, and each reaction is done once.

mod desk;
mod essence;
mod mortal;

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::OnceLock;

use serde_json::{Value, json};

use super::harness::Ended;
use desk::{Desk, FILES};
use essence::{Essence, essence};

/// What the files come to: each of them is a fact, of each of 16 texts two more are found out, of each of 4 recordings three, of each of 4 pictures four, and the report
/// is the last. Of the two words of one recording the language is the one that was heard, which is no fact of its own, and the photograph has no words.
const FACTS: usize = FILES + 2 * 16 + (3 * 4 - 1) + (4 * 4 - 1) + 1;

/// What comes of the files when nobody disturbs the team. One run serves both tests.
fn undisturbed() -> &'static Essence {
    static UNDISTURBED: OnceLock<Essence> = OnceLock::new();
    UNDISTURBED.get_or_init(|| {
        let found = of_document(&Desk::new().run(&["run", "files", "--json"]));
        assert_eq!(found.len(), FACTS, "{:?}", found.keys());
        found
    })
}

/// The essence of what a run has put on standard output.
fn of_document(ended: &Ended) -> Essence {
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let document = ended.document();
    assert_eq!(document["failures"], json!([]));
    essence(document["facts"].as_array().unwrap())
}

/// Has three processes, one after the other, work on the same episode and be killed: when the first facts have been found out, when some more have, and
/// when the report is being written. Gives all that they said.
fn kill_three(process: impl Fn(usize) -> Command, is_fact: fn(&str) -> bool) -> Vec<String> {
    let mut said = Vec::new();
    let mut seen = 0;
    for kill in 0..3 {
        let patience = [FILES + 6, (seen + 12).min(FACTS - 4), FACTS - 1][kill];
        let lines = desk::kill_after(&mut process(kill), patience, is_fact);
        seen = lines.iter().filter(|line| is_fact(line)).count();
        assert!(
            seen < FACTS,
            "kill {kill} came when all was done: {lines:#?}"
        );
        said.extend(lines);
    }
    said
}

#[test]
fn facts_and_report_of_a_process_killed_three_times_are_those_of_an_undisturbed_one() {
    let desk = Desk::new();
    let process = |kill| match kill {
        0 => desk.command(&["run", "files", "--lang", "en"]),
        _ => desk.command(&["run", "--resume", "--lang", "en"]),
    };
    kill_three(process, |line| line.contains(" s  "));
    let found = of_document(&desk.run(&["run", "--resume", "--json"]));
    essence::assert_same(undisturbed(), &found);
    desk.run(&["run", "--resume"])
        .assert_fails(65, &["every episode here has come to its end"]);
}

#[test]
fn facts_and_report_are_the_same_when_workers_die_at_random_and_the_process_three_times() {
    let desk = Desk::new();
    let process = |kill| mortal::process(&desk, kill as u64);
    let mut said = kill_three(process, mortal::is_fact);
    let ended = Ended::from(process(3).output().unwrap());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let facts: Vec<Value> = mortal::facts(ended.stdout.lines());
    essence::assert_same(undisturbed(), &essence(&facts));
    said.extend(ended.stdout.lines().map(str::to_owned));
    let deaths = mortal::deaths(said.iter().map(String::as_str));
    let skills: BTreeSet<&str> = deaths.iter().map(String::as_str).collect();
    let all = [
        "image.classify",
        "image.detect",
        "image.embed",
        "image.face_boxes",
        "image.face_features",
        "image.read",
        "speech.activity",
        "speech.recognize",
        "text.embed",
        "text.language",
    ];
    assert_eq!(Vec::from_iter(skills), all, "{deaths:?}");
    assert!(deaths.len() >= 20, "{deaths:?}");
}
