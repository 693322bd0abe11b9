//! The state behind the view, told records that no runtime had to make.

use std::sync::Arc;
use std::time::Duration;

use aimass_runtime::{
    AgentState, EpisodeFinished, EpisodeId, Epoch, Namespace, Note, Priority, Record,
    ServiceChange, ServiceChanged, SpanId, TaskFinished, TaskId, TaskNote, TaskOutcome, TraceId,
    WorkerChange, WorkerChanged, WorkerId,
};
use proptest::prelude::*;

use super::state::{LiveState, MAX_COUNTED, Moment};
use super::{LiveView, episodes, happenings};

const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MS;
/// When the records of these tests begin.
const BEGUN: u64 = 1_700_000_000 * SECOND;

fn task(number: u64, skill: &str, accepted_ns: u64, took_ns: u64) -> TaskFinished {
    TaskFinished {
        task: TaskId::from_u128(u128::from(number)),
        namespace: Namespace::default(),
        agent: skill.split('.').next().unwrap().into(),
        skill: skill.into(),
        episode: None,
        rule: None,
        cause: None,
        redrive_of: None,
        trace: TraceId::from_u128(u128::from(number) + 1),
        span: SpanId::from_u64(number + 1),
        parent: None,
        caller: None,
        sampled: true,
        priority: Priority::Normal,
        runs: 1,
        steps: 1,
        model_ns: took_ns / 2,
        usage: aimass_runtime::Usage::default(),
        earlier_attempt: None,
        place: None,
        input_bytes: 1,
        items: 0,
        accepted_ns,
        started_ns: Some(accepted_ns + took_ns / 4),
        first_item_ns: None,
        finished_ns: Some(accepted_ns + took_ns),
        settled_ns: accepted_ns + took_ns,
        outcome: TaskOutcome::Done,
    }
}

fn failed(mut task: TaskFinished) -> TaskFinished {
    task.outcome = TaskOutcome::Error {
        error: "rejected".to_owned(),
        message: "expected a text,\n\u{1b}[2Jgot \u{202e}none".to_owned(),
    };
    task
}

fn of_episode(mut task: TaskFinished, episode: u64) -> TaskFinished {
    task.episode = Some(EpisodeId::from_u128(u128::from(episode) + 1));
    task.trace = TraceId::from_u128(u128::from(episode) << 64 | 1);
    task
}

fn worker(agent: &str, at_ns: u64, epoch: u64, change: WorkerChange) -> Record {
    Record::Worker(WorkerChanged {
        agent: agent.into(),
        worker: WorkerId(0),
        epoch: Epoch(epoch),
        at_ns,
        change,
    })
}

fn agent(name: &str, skills: &[&str]) -> AgentState {
    AgentState {
        name: name.to_owned(),
        failed: None,
        tasks: 0,
        waiting: 0,
        bytes: 0,
        abandoned: 0,
        skills: skills.iter().map(|skill| (*skill).to_owned()).collect(),
        workers: Vec::new(),
    }
}

fn view(state: &LiveState, now_ns: u64, agents: Vec<AgentState>) -> LiveView {
    state.view(Moment {
        now_ns,
        uptime: Duration::from_secs(90),
        memory_bytes: Some(1),
        dropped_events: 0,
        agents,
    })
}

fn seen<'a>(records: impl IntoIterator<Item = &'a Record>) -> LiveState {
    let mut state = LiveState::default();
    for record in records {
        state.on(record);
    }
    state
}

