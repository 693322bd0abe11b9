//! `TRACEPARENT`: a command that is part of somebody's trace.

use serde_json::{Value, json};

use super::harness::{Ended, Place};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN: &str = "b7ad6b7169203331";

/// Runs a command as part of a trace. Gives how it ended, and the records of its tasks.
fn run_within(place: &Place, header: &str, arguments: &[&str]) -> (Ended, Vec<Value>) {
    let log = place.here().join("events.jsonl");
    let mut command = place.command(arguments);
    command.env("TRACEPARENT", header);
    command.env("AIMASS_OBSERVERS__JSON_LINES", &log);
    let ended = Ended::from(command.output().unwrap());
    let records = std::fs::read_to_string(&log).unwrap();
    std::fs::remove_file(&log).unwrap();
    let records = records
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let is_task = |record: &Value| record["record"] == json!("task");
    (ended, records.filter(is_task).collect())
}

#[test]
fn a_question_is_part_of_the_trace_that_it_is_asked_in() {
    let place = Place::new();
    let asked = ["ask", "text.language", "Guten Morgen"];
    for (flags, sampled) in [("01", true), ("00", false)] {
        let header = format!("00-{TRACE}-{SPAN}-{flags}");
        let (ended, tasks) = run_within(&place, &header, &asked);
        ended.assert_ok();
        assert_eq!(tasks.len(), 1);
        let task = &tasks[0];
        assert_eq!(
            (&task["trace"], &task["parent"]),
            (&json!(TRACE), &json!(SPAN))
        );
        assert_eq!(task["sampled"], json!(sampled));
    }
}

#[test]
fn an_episode_is_part_of_the_trace_that_it_is_run_in() {
    let place = Place::new();
    place.file("good.txt", "Good morning, how are you today?");
    let header = format!("00-{TRACE}-{SPAN}-01");
    let (_, tasks) = run_within(&place, &header, &["run", "--json", "good.txt"]);
    assert!(tasks.len() >= 2, "{tasks:?}");
    assert!(
        tasks.iter().all(|task| task["trace"] == json!(TRACE)),
        "{tasks:?}"
    );
}

#[test]
fn a_header_that_cannot_be_read_costs_the_trace_and_not_the_answer() {
    let place = Place::new();
    let asked = ["ask", "text.language", "Guten Morgen"];
    let (ended, tasks) = run_within(&place, "00-nonsense-01", &asked);
    assert_eq!(ended.code, Some(0));
    assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
    assert!(
        ended.stderr.contains("TRACEPARENT is left out"),
        "{ended:?}"
    );
    assert_eq!(tasks[0]["parent"], Value::Null);
    // Empty is as good as none.
    let (ended, _) = run_within(&place, "", &asked);
    ended.assert_ok();
}
