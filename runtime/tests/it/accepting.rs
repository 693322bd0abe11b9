//! G1 and G4: what is accepted is answered once; what does not fit is refused at once.

use std::collections::HashSet;
use std::time::Duration;

use aimass_config::AgentConfig;
use aimass_runtime::{
    Environment, EnvironmentOptions, EpisodeId, Recorder, Runtime, TaskError, TaskOptions,
    TaskOutcome,
};
use serde_json::json;

use crate::desk::Desk;
use crate::probe::{Act, Hold, Order, Probe, ProbeSource, Run, Sum};
use crate::stage::Stage;

#[tokio::test]
async fn g1_an_accepted_task_gets_exactly_one_reply_a_result_or_a_typed_error() {
    let stage = Stage::set(|setting| setting.probe.max_batch = 4).await;
    let orders = (0..60).map(|id| {
        let act = match id % 5 {
            0 | 1 => Act::Answer,
            2 => Act::Reject,
            3 => Act::Falter { times: 1 },
            _ if id % 2 == 0 => Act::Panic { times: 1 },
            _ => Act::Panic { times: u32::MAX },
        };
        Order::new(id, act)
    });
    let asked: Vec<_> = orders
        .map(|order| (order.clone(), stage.asked(order)))
        .collect();
    for (order, asked) in asked {
        let reply = asked.answer().await;
        match order.act {
            Act::Reject => assert!(
                matches!(reply, Err(TaskError::Rejected { .. })),
                "{reply:?}"
            ),
            Act::Panic { times: u32::MAX } => {
                assert!(
                    matches!(reply, Err(TaskError::DeadLettered { .. })),
                    "{reply:?}"
                );
            }
            _ => assert_eq!(reply.unwrap().id, order.id),
        }
    }
    let finished = stage.finished().await;
    let tasks: HashSet<_> = finished.iter().map(|task| task.task).collect();
    assert_eq!((finished.len(), tasks.len()), (60, 60));
    assert_eq!(stage.tasks(), 0);
    stage.close().await;
}

#[tokio::test]
async fn g1_a_durable_task_that_was_cut_off_is_done_after_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Environment::open(folder.path(), EnvironmentOptions::default()).unwrap();
    let start = async |desk: &Desk, recorder: &Recorder| {
        let probe = Probe {
            desk: desk.clone(),
            source: ProbeSource::new(desk, "one"),
        };
        let config = aimass_config::Config::default();
        let builder = Runtime::builder(config).agent(probe).environment(open());
        builder.observer(recorder.clone()).start().await.unwrap()
    };

    let (desk, recorder) = (Desk::default(), Recorder::default());
    let runtime = start(&desk, &recorder).await;
    let order = Order::answer(7).hold(Hold::Stepping);
    let durable = runtime
        .ask_durable::<Run>(order.clone())
        .detach()
        .await
        .unwrap();
    let volatile = Order::answer(8).hold(Hold::Stepping);
    runtime.ask::<Run>(volatile).detach().await.unwrap();
    desk.began(7).await;
    let report = runtime.shutdown_within(std::time::Duration::ZERO).await;
    assert_eq!((report.cut_off, report.lost, report.kept), (2, 1, 1));
    drop(runtime);

    let (desk, recorder) = (Desk::default(), Recorder::default());
    desk.open(7);
    let runtime = start(&desk, &recorder).await;
    desk.began(7).await;
    let report = runtime.shutdown().await;
    assert_eq!(report.cut_off, 0);
    let finished = recorder.tasks();
    assert_eq!(finished.len(), 1, "the volatile task died with its process");
    assert_eq!(
        (finished[0].task, &finished[0].outcome),
        (durable, &TaskOutcome::Done)
    );
    drop(runtime);

    let settled = open()
        .snapshot()
        .unwrap()
        .settled(durable)
        .unwrap()
        .unwrap();
    assert_eq!(settled.outcome["output"]["id"], 7);
}

#[tokio::test]
async fn g4_a_full_agent_refuses_at_once_and_takes_again_after_a_settlement() {
    let stage = Stage::set(|setting| setting.probe.capacity = 2).await;
    let held = stage.asked(Order::answer(0).hold(Hold::Blocked));
    stage.desk.began(0).await;
    let queued = stage.asked(Order::answer(1)).accepted(&stage).await;
    let refused = stage.ask(Order::answer(2)).await.unwrap_err();
    let TaskError::Overloaded {
        agent,
        queued: count,
        capacity,
        ..
    } = refused
    else {
        panic!("expected a refusal, got {refused}");
    };
    assert_eq!((agent.as_str(), count, capacity), ("probe", 2, 2));
    stage.desk.open(0);
    held.answer().await.unwrap();
    queued.answer().await.unwrap();
    assert_eq!(stage.ask(Order::answer(3)).await.unwrap().id, 3);
    assert_eq!(stage.desk.runs(2), 0);
    stage.close().await;
}