fn record() -> impl Strategy<Value = Record> {
    let task = (
        0..3_u64,
        0..70_000_u64,
        0..5_000_u64,
        0..4_u64,
        any::<u64>(),
    );
    prop_oneof![
        8 => task.prop_map(|(skill, at_ms, took_us, kind, number)| {
            let skill = ["text.embed", "text.language", "speech.transcribe"][skill as usize];
            let task = task_at(number % 1_000_000, skill, at_ms, took_us);
            Record::Task(Box::new(match kind {
                0 => failed(task),
                1 | 2 => of_episode(task, kind),
                _ => task,
            }))
        }),
        1 => (0..70_000_u64, 0..3_u32).prop_map(|(at_ms, attempts)| Record::Note(TaskNote {
            agent: "text".into(),
            task: TaskId::from_u128(7),
            at_ns: BEGUN + at_ms * MS,
            note: match attempts {
                0 => Note::DeadLettered { cause: "too loud".to_owned() },
                attempts => Note::Retrying { attempts },
            },
        })),
        1 => (0..70_000_u64, 0..3_u64).prop_map(|(at_ms, epoch)| {
            worker("text", BEGUN + at_ms * MS, epoch, WorkerChange::Starting { after_ms: epoch })
        }),
        1 => (0..70_000_u64).prop_map(|at_ms| Record::Episode(EpisodeFinished {
            episode: EpisodeId::from_u128(2),
            namespace: Namespace::default(),
            trace: TraceId::from_u128(1 << 64 | 1),
            span: SpanId::from_u64(9),
            parent: None,
            sampled: true,
            begun_ns: BEGUN,
            finished_ns: BEGUN + at_ms * MS,
            facts: 3,
            failures: 1,
        })),
    ]
}

fn task_at(number: u64, skill: &str, at_ms: u64, took_us: u64) -> TaskFinished {
    task(number, skill, BEGUN + at_ms * MS, took_us * 1_000)
}

/// Few enough that nothing has to be forgotten, some of them told late.
fn records_in_two_orders() -> impl Strategy<Value = (Vec<Record>, Vec<Record>)> {
    let few = prop::collection::vec(record(), 0..14);
    few.prop_flat_map(|records| (Just(records.clone()), Just(records).prop_shuffle()))
}

proptest! {
    #[test]
    fn whatever_the_order_the_view_is_the_same((told, shuffled) in records_in_two_orders()) {
        let agents = || vec![
            agent("text", &["text.embed", "text.language"]),
            agent("speech", &["speech.transcribe"]),
        ];
        let now = BEGUN + 80 * SECOND;
        prop_assert_eq!(
            view(&seen(&told), now, agents()),
            view(&seen(&shuffled), now, agents())
        );
    }

    #[test]
    fn counts_add_up(told in prop::collection::vec(record(), 0..300)) {
        let agents = vec![
            agent("text", &["text.embed", "text.language"]),
            agent("speech", &["speech.transcribe"]),
        ];
        let now = BEGUN + 71 * SECOND;
        let view = view(&seen(&told), now, agents);
        let tasks: Vec<&TaskFinished> = told.iter().filter_map(|record| match record {
            Record::Task(task) => Some(&**task),
            _ => None,
        }).collect();
        let errors = tasks.iter().filter(|task| task.outcome != TaskOutcome::Done).count() as u64;
        prop_assert_eq!((view.team.tasks, view.team.errors), (tasks.len() as u64, errors));
        let skills = || view.agents.iter().flat_map(|agent| &agent.skills);
        prop_assert_eq!(skills().map(|skill| skill.activity.tasks).sum::<u64>(), view.team.tasks);
        prop_assert_eq!(skills().map(|skill| skill.activity.errors).sum::<u64>(), view.team.errors);
        let second = |at_ns: u64| at_ns / SECOND;
        for (at, count) in view.team.history.iter().enumerate() {
            let this = second(now) - 60 + at as u64;
            let ended = tasks.iter().filter(|task| second(task.settled_ns) == this).count() as u64;
            prop_assert_eq!(*count, ended, "second {}", at);
        }
        let kept = view.episodes.iter().chain(&view.calls);
        prop_assert!(kept.clone().all(|work| work.spans.len() as u64 <= work.tasks));
        let of_episodes = tasks.iter().filter(|task| task.episode.is_some()).count() as u64;
        prop_assert_eq!(view.episodes.iter().map(|work| work.tasks).sum::<u64>(), of_episodes);
        let happened: u64 = view.happenings.iter().map(|happening| happening.times).sum();
        let notes = told.iter().filter(|record| matches!(record, Record::Note(_))).count() as u64;
        let restarts = told.iter().filter(|record| {
            matches!(record, Record::Worker(changed) if changed.epoch > Epoch(0))
        }).count() as u64;
        prop_assert_eq!(happened, notes + restarts);
        prop_assert_eq!(view.agents[0].retries + view.agents[0].dead_letters, notes);
    }
}

