//! What a task that an earlier process accepted still knows of its caller.

use aimass_config::EnvironmentConfig;
use aimass_runtime::{
    Environment, EnvironmentOptions, Episode, FactDraft, FactKind, Reaction, Record, Recorder,
    Runtime, TraceContext,
};
use serde_json::json;

use crate::obedient::{Obedient, Obey, Order, tight};

fn agent() -> Obedient {
    let kind = FactKind::new("order", 1).unwrap();
    Obedient {
        reactions: vec![Reaction::new("orders", kind, "test.obey")],
        ..Obedient::default()
    }
}

async fn start(agent: &Obedient, environment: &Environment, recorder: &Recorder) -> Runtime {
    let builder = Runtime::builder(tight())
        .agent(agent.clone())
        .observer(recorder.clone())
        .environment(environment.clone());
    builder.start().await.unwrap()
}

/// Whether the records say that their traces are recorded.
fn sampled(recorder: &Recorder) -> Vec<bool> {
    let records = recorder.records().into_iter();
    let sampled = records.filter_map(|record| match record {
        Record::Task(task) => Some(task.sampled),
        Record::Interrupted(attempt) => Some(attempt.sampled),
        _ => None,
    });
    sampled.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_is_taken_up_again_is_recorded_if_its_caller_records_it() {
    for (flag, expected) in [("00", false), ("01", true)] {
        let folder = tempfile::tempdir().unwrap();
        let options = || EnvironmentOptions::from(&EnvironmentConfig::default());
        let environment = Environment::open(folder.path(), options()).unwrap();
        let header = format!("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-{flag}");
        let outer: TraceContext = header.parse().unwrap();
        let (first, recorder) = (agent(), Recorder::default());
        let runtime = start(&first, &environment, &recorder).await;
        let ask = runtime.ask_durable::<Obey>(Order::AtTheGate(1));
        let asked = tokio::spawn(async move { ask.trace(outer).await });
        let gate = first.gate.clone();
        tokio::task::spawn_blocking(move || gate.reached(1))
            .await
            .unwrap();
        // As in a crash: nothing is drained, nothing is settled.
        let task = environment.snapshot().unwrap().unsettled().unwrap();
        assert_eq!(task[0].sampled, expected);
        drop(runtime);
        environment.close().await.unwrap();
        drop(environment);
        asked.abort();

        let environment = Environment::open(folder.path(), options()).unwrap();
        let (second, recorder) = (agent(), Recorder::default());
        second.gate.open();
        let runtime = start(&second, &environment, &recorder).await;
        while recorder.tasks().is_empty() {
            tokio::task::yield_now().await;
        }
        first.gate.open();
        runtime.shutdown().await;
        let said = sampled(&recorder);
        assert!(!said.is_empty());
        assert!(said.iter().all(|one| *one == expected), "{flag}: {said:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reactions_of_an_episode_are_recorded_if_whoever_began_it_records_it() {
    for (flag, expected) in [("00", false), ("01", true)] {
        let header = format!("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-{flag}");
        let outer: TraceContext = header.parse().unwrap();
        let recorder = Recorder::default();
        let runtime = Runtime::builder(tight())
            .agent(agent())
            .observer(recorder.clone())
            .current_span(move || Some(outer));
        let runtime = runtime.start().await.unwrap();
        let kind = FactKind::new("order", 1).unwrap();
        let order = FactDraft::new(kind, json!({"Echo": 5}));
        runtime.run(Episode::new().fact(order)).await.unwrap();
        runtime.shutdown().await;
        assert_eq!(sampled(&recorder), [expected]);
    }
}
