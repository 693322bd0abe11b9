//! A program of one's own with one more agent, the example `complaints`: nothing but its manifest makes it part of all that the program shows.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use aimass_models::Silent;
use serde_json::Value;

use super::cache;
use super::harness::{Ended, Place};
use super::node::started;

const LETTER: &str = "Dear team, the weather was nice.\n\nThe cup arrived broken and I want my money back! \
                      Please answer soon.";

/// The example, which is built with the tests.
fn program() -> String {
    let aimass = PathBuf::from(env!("CARGO_BIN_EXE_aimass"));
    let program = aimass.parent().unwrap().join("examples/complaints");
    assert!(
        program.is_file(),
        "{} is not there; `cargo build --workspace --examples` builds it",
        program.display()
    );
    program.display().to_string()
}

/// A place with a letter and the model that reads it.
fn place() -> Place {
    let store = cache::store();
    store.pull("minilm", &mut Silent).unwrap();
    let place = Place::new();
    fs::remove_dir(place.cache()).unwrap();
    let kept = std::path::absolute(store.derived("")).unwrap();
    symlink(kept, place.cache()).unwrap();
    place.file("letter.txt", LETTER);
    place
}

fn run(place: &Place, arguments: &[&str]) -> Ended {
    let mut command = place.command_of(&program(), arguments);
    Ended::from(command.output().unwrap())
}

fn sentences(report: &Value) -> Vec<String> {
    let sections = report["details"].as_array().unwrap().iter();
    let sentences = sections.flat_map(|section| section["sentences"].as_array().unwrap());
    sentences
        .map(|one| one["text"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn its_facts_are_shown_in_lines_report_and_page() {
    let place = place();
    let ended = run(&place, &["run", "letter.txt", "--report", "page.html"]);
    let shown = &ended.assert_ok().stdout;
    let line = "complaints  letter.txt: 1 of 3 sentences complain, most of all (";
    assert!(shown.contains(line), "{shown}");
    let said = "letter.txt complains: “The cup arrived broken and I want my money back!”";
    assert!(shown.contains(said), "{shown}");
    let page = fs::read_to_string(place.here().join("page.html")).unwrap();
    for part in [said, "complaints.find@1", "<th>sentence</th>"] {
        assert!(page.contains(part), "{part}");
    }
    let ended = run(&place, &["run", "letter.txt", "--json", "--lang", "zh"]);
    let report = &ended.assert_ok().document()["report"];
    let said = "letter.txt 投诉道：“The cup arrived broken and I want my money back!”";
    assert!(sentences(report).contains(&said.to_owned()), "{report}");
    // Nobody works, and its facts are shown all the same; by who does not know it, by their kinds.
    let listed = run(&place, &["facts", "ls", "--kind", "complaints.find"]);
    assert!(
        listed
            .assert_ok()
            .stdout
            .contains("1 of 3 sentences complain"),
        "{listed:?}"
    );
    let listed = place.run(&["facts", "ls", "--kind", "complaints.find"]);
    assert!(
        listed
            .assert_ok()
            .stdout
            .contains("complaints.find@1 {\"sentences\""),
        "{listed:?}"
    );
}

#[test]
fn its_stream_and_its_setting_work_and_are_explained() {
    let place = place();
    let asked = run(&place, &["ask", "complaints.find", LETTER, "--json"]);
    let found = asked.assert_ok().document();
    let complaints = |found: &Value| {
        let output = found.get("output").unwrap_or(found);
        output["complaints"].as_array().unwrap().len()
    };
    assert_eq!(complaints(&found), 1, "{found}");
    let threshold = "[agents.complaints.settings]\nthreshold = 1.9\n";
    place.file("aimass.toml", threshold);
    let asked = run(&place, &["ask", "complaints.find", LETTER, "--json"]);
    assert_eq!(complaints(&asked.assert_ok().document()), 0);
    let shown = run(&place, &["config", "show"]);
    let shown = &shown.assert_ok().stdout;
    for part in [
        "[agents.complaints.settings]",
        "threshold = 1.9",
        "multilingual = \"multilingual-minilm\"",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    // A setting that it has not is refused, and so is its own in a program that has no such agent.
    place.file(
        "aimass.toml",
        "[agents.complaints.settings]\ntreshold = 0.5\n",
    );
    run(&place, &["config", "check"]).assert_fails(64, &["treshold", "threshold"]);
    place.file("aimass.toml", threshold);
    place
        .run(&["config", "check"])
        .assert_fails(64, &["complaints"]);
    let reference = run(&place, &["reference"]);
    let reference = &reference.assert_ok().stdout;
    for part in [
        "### `complaints.find`",
        "Finds the sentences of a text that complain.",
        "# Score from which a sentence counts as a complaint. Value: a number from -1 to 1.",
        "# The agent `complaints`. Its models: `minilm` unless `model` names another, `multilingual-minilm`",
    ] {
        assert!(reference.contains(part), "{part}");
    }
}

#[test]
fn doctor_and_tree_name_it_in_both_languages() {
    let place = place();
    let doctor = run(&place, &["doctor", "--json"]);
    let findings = doctor.document();
    let models: Vec<&str> = findings
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["what"] == "complaints model")
        .map(|finding| finding["found"].as_str().unwrap())
        .collect();
    assert!(
        models.iter().any(|found| found.contains("minilm")),
        "{findings}"
    );
    assert_eq!(models.len(), 2, "{findings}");
    let doctor = run(&place, &["doctor", "--lang", "zh"]);
    assert!(doctor.stdout.contains("投诉模型"), "{}", doctor.stdout);
    let tree = run(&place, &["agents", "--tree"]);
    assert!(tree.assert_ok().stdout.contains("complaints"), "{tree:?}");
}

#[test]
fn a_command_line_without_the_agent_shows_what_its_node_shows() {
    let place = place();
    let node = started(place.command_of(&program(), &["start"]));
    let ended = place.run(&["run", "letter.txt"]);
    let shown = &ended.assert_ok().stdout;
    assert!(shown.contains("1 of 3 sentences complain"), "{shown}");
    assert!(shown.contains("letter.txt complains: “The cup"), "{shown}");
    let skills = place.run(&["skills"]);
    assert!(skills.assert_ok().stdout.contains("complaints.find"));
    let view = place.run(&["top", "--json"]).assert_ok().document();
    let agents = view["agents"].as_array().unwrap().iter();
    let agents: Vec<&str> = agents
        .map(|agent| agent["name"].as_str().unwrap())
        .collect();
    assert!(agents.contains(&"complaints"), "{agents:?}");
    drop(node);
}
