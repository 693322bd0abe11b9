//! The event log that `observers.json_lines` asks for.

use std::fs;

use serde_json::{Value, json};

use super::harness::Place;

#[test]
fn every_task_leaves_its_complete_record_in_the_event_log() {
    let place = Place::new();
    place.file("aimass.toml", "[observers]\njson_lines = 'events.jsonl'\n");
    place
        .run(&["ask", "text.language", "Guten Morgen, wie geht es Ihnen?"])
        .assert_ok();
    let empty = place.file("empty.txt", "");
    let empty = empty.to_str().unwrap();
    assert_eq!(place.run(&["ask", "text.language", empty]).code, Some(65));

    let log = fs::read_to_string(place.here().join("events.jsonl")).unwrap();
    let records = log.lines().map(|line| serde_json::from_str(line).unwrap());
    let tasks: Vec<Value> = records
        .filter(|record: &Value| record["record"] == "task")
        .collect();
    let [done, refused] = &tasks[..] else {
        panic!("{log}");
    };
    for (field, expected) in [
        ("agent", json!("text")),
        ("skill", json!("text.language")),
        ("priority", json!("interactive")),
        ("runs", json!(1)),
        ("steps", json!(1)),
        ("outcome", json!({"kind": "done"})),
    ] {
        assert_eq!(done[field], expected, "{field} of {done}");
    }
    assert_eq!(done["place"]["device"], "cpu", "{done}");
    let times = ["accepted_ns", "started_ns", "finished_ns", "settled_ns"];
    let times = times.map(|time| done[time].as_u64().unwrap());
    assert!(times.is_sorted() && times[0] > 0, "{done}");
    let outcome = &refused["outcome"];
    assert_eq!(
        (&outcome["kind"], &outcome["error"]),
        (&json!("error"), &json!("rejected")),
        "{refused}"
    );
    // The content of tasks never enters a record, and neither do the words of an error, which may quote it.
    assert!(!log.contains("Guten Morgen"), "{log}");
    assert_eq!(outcome["message"], "", "{refused}");
}

#[test]
fn what_errors_say_is_in_the_event_log_only_with_content() {
    let place = Place::new();
    let empty = place.file("a secret name.txt", "");
    let log = place.here().join("events.jsonl");
    for (content, told) in [("false", false), ("true", true)] {
        let mut ask = place.command(&["ask", "text.language", empty.to_str().unwrap()]);
        ask.env("AIMASS_OBSERVERS__JSON_LINES", &log);
        ask.env("AIMASS_OBSERVERS__CONTENT", content);
        assert_eq!(ask.output().unwrap().status.code(), Some(65));
        let said = fs::read_to_string(&log).unwrap();
        fs::remove_file(&log).unwrap();
        assert!(said.contains("rejected"), "{said}");
        assert_eq!(said.contains("expected a text"), told, "{said}");
    }
}

#[test]
fn an_event_log_that_cannot_be_written_is_a_fault_of_the_configuration() {
    let place = Place::new();
    place.file(
        "aimass.toml",
        "[observers]\njson_lines = 'no/events.jsonl'\n",
    );
    place
        .run(&["ask", "text.language", "x"])
        .assert_fails(64, &["no/events.jsonl", "observers.json_lines"]);
}
