//! G5: deadlines and cancellation.

use std::time::Duration;

use aimass_runtime::{TaskError, TaskOutcome};

use crate::desk::Entry;
use crate::probe::{Hold, Order};
use crate::stage::Stage;

const SOON: Duration = Duration::from_millis(50);

#[tokio::test]
async fn g5_a_queued_task_past_its_deadline_is_answered_so_and_never_runs() {
    let stage = Stage::new().await;
    let held = stage.asked(Order::answer(0).hold(Hold::Blocked));
    stage.desk.began(0).await;
    let error = stage
        .ask(Order::answer(1))
        .deadline(SOON)
        .await
        .unwrap_err();
    assert!(
        matches!(error, TaskError::DeadlineExceeded { .. }),
        "{error}"
    );
    stage.desk.open(0);
    held.answer().await.unwrap();
    stage.ask(Order::answer(2)).await.unwrap();
    assert_eq!(stage.desk.runs(1), 0);
    stage.close().await;
}

#[tokio::test]
async fn g5_a_running_task_past_its_deadline_is_answered_at_the_deadline_and_its_late_result_is_discarded()
 {
    let stage = Stage::new().await;
    let late = stage.start(
        stage
            .ask(Order::answer(1).hold(Hold::Blocked))
            .deadline(SOON),
    );
    stage.desk.began(1).await;
    let error = late.answer().await.unwrap_err();
    assert!(
        matches!(error, TaskError::DeadlineExceeded { .. }),
        "{error}"
    );
    assert!(
        !stage.desk.is_open(1),
        "the answer did not wait for the step"
    );
    stage.desk.open(1);
    stage.ask(Order::answer(2)).await.unwrap();
    let finished = stage.finished().await;
    assert_eq!(finished.len(), 2);
    assert_ne!(finished[0].outcome, TaskOutcome::Done);
    stage.close().await;
}

#[tokio::test]
async fn g5_dropping_the_future_cancels_a_queued_task_and_a_running_one_at_its_next_step() {
    let stage = Stage::new().await;
    let running = stage.asked(Order::answer(1).hold(Hold::Stepping));
    stage.desk.began(1).await;
    let queued = stage.asked(Order::answer(2)).accepted(&stage).await;
    queued.drop_it().await;
    running.drop_it().await;
    // The gate of 1 stays shut: only its cancellation can free the worker.
    stage.ask(Order::answer(3)).await.unwrap();
    assert_eq!(stage.desk.runs(2), 0);
    let cancelled = |outcome: &TaskOutcome| matches!(outcome, TaskOutcome::Error { error, .. } if error == "cancelled");
    let finished = stage.finished().await;
    assert_eq!(
        finished
            .iter()
            .filter(|task| cancelled(&task.outcome))
            .count(),
        2
    );
    stage.close().await;
}

#[tokio::test]
async fn g5_a_member_of_a_batch_that_nobody_waits_for_is_told_so() {
    let stage = Stage::set(|setting| setting.probe.max_batch = 2).await;
    let gate = stage.asked(Order::answer(0).shape(1).hold(Hold::Blocked));
    stage.desk.began(0).await;
    let kept = stage
        .asked(Order::answer(1).hold(Hold::Stepping))
        .accepted(&stage)
        .await;
    let dropped = stage
        .asked(Order::answer(2).hold(Hold::Stepping))
        .accepted(&stage)
        .await;
    stage.desk.open(0);
    gate.answer().await.unwrap();
    stage.desk.began(2).await;
    assert_eq!(stage.desk.jobs()[1], [1, 2]);
    dropped.drop_it().await;
    stage
        .desk
        .until(|log| log.contains(&Entry::SawCancel(2)))
        .await;
    stage.desk.open(1);
    assert_eq!(kept.answer().await.unwrap().id, 1);
    stage.close().await;
}

#[tokio::test]
async fn g5_a_detached_task_goes_on_although_nobody_waits() {
    let stage = Stage::new().await;
    let task = stage
        .ask(Order::answer(1).hold(Hold::Blocked))
        .detach()
        .await
        .unwrap();
    stage.desk.began(1).await;
    stage.desk.open(1);
    stage.ask(Order::answer(2)).await.unwrap();
    let finished = stage.finished().await;
    assert_eq!(
        (finished[0].task, &finished[0].outcome),
        (task, &TaskOutcome::Done)
    );
    stage.close().await;
}