#[test]
fn rates_and_percentiles_are_those_of_the_last_minute() {
    let mut state = LiveState::default();
    for second in 0..100 {
        for number in 0..10 {
            let task = task(number, "text.embed", BEGUN + second * SECOND, 4 * MS);
            state.on(&Record::Task(Box::new(task)));
        }
    }
    let agents = || vec![agent("text", &["text.embed"])];
    let at = |now_ns: u64| {
        view(&state, now_ns, agents()).agents[0].skills[0]
            .activity
            .clone()
    };
    let busy = at(BEGUN + 99 * SECOND + 500 * MS);
    assert_eq!((busy.tasks, busy.errors), (1_000, 0));
    assert_eq!(busy.tasks_per_second.last_1_s, 13.333, "20 tasks in 1.5 s");
    assert_eq!(
        busy.tasks_per_second.last_10_s, 10.476,
        "110 tasks in 10.5 s"
    );
    assert_eq!(
        busy.tasks_per_second.last_60_s, 10.083,
        "610 tasks in 60.5 s"
    );
    assert_eq!(busy.history, [10; 60]);
    let took = busy.duration.unwrap();
    assert!(
        took.p50_us.abs_diff(4_000) <= 250 && took.p99_us.abs_diff(4_000) <= 250,
        "{took:?}"
    );
    assert!(busy.wait.unwrap().p95_us.abs_diff(1_000) <= 63);
    let quiet = at(BEGUN + 200 * SECOND);
    assert_eq!(quiet.tasks, 1_000);
    assert_eq!(quiet.tasks_per_second, Default::default());
    assert_eq!((quiet.duration, quiet.wait), (None, None));
}

#[test]
fn a_task_that_never_ran_says_nothing_of_durations() {
    let mut refused = failed(task(1, "text.embed", BEGUN, 0));
    refused.started_ns = None;
    let state = seen(&[Record::Task(Box::new(refused))]);
    let view = view(&state, BEGUN, vec![agent("text", &["text.embed"])]);
    assert_eq!((view.team.errors, view.team.duration), (1, None));
}

#[test]
fn what_is_kept_is_bounded_and_the_newest_and_the_failed_are_kept() {
    let mut state = LiveState::default();
    let mut number = 0;
    for episode in 0..50 {
        for at in 0..100 {
            number += 1;
            let task = of_episode(task(number, "text.embed", BEGUN + number * MS, MS), episode);
            let task = if at > 97 { failed(task) } else { task };
            state.on(&Record::Task(Box::new(task)));
        }
    }
    for at in 0..2_000 {
        number += 1;
        let skill = format!("text.skill{at}");
        state.on(&Record::Task(Box::new(task(
            number,
            &skill,
            BEGUN + number * MS,
            MS,
        ))));
        let message = format!("panic {at} {}", "x".repeat(1_000));
        state.on(&worker(
            "text",
            BEGUN + at,
            1,
            WorkerChange::Panicked { message },
        ));
        let note = Note::Retrying { attempts: 1 };
        state.on(&Record::Note(TaskNote {
            agent: format!("agent{at}").into(),
            task: TaskId::from_u128(1),
            at_ns: BEGUN,
            note,
        }));
    }
    let agents = (0..7_000).map(|at| {
        let (name, skill) = (format!("agent{at}"), format!("text.skill{at}"));
        agent(&name, &[&skill])
    });
    let view = view(&state, BEGUN + number * MS, agents.collect());
    assert_eq!(view.team.tasks, number);
    assert_eq!(
        (view.episodes.len(), view.calls.len()),
        (episodes::KEPT, episodes::KEPT)
    );
    let newest = &view.episodes[0];
    assert_eq!(newest.episode, Some(EpisodeId::from_u128(50)));
    assert_eq!((newest.tasks, newest.errors), (100, 2));
    assert_eq!(newest.spans.len(), episodes::MAX_SPANS);
    assert_eq!(
        newest
            .spans
            .iter()
            .filter(|span| span.error.is_some())
            .count(),
        2
    );
    assert_eq!(view.happenings.len(), happenings::KEPT);
    assert!(view.happenings[0].text.starts_with("worker 0: panic 1999"));
    assert!(
        view.happenings
            .iter()
            .all(|happening| happening.text.chars().count() <= 201)
    );
    assert!(view.agents.len() <= MAX_COUNTED && view.agents.len() > 100);
    assert_eq!(view.agents.len() as u64 + view.agents_left_out, 7_000);
    assert_eq!(
        view.agents[0].skills[0].activity.tasks, 1,
        "the idle ones are left out"
    );
    let bytes = serde_json::to_vec(&view).unwrap().len();
    assert!(bytes < 2 << 20, "{bytes} bytes");
}

