//! The page about the event log names every field of every record, and no other.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use aimass_runtime::{
    AgentChanged, AttemptInterrupted, CallerSpan, EpisodeFinished, EpisodeId, Epoch, ModelVersion,
    Namespace, Note, Place, Priority, Record, Revision, ServiceChange, ServiceChanged, SpanId,
    SpanPlace, TaskFinished, TaskId, TaskNote, TaskOutcome, TraceId, Usage, WorkerChange,
    WorkerChanged, WorkerId,
};
use serde_json::Value;

fn earlier() -> SpanPlace {
    SpanPlace {
        trace: TraceId::from_u128(5),
        span: SpanId::from_u64(6),
    }
}

/// A record of each kind, every field of which has a value.
fn records() -> Vec<Record> {
    let mut records = vec![
        Record::Task(Box::new(task())),
        Record::Agent(AgentChanged {
            agent: "text".into(),
            at_ns: 1,
            failed: Some("6 restarts within 60 s".to_owned()),
        }),
        Record::Episode(EpisodeFinished {
            episode: EpisodeId::from_u128(1),
            namespace: Namespace::default(),
            trace: TraceId::from_u128(2),
            span: SpanId::from_u64(3),
            parent: Some(SpanId::from_u64(4)),
            sampled: true,
            begun_ns: 1,
            finished_ns: 2,
            facts: 3,
            failures: 4,
        }),
        Record::Interrupted(Box::new(interrupted())),
    ];
    let model = || ModelVersion::new("minilm");
    let word = || "a word".to_owned();
    let changes = [
        WorkerChange::Starting { after_ms: 0 },
        WorkerChange::Ready {
            model: model(),
            device: "cpu".parse().unwrap(),
        },
        WorkerChange::Panicked { message: word() },
        WorkerChange::TakenDown { cause: word() },
        WorkerChange::Swapped { model: model() },
    ];
    records.extend(changes.map(|change| {
        Record::Worker(WorkerChanged {
            agent: "text".into(),
            worker: WorkerId(0),
            epoch: Epoch(1),
            at_ns: 1,
            change,
        })
    }));
    let notes = [
        Note::Retrying { attempts: 1 },
        Note::DeadLettered { cause: word() },
        Note::Progress { done: 0.5 },
    ];
    records.extend(notes.map(|note| {
        Record::Note(TaskNote {
            agent: "text".into(),
            task: TaskId::from_u128(1),
            at_ns: 1,
            note,
        })
    }));
    let (cause, after_ms) = (word(), 1);
    records.push(Record::Service(ServiceChanged {
        service: "reactions".into(),
        at_ns: 1,
        change: ServiceChange::Restarting { cause, after_ms },
    }));
    records
}

fn task() -> TaskFinished {
    TaskFinished {
        task: TaskId::from_u128(1),
        namespace: Namespace::default(),
        agent: "text".into(),
        skill: "text.embed".into(),
        episode: Some(EpisodeId::from_u128(7)),
        rule: Some("text-embed".into()),
        cause: Some(Revision(8)),
        redrive_of: Some(TaskId::from_u128(9)),
        trace: TraceId::from_u128(2),
        span: SpanId::from_u64(3),
        parent: Some(SpanId::from_u64(4)),
        caller: Some(CallerSpan {
            span: SpanId::from_u64(5),
            agent: Some("generation".into()),
        }),
        earlier_attempt: Some(earlier()),
        sampled: true,
        priority: Priority::Normal,
        runs: 1,
        steps: 1,
        model_ns: 1,
        usage: Usage::default(),
        place: Some(Place {
            worker: WorkerId(0),
            epoch: Epoch(1),
            device: Some("cpu".parse().unwrap()),
            model: Some(ModelVersion::new("minilm")),
            batch: 1,
            batch_size: 2,
            batch_leader: Some(earlier()),
        }),
        input_bytes: 1,
        items: 1,
        accepted_ns: 1,
        started_ns: Some(1),
        first_item_ns: Some(1),
        finished_ns: Some(1),
        settled_ns: 1,
        outcome: TaskOutcome::Error {
            error: "rejected".to_owned(),
            message: "expected a text".to_owned(),
        },
    }
}

fn interrupted() -> AttemptInterrupted {
    AttemptInterrupted {
        task: TaskId::from_u128(1),
        namespace: Namespace::default(),
        agent: "text".into(),
        skill: "text.embed".into(),
        episode: Some(EpisodeId::from_u128(7)),
        rule: Some("text-embed".into()),
        cause: Some(Revision(8)),
        redrive_of: Some(TaskId::from_u128(9)),
        trace: TraceId::from_u128(2),
        span: SpanId::from_u64(3),
        parent: Some(SpanId::from_u64(4)),
        earlier_attempt: Some(earlier()),
        sampled: true,
        priority: Priority::Normal,
        accepted_ns: 1,
        started_ns: 1,
        found_ns: 2,
    }
}

/// The fields by the name of their record, such as `place.worker`.
type Fields = BTreeMap<String, BTreeSet<String>>;

fn collect(value: &Value, before: &str, fields: &mut BTreeSet<String>) {
    let Value::Object(object) = value else {
        assert!(!value.is_null(), "`{before}` has no value here");
        fields.insert(before.to_owned());
        return;
    };
    for (name, value) in object {
        match before {
            "" => collect(value, name, fields),
            _ => collect(value, &format!("{before}.{name}"), fields),
        }
    }
}

fn of_the_code() -> Fields {
    let mut all = Fields::new();
    for record in records() {
        let mut line = serde_json::to_value(record).unwrap();
        let name = line.as_object_mut().unwrap().remove("record").unwrap();
        let fields = all.entry(name.as_str().unwrap().to_owned()).or_default();
        collect(&line, "", fields);
    }
    all
}

fn of_the_page() -> Fields {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/tracing.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (_, log) = page.split_once("\n## The event log").unwrap();
    let log = log.split("\n## ").next().unwrap();
    let sections = log.split("\n### `").skip(1).map(|section| {
        let (name, table) = section.split_once('`').unwrap();
        let rows = table.lines().filter_map(|line| line.strip_prefix("| `"));
        let fields = rows.map(|row| row.split('`').next().unwrap().to_owned());
        (name.to_owned(), fields.collect())
    });
    sections.collect()
}

#[test]
fn the_page_has_the_fields_of_the_event_log() {
    assert_eq!(of_the_page(), of_the_code());
}
