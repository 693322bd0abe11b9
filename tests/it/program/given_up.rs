//! What is given up: a task that hangs, which is kept as a dead letter, and an agent whose threads hang for good.

use std::io::{BufRead, BufReader, Read};

use super::harness::{Place, Running};
use super::node;

/// A place whose text agent calls a step hung after a moment, with a letter that takes many times as long to read.
fn place(max_abandoned: u32) -> Place {
    let place = Place::new();
    place.file(
        "aimass.toml",
        format!(
            "[agents.text]\nstep_limit = '1ms'\ngrace = '1ms'\nmax_abandoned = {max_abandoned}\n"
        ),
    );
    // As large as a text may be, in the encoding that takes the longest.
    let mut letter = b"\xff\xfe".to_vec();
    letter.resize(64 << 20, b'a');
    place.file("letter.txt", letter);
    place
}

const ASK: [&str; 3] = ["ask", "text.language", "letter.txt"];

#[test]
fn a_task_that_hangs_is_a_dead_letter_that_is_listed_shown_redriven_and_removed() {
    let place = place(3);
    let mut node = node::start(&place);
    place
        .run(&ASK)
        .assert_fails(70, &["text.language", "hang", "`aimass dead-letters`"]);

    let letters = place.run(&["dead-letters", "ls", "--json"]);
    let letters = letters.assert_ok().document();
    let [letter] = &letters.as_array().unwrap()[..] else {
        panic!("{letters}");
    };
    let task = letter["task"]["id"].as_str().unwrap().to_owned();
    let listed = place.run(&["dead-letters", "ls"]);
    let listed = &listed.assert_ok().stdout;
    for word in [&task, "text.language", "hang"] {
        assert!(listed.contains(word), "{word}: {listed}");
    }
    let shown = place.run(&["dead-letters", "show", &task, "--json"]);
    assert_eq!(&shown.assert_ok().document(), letter);
    let path = letter["task"]["input"]["path"].as_str().unwrap();
    assert!(path.ends_with("letter.txt"), "{letter}");

    // Its cause is gone: a node that is as patient as usual, and a shorter letter.
    assert_eq!(node::end(&mut node), Some(0));
    place.file("aimass.toml", "");
    place.file("letter.txt", "Guten Morgen, wie geht es Ihnen?");
    let mut node = node::start(&place);
    let redriven = place.run(&["dead-letters", "redrive", &task, "--json"]);
    let redriven = redriven.assert_ok().document();
    assert_eq!(redriven["output"]["language"], "de", "{redriven}");
    let new = redriven["task"].as_str().unwrap();
    assert_ne!(new, task);
    let listed = place.run(&["dead-letters", "ls"]);
    assert!(
        listed
            .assert_ok()
            .stdout
            .contains(&format!("redriven as {new}")),
        "{listed:?}"
    );
    // Once is enough: it says so, and goes when it is told to.
    place
        .run(&["dead-letters", "redrive", &task])
        .assert_fails(65, &[new, "was answered", "dead-letters rm"]);
    let removed = place.run(&["dead-letters", "rm", &task]);
    assert_eq!(removed.code, Some(0), "{removed:?}");
    let listed = place.run(&["dead-letters", "ls", "--json"]);
    assert_eq!(listed.assert_ok().document(), serde_json::json!([]));
    place
        .run(&["dead-letters", "rm", &task])
        .assert_fails(65, &["there is no dead letter"]);
    assert_eq!(node::end(&mut node), Some(0));
}

#[test]
fn a_node_whose_agent_is_given_up_ends_with_70_and_says_why() {
    let place = place(0);
    let mut child = place.command(&["start"]).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    stderr.read_line(&mut line).unwrap();
    assert!(line.contains("listening on"), "{line}");
    let mut node = Running(child);
    assert_eq!(place.run(&ASK).code, Some(70));
    // It ends by itself.
    assert_eq!(node.0.wait().unwrap().code(), Some(70));
    let mut said = String::new();
    stderr.read_to_string(&mut said).unwrap();
    let reason = said
        .lines()
        .find(|line| line.contains("`text` was given up"));
    let reason = reason.unwrap_or_else(|| panic!("{said}"));
    for word in ["aimass: ", "1 of its threads hang", "start the node again"] {
        assert!(reason.contains(word), "{word}: {said}");
    }
}
