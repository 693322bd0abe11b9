//! Episodes: the team works by reactions, durably.

use std::sync::atomic::Ordering;

use aimass_config::EnvironmentConfig;
use aimass_runtime::{
    Environment, EnvironmentOptions, Episode, EpisodeReport, FactDraft, FactFilter, FactKind,
    Reaction, Record, Recorder, Runtime, TraceContext,
};
use serde_json::{Value, json};

use crate::obedient::{Obedient, tight};

fn kind(name: &str) -> FactKind {
    FactKind::new(name, 1).unwrap()
}

/// The test agent, and the rule that orders are obeyed and what comes of them is obeyed no more.
fn agent() -> Obedient {
    let reaction = Reaction::new("orders", kind("order"), "test.obey").produces(kind("answer"));
    Obedient {
        reactions: vec![reaction],
        ..Obedient::default()
    }
}

fn order(order: Value) -> FactDraft {
    FactDraft::new(kind("order"), order)
}

async fn start(agent: &Obedient, environment: &Environment) -> Runtime {
    let builder = Runtime::builder(tight())
        .agent(agent.clone())
        .environment(environment.clone());
    builder.start().await.unwrap()
}

fn in_memory() -> Environment {
    Environment::in_memory(EnvironmentOptions::from(&EnvironmentConfig::default())).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_episode_runs_to_quiescence_and_names_what_failed() {
    let environment = in_memory();
    let runtime = start(&agent(), &environment).await;
    let episode = Episode::new()
        .fact(order(json!({"Echo": 5})))
        .fact(order(json!("Reject")))
        .fact(order(json!("no such order")))
        .fact(FactDraft::new(kind("riddle"), json!(1)));
    let report = runtime.run(episode).await.unwrap();
    let answers: Vec<_> = report
        .facts
        .iter()
        .filter(|fact| fact.kind == kind("answer"))
        .collect();
    assert_eq!(answers.len(), 1);
    assert_eq!(answers[0].value, json!(5));
    assert_eq!(answers[0].provenance.cause, Some(report.facts[0].revision));
    assert_eq!(
        answers[0].provenance.trace,
        report.facts[0].provenance.trace
    );
    let kinds: Vec<_> = report
        .failures
        .iter()
        .map(|failure| failure.error["error"].as_str())
        .collect();
    assert_eq!(kinds, [Some("rejected"), Some("invalid_input")]);
    assert_eq!(report.unhandled, [report.facts[3].revision]);
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_episode_is_one_trace_below_the_embedders_span() {
    let environment = in_memory();
    let recorder = Recorder::default();
    let header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let outer: TraceContext = header.parse().unwrap();
    let builder = Runtime::builder(tight())
        .agent(agent())
        .observer(recorder.clone())
        .environment(environment)
        .current_span(move || Some(outer));
    let runtime = builder.start().await.unwrap();
    let episode = Episode::new()
        .fact(order(json!({"Echo": 5})))
        .fact(order(json!("Reject")));
    let report = runtime.run(episode).await.unwrap();
    runtime.report(report.episode).await.unwrap();
    runtime.flush_observers().await;
    let of_episode = |record: Record| match record {
        Record::Episode(episode) => Some(episode),
        _ => None,
    };
    let records = recorder.records();
    let ended: Vec<_> = records.into_iter().filter_map(of_episode).collect();
    let [ended] = &ended[..] else {
        panic!("told once, however many wait: {ended:?}")
    };
    assert_eq!((ended.trace, ended.parent), (outer.trace, Some(outer.span)));
    assert_eq!((ended.facts, ended.failures), (3, 1));
    assert!(ended.begun_ns < ended.finished_ns);
    let tasks = recorder.tasks();
    assert_eq!(tasks.len(), 2);
    for task in &tasks {
        assert_eq!((task.trace, task.parent), (outer.trace, Some(ended.span)));
        assert_eq!(task.caller, None, "nobody waits for a reaction");
        assert!(ended.begun_ns <= task.accepted_ns && task.settled_ns <= ended.finished_ns);
    }
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn g1_an_episode_outlives_its_process_and_each_reaction_happens_once() {
    let folder = tempfile::tempdir().unwrap();
    let options = || EnvironmentOptions::from(&EnvironmentConfig::default());
    let environment = Environment::open(folder.path(), options()).unwrap();
    let first = agent();
    let runtime = start(&first, &environment).await;
    let mut episode = Episode::new();
    for number in 0..40 {
        episode = episode.fact(order(json!({ "AtTheGate": number })));
    }
    let running = runtime.begin_episode(episode).await.unwrap();
    let gate = first.gate.clone();
    tokio::task::spawn_blocking(move || gate.reached(1))
        .await
        .unwrap();
    // As in a crash: nothing is drained, nothing is settled.
    drop(runtime);
    environment.close().await.unwrap();
    drop(environment);

    let environment = Environment::open(folder.path(), options()).unwrap();
    let second = agent();
    second.gate.open();
    let runtime = start(&second, &environment).await;
    let report = runtime.report(running.id).await.unwrap();
    first.gate.open();
    let filter = FactFilter {
        kind: Some("answer".to_owned()),
        ..FactFilter::default()
    };
    let answers: Vec<Value> = environment
        .snapshot()
        .unwrap()
        .facts(filter)
        .unwrap()
        .map(|fact| fact.unwrap().value)
        .collect();
    let mut sorted: Vec<u64> = answers.iter().filter_map(Value::as_u64).collect();
    sorted.sort_unstable();
    assert_eq!(sorted, (0..40).collect::<Vec<_>>());
    assert_eq!(report.failures, []);
    assert_eq!(second.runs.load(Ordering::SeqCst), 40);
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn beginning_an_episode_twice_is_beginning_it_once() {
    let environment = in_memory();
    let agent = agent();
    let runtime = start(&agent, &environment).await;
    let episode = Episode::new().fact(order(json!({"Echo": 1})));
    let report = runtime.run(episode.clone()).await.unwrap();
    let again = runtime.run(episode).await.unwrap();
    assert_eq!(report, again);
    assert_eq!(agent.runs.load(Ordering::SeqCst), 1);
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reactions_to_reactions_end_at_the_configured_depth() {
    let environment = in_memory();
    let reaction = Reaction::new("echo", kind("order"), "test.obey")
        .produces(kind("order"))
        .input(|_| json!({"Echo": 1}));
    let agent = Obedient {
        reactions: vec![reaction],
        ..Obedient::default()
    };
    let mut config = tight();
    config.environment.max_reaction_depth = 5;
    let builder = Runtime::builder(config)
        .agent(agent.clone())
        .environment(environment.clone());
    let runtime = builder.start().await.unwrap();
    let report = runtime
        .run(Episode::new().fact(order(json!(null))))
        .await
        .unwrap();
    assert_eq!(report.facts.len(), 6);
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_episode_that_has_had_its_share_of_reactions_gets_no_more_and_ends() {
    let environment = in_memory();
    let agent = agent();
    let mut config = tight();
    config.environment.max_reactions_per_episode = 3;
    let builder = Runtime::builder(config)
        .agent(agent.clone())
        .environment(environment.clone());
    let runtime = builder.start().await.unwrap();
    let five = || {
        (0..5).fold(Episode::new(), |work, _| {
            work.fact(order(json!({"Echo": 1})))
        })
    };
    let answers = |report: &EpisodeReport| {
        let facts = report.facts.iter();
        facts.filter(|fact| fact.kind == kind("answer")).count()
    };
    let report = runtime.run(five()).await.unwrap();
    assert_eq!((answers(&report), report.failures.len()), (3, 0));
    // The share is each episode's own.
    let other = runtime.run(five()).await.unwrap();
    assert_eq!(answers(&other), 3);
    assert_eq!(agent.runs.load(Ordering::SeqCst), 6);
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reaction_to_an_unknown_skill_is_refused_at_start() {
    let reaction = Reaction::new("orders", kind("order"), "test.obay");
    let agent = Obedient {
        reactions: vec![reaction],
        ..Obedient::default()
    };
    let error = Runtime::builder(tight())
        .agent(agent)
        .start()
        .await
        .err()
        .unwrap();
    assert!(
        error.to_string().contains("did you mean `test.obey`?"),
        "{error}"
    );
}