#[tokio::test]
async fn g4_memory_stays_bounded_in_bytes_until_settlement() {
    let small = AgentConfig {
        capacity_bytes: 4096,
        ..AgentConfig::default()
    };
    let stage = Stage::set(|setting| setting.probe = small).await;
    let large = |id| Order {
        padding: "x".repeat(3000),
        ..Order::answer(id)
    };
    let held = stage.asked(large(0).hold(Hold::Blocked));
    stage.desk.began(0).await;
    let refused = stage.ask(large(1)).await.unwrap_err();
    assert!(
        matches!(
            refused,
            TaskError::Overloaded {
                capacity_bytes: 4096,
                ..
            }
        ),
        "{refused}"
    );
    stage.desk.open(0);
    held.answer().await.unwrap();
    stage.ask(large(2)).await.unwrap();
    let never = Order {
        padding: "x".repeat(5000),
        ..Order::answer(3)
    };
    let refused = stage.ask(never).await.unwrap_err();
    assert!(
        matches!(refused, TaskError::Rejected { .. }),
        "no waiting helps: {refused}"
    );
    stage.close().await;
}

/// Whatever is refused, by whomever, is told to observers once.
#[tokio::test]
async fn every_refused_call_leaves_exactly_one_record() {
    let stage = Stage::set(|setting| {
        setting.probe.capacity = 1;
        setting.probe.capacity_bytes = 4096;
    })
    .await;
    let mut expected = Vec::new();
    let mut refused = |error: TaskError| expected.push(error.kind());
    // An episode that nobody has begun: the environment does not take the task.
    let lost = stage.ask(Order::answer(4)).episode(EpisodeId::random());
    refused(lost.await.unwrap_err());
    let held = stage.asked(Order::answer(0).hold(Hold::Blocked));
    stage.desk.began(0).await;

    refused(stage.ask(Order::answer(1)).await.unwrap_err());
    let late = stage.ask(Order::answer(2)).deadline(Duration::ZERO);
    refused(late.await.unwrap_err());
    let mut large = Order::answer(3);
    large.padding = "x".repeat(10_000);
    refused(stage.ask(large).await.unwrap_err());
    let options = TaskOptions::default();
    let unread = stage
        .runtime
        .ask_json("probe.run", json!("an order"), options);
    refused(unread.await.unwrap_err());
    let durable = stage.runtime.ask_durable::<Sum>(0);
    refused(durable.await.unwrap_err());

    let runtime = stage.runtime.clone();
    let ending = tokio::task::spawn(async move { runtime.shutdown().await });
    // The shutdown begins when its task is first polled.
    tokio::task::yield_now().await;
    refused(stage.ask(Order::answer(5)).await.unwrap_err());
    stage.desk.open(0);
    held.answer().await.unwrap();
    assert_eq!(ending.await.unwrap().dropped_events, 0);

    assert_eq!(
        expected,
        [
            "environment",
            "overloaded",
            "deadline_exceeded",
            "rejected",
            "invalid_input",
            "rejected",
            "shutting_down"
        ]
    );
    let finished = stage.recorder.tasks();
    let told: Vec<&str> = finished
        .iter()
        .filter_map(|task| match &task.outcome {
            TaskOutcome::Error { error, .. } => Some(error.as_str()),
            TaskOutcome::Done => None,
        })
        .collect();
    assert_eq!(told, expected);
    assert_eq!(finished.len(), expected.len() + 1, "and the one that ran");
    assert!(
        finished
            .iter()
            .all(|task| task.runs == 0 || task.outcome == TaskOutcome::Done)
    );
}

#[tokio::test]
async fn an_unknown_skill_is_refused_with_the_nearest_name() {
    let stage = Stage::new().await;
    let ask = stage
        .runtime
        .ask_json("probe.rum", json!(1), TaskOptions::default());
    let error = ask.await.unwrap_err().to_string();
    assert!(error.ends_with("did you mean `probe.run`?"), "{error}");
    stage.close().await;
}
