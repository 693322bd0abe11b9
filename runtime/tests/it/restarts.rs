//! G2 and G3: what panics and hangs cost, and whom.

use std::time::Duration;

use aimass_runtime::{TaskError, WorkerChange};

use crate::probe::{Act, Hold, Order};
use crate::stage::Stage;

#[tokio::test]
async fn g2_tasks_queued_while_a_worker_restarts_are_served_after_it_in_order_retries_first() {
    let stage = Stage::new().await;
    let first = stage.asked(Order::new(0, Act::Panic { times: 1 }).hold(Hold::Blocked));
    stage.desk.began(0).await;
    let mut asked = Vec::new();
    for id in 1..6 {
        asked.push(stage.asked(Order::answer(id)).accepted(&stage).await);
    }
    stage.desk.open(0);
    assert_eq!(first.answer().await.unwrap().run, 2);
    for asked in asked {
        asked.answer().await.unwrap();
    }
    assert_eq!(stage.desk.jobs(), [[0], [0], [1], [2], [3], [4], [5]]);
    stage.close().await;
}

#[tokio::test]
async fn g3_a_panic_in_a_batch_costs_nobody_an_attempt() {
    let stage = Stage::set(|setting| {
        setting.probe.max_batch = 4;
        setting.probe.max_attempts = 2;
        setting.config.runtime.supervision.max_restarts = 1;
    })
    .await;
    let gate = stage.asked(Order::answer(0).shape(1).hold(Hold::Blocked));
    stage.desk.began(0).await;
    let mut asked = Vec::new();
    for id in 1..5 {
        let act = if id == 2 {
            Act::Panic { times: u32::MAX }
        } else {
            Act::Answer
        };
        asked.push(stage.asked(Order::new(id, act)).accepted(&stage).await);
    }
    stage.desk.open(0);
    gate.answer().await.unwrap();
    for (id, asked) in (1..).zip(asked) {
        let reply = asked.answer().await;
        if id != 2 {
            assert_eq!(
                reply.unwrap().id,
                id,
                "its neighbour's panic is not its own"
            );
            continue;
        }
        let TaskError::DeadLettered {
            attempts, cause, ..
        } = reply.unwrap_err()
        else {
            panic!("expected a dead letter");
        };
        assert_eq!((attempts, cause.as_str()), (2, "panic: order 2 panics"));
    }
    let jobs = stage.desk.jobs();
    assert_eq!(jobs[1], [1, 2, 3, 4], "one batch");
    assert!(
        jobs[2..].iter().all(|job| job.len() == 1),
        "suspects run alone: {jobs:?}"
    );
    assert_eq!(
        stage.desk.runs(2),
        1 + 2,
        "once in the batch, then each attempt alone"
    );
    let state = &stage.runtime.agents()[0];
    assert_eq!(
        state.failed, None,
        "panics pinned on a task are no failures of the agent"
    );
    stage.close().await;
}

#[tokio::test]
async fn g3_a_dead_letter_keeps_its_input_and_a_redrive_makes_a_new_task_of_it() {
    let stage = Stage::set(|setting| setting.probe.max_attempts = 1).await;
    let error = stage
        .ask(Order::new(5, Act::Panic { times: 1 }))
        .await
        .unwrap_err();
    let TaskError::DeadLettered { task, .. } = error else {
        panic!("unexpected: {error}")
    };
    let letters = stage.runtime.dead_letters().unwrap();
    assert_eq!((letters.len(), letters[0].task.id), (1, task));
    assert_eq!(letters[0].task.input["id"], 5);

    let (again, output) = stage.runtime.redrive(task).await.unwrap();
    assert_ne!(again, task);
    assert_eq!(output["run"], 2);
    assert_eq!(
        stage.runtime.dead_letters().unwrap()[0].redriven_as,
        Some(again)
    );
    let finished = stage.finished().await;
    assert_eq!(finished.last().unwrap().redrive_of, Some(task));
    stage.close().await;
}

#[tokio::test]
async fn g3_what_must_happen_once_is_never_tried_a_second_time() {
    let stage = Stage::new().await;
    let panicked = stage
        .ask_once(Order::new(1, Act::Panic { times: 1 }))
        .await
        .unwrap_err();
    assert!(
        matches!(panicked, TaskError::DeadLettered { attempts: 1, .. }),
        "{panicked}"
    );
    let faltered = stage
        .ask_once(Order::new(2, Act::Falter { times: 1 }))
        .await
        .unwrap_err();
    assert!(
        matches!(faltered, TaskError::Failed { attempts: 1, .. }),
        "{faltered}"
    );
    assert_eq!((stage.desk.runs(1), stage.desk.runs(2)), (1, 1));
    stage.close().await;
}

#[tokio::test]
async fn g3_a_task_that_hangs_alone_is_dead_lettered_at_once_and_its_late_reply_is_refused() {
    let stage = Stage::set(|setting| {
        setting.probe.step_limit = Duration::from_millis(200);
        setting.probe.grace = Duration::from_millis(50);
    })
    .await;
    let error = stage
        .ask(Order::answer(1).hold(Hold::Blocked))
        .await
        .unwrap_err();
    assert!(matches!(error, TaskError::DeadLettered { .. }), "{error}");
    assert_eq!(
        stage.ask(Order::answer(2)).await.unwrap().id,
        2,
        "a new incarnation serves"
    );
    let state = stage.runtime.agents().remove(0);
    assert_eq!((state.failed, state.abandoned), (None, 1));

    // The abandoned thread wakes up: it ends, and what it says changes nothing.
    stage.desk.open(1);
    assert_eq!(stage.ask(Order::answer(3)).await.unwrap().id, 3);
    let finished = stage.finished().await;
    assert_eq!(finished.len(), 3, "one record for each task");
    let changes = stage.changes().await;
    for expected in [WorkerChange::Hung, WorkerChange::Abandoned] {
        assert!(
            changes.contains(&expected),
            "{expected:?} is missing in {changes:?}"
        );
    }
    assert!(!stage.close().await.left_behind);
}

#[tokio::test]
async fn too_many_hung_threads_give_the_agent_up() {
    let stage = Stage::set(|setting| {
        setting.probe.step_limit = Duration::from_millis(100);
        setting.probe.grace = Duration::from_millis(20);
        setting.probe.max_abandoned = 1;
    })
    .await;
    for id in 0..2 {
        let error = stage
            .ask(Order::answer(id).hold(Hold::Blocked))
            .await
            .unwrap_err();
        assert!(matches!(error, TaskError::DeadLettered { .. }), "{error}");
    }
    let refused = loop {
        match stage.ask(Order::answer(9)).await {
            Err(error @ TaskError::AgentFailed { .. }) => break error,
            other => assert!(other.is_err(), "a worker was started beyond the limit"),
        }
    };
    assert_eq!(refused.exit_code(), 70);
    assert!(stage.runtime.agents()[0].failed.is_some());
    stage.desk.open(0);
    stage.desk.open(1);
    stage.close().await;
}