#[test]
fn a_worker_that_fails_over_and_over_is_one_line() {
    let mut state = LiveState::default();
    for epoch in 1..=40 {
        let message = "the model\nis gone".to_owned();
        state.on(&worker(
            "text",
            BEGUN + epoch,
            epoch,
            WorkerChange::LoadFailed { message },
        ));
        state.on(&worker(
            "text",
            BEGUN + epoch,
            epoch + 1,
            WorkerChange::Starting { after_ms: epoch },
        ));
    }
    state.on(&worker("speech", BEGUN, 1, WorkerChange::Hung));
    let found: Vec<(Arc<str>, &str, String, u64)> = view(&state, BEGUN, Vec::new())
        .happenings
        .into_iter()
        .map(|happening| {
            (
                happening.agent,
                happening.kind.words(),
                happening.text,
                happening.times,
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            (
                "text".into(),
                "load failed",
                "worker 0: the model is gone".to_owned(),
                40
            ),
            ("text".into(), "restarted", "worker 0".to_owned(), 40),
            ("speech".into(), "hung", "worker 0".to_owned(), 1),
        ]
    );
}

#[test]
fn parts_of_the_runtime_that_fail_are_among_the_happenings() {
    let service = |at_ns, change| {
        Record::Service(ServiceChanged {
            service: "reactions".into(),
            at_ns,
            change,
        })
    };
    let cause = || "out of\norder".to_owned();
    let restarting = |after_ms| ServiceChange::Restarting {
        cause: cause(),
        after_ms,
    };
    let state = seen(&[
        service(BEGUN, restarting(0)),
        service(BEGUN + 1, restarting(100)),
        service(BEGUN + 2, ServiceChange::GivenUp { cause: cause() }),
    ]);
    let found = view(&state, BEGUN, Vec::new()).happenings;
    let found: Vec<_> = found
        .iter()
        .map(|one| (&*one.agent, one.kind.words(), &*one.text, one.times))
        .collect();
    let expected = [
        ("reactions", "given up", "out of order", 1),
        ("reactions", "restarted", "out of order", 2),
    ];
    assert_eq!(found, expected);
}

#[test]
fn messages_cannot_reach_the_terminal() {
    let state = seen(&[Record::Task(Box::new(failed(task(
        1,
        "text.embed",
        BEGUN,
        MS,
    ))))]);
    let view = view(&state, BEGUN, Vec::new());
    let error = view.calls[0].spans[0].error.as_ref().unwrap();
    assert_eq!(error.message, "expected a text,  [2Jgot  none");
}

#[test]
fn a_view_comes_back_from_json_as_it_was() {
    let records = [
        Record::Task(Box::new(of_episode(
            failed(task(1, "text.embed", BEGUN, MS)),
            1,
        ))),
        worker("text", BEGUN, 2, WorkerChange::Hung),
    ];
    let view = view(
        &seen(&records),
        BEGUN + SECOND,
        vec![agent("text", &["text.embed"])],
    );
    let json = serde_json::to_string(&view).unwrap();
    assert_eq!(serde_json::from_str::<LiveView>(&json).unwrap(), view);
}
