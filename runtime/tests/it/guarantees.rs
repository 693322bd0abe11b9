//! Each guarantee of the runtime, with real threads.

use std::time::Duration;

use aimass_runtime::{Recorder, Runtime, TaskError, TaskOutcome};
use serde_json::json;

use crate::support::{Count, Obedient, Obey, ObeyOnce, Order, Sum, Twice, start, tight};

#[tokio::test(flavor = "multi_thread")]
async fn g1_an_accepted_task_gets_exactly_one_reply() {
    let agent = Obedient::default();
    let runtime = start(tight(), &agent).await;
    assert_eq!(runtime.ask(Obey::default(), Order::Echo(7)).await, Ok(7));
    let rejected = runtime.ask(Obey::default(), Order::Reject).await;
    assert!(
        matches!(rejected, Err(TaskError::Rejected { .. })),
        "{rejected:?}"
    );
    assert_eq!(
        runtime.ask(Obey::default(), Order::FailTimes(3)).await,
        Ok(4)
    );
    let report = runtime.shutdown().await;
    assert!(!report.left_behind, "{report:?}");
    let late = runtime.ask(Obey::default(), Order::Echo(7)).await;
    assert!(
        matches!(late, Err(TaskError::ShuttingDown { .. })),
        "{late:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn g3_a_panic_costs_the_innocent_nothing_and_the_guilty_is_a_dead_letter() {
    let agent = Obedient::default();
    let runtime = start(tight(), &agent).await;
    let ask = |order| {
        let runtime = runtime.clone();
        tokio::task::spawn(async move { runtime.ask(Obey::default(), order).await })
    };
    let first = ask(Order::AtTheGate(0));
    let gate = agent.gate.clone();
    tokio::task::spawn_blocking(move || gate.reached(1))
        .await
        .unwrap();
    let innocent = ask(Order::Echo(1));
    let guilty = ask(Order::Panic);
    agent.gate.open();
    assert_eq!(first.await.unwrap(), Ok(0));
    assert_eq!(innocent.await.unwrap(), Ok(1));
    let error = guilty.await.unwrap().unwrap_err();
    let TaskError::DeadLettered {
        task,
        attempts: 2,
        cause,
        ..
    } = error
    else {
        panic!("{error:?}");
    };
    assert!(cause.contains("as ordered"), "{cause}");
    let letters = runtime.dead_letters().unwrap();
    assert_eq!((letters.len(), letters[0].task.id), (1, task));
    assert_eq!(letters[0].task.input, json!("Panic"));
    let again = runtime.redrive(task).await.unwrap_err();
    assert!(matches!(again, TaskError::DeadLettered { .. }), "{again:?}");
    let letters = runtime.dead_letters().unwrap();
    assert!(
        letters
            .iter()
            .any(|letter| letter.task.redrive_of == Some(task))
    );
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn g3_a_task_that_may_run_once_never_runs_twice() {
    let agent = Obedient::default();
    let runtime = start(tight(), &agent).await;
    let error = runtime
        .ask(ObeyOnce::default(), Order::Panic)
        .await
        .unwrap_err();
    assert!(matches!(error, TaskError::DeadLettered { .. }), "{error:?}");
    assert_eq!(agent.runs.load(std::sync::atomic::Ordering::SeqCst), 1);
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn g3_a_hang_is_a_dead_letter_and_the_next_task_is_served() {
    let mut config = tight();
    config.defaults.step_limit = Duration::from_millis(50);
    let agent = Obedient::default();
    let runtime = start(config, &agent).await;
    let error = runtime
        .ask(Obey::default(), Order::AtTheGate(1))
        .await
        .unwrap_err();
    assert!(matches!(error, TaskError::DeadLettered { .. }), "{error:?}");
    assert_eq!(runtime.ask(Obey::default(), Order::Echo(2)).await, Ok(2));
    assert_eq!(runtime.agents()[0].abandoned, 1);
    agent.gate.open();
    let report = runtime.shutdown().await;
    assert!(!report.left_behind, "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn g4_a_full_agent_refuses_at_once() {
    let agent = Obedient::default();
    let runtime = start(tight(), &agent).await;
    let mut waiting = Vec::new();
    for number in 0..16 {
        let runtime = runtime.clone();
        let order = Order::AtTheGate(number);
        let ask = async move { runtime.ask(Obey::default(), order).await };
        waiting.push(tokio::task::spawn(ask));
    }
    while runtime.agents()[0].tasks < 16 {
        tokio::task::yield_now().await;
    }
    let error = runtime
        .ask(Obey::default(), Order::Echo(1))
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            TaskError::Overloaded {
                queued: 16,
                capacity: 16,
                ..
            }
        ),
        "{error:?}"
    );
    agent.gate.open();
    for (number, waiting) in waiting.into_iter().enumerate() {
        assert_eq!(waiting.await.unwrap(), Ok(number as u64));
    }
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn g5_a_deadline_is_kept_and_a_dropped_future_cancels() {
    let agent = Obedient::default();
    let runtime = start(tight(), &agent).await;
    let ask = runtime
        .ask(Obey::default(), Order::AtTheGate(1))
        .deadline(Duration::from_millis(20));
    let error = ask.await.unwrap_err();
    assert!(
        matches!(error, TaskError::DeadlineExceeded { .. }),
        "{error:?}"
    );
    let dropped = runtime.ask(Obey::default(), Order::Echo(1)).into_future();
    assert!(
        tokio::time::timeout(Duration::from_millis(10), dropped)
            .await
            .is_err()
    );
    assert_eq!(runtime.agents()[0].tasks, 0);
    agent.gate.open();
    assert_eq!(runtime.ask(Obey::default(), Order::Echo(3)).await, Ok(3));
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn g8_every_task_leaves_one_complete_record() {
    let agent = Obedient::default();
    let recorder = Recorder::default();
    let builder = Runtime::builder(tight())
        .agent(agent.clone())
        .observer(recorder.clone());
    let runtime = builder.start().await.unwrap();
    runtime.ask(Twice, 4).await.unwrap();
    runtime
        .ask(Obey::default(), Order::Reject)
        .await
        .unwrap_err();
    runtime.flush_observers().await;
    let tasks = recorder.tasks();
    let [first, second, flow, rejected] = &tasks[..] else {
        panic!("{tasks:?}")
    };
    for part in [first, second] {
        assert_eq!((part.trace, part.parent), (flow.trace, Some(flow.span)));
        assert!(
            part.place
                .as_ref()
                .is_some_and(|place| place.device.is_some())
        );
    }
    assert!(matches!(&rejected.outcome, TaskOutcome::Error { error, .. } if error == "rejected"));
    assert!(flow.settled_ns >= flow.accepted_ns);
    assert_eq!(runtime.dropped_events(), 0);
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn g10_shutdown_drains_what_it_can_and_reports_what_it_cut_off() {
    let mut config = tight();
    config.runtime.shutdown_limit = Duration::from_millis(50);
    let agent = Obedient::default();
    let runtime = start(config, &agent).await;
    let asking = runtime.clone();
    let stuck =
        tokio::task::spawn(async move { asking.ask(Obey::default(), Order::AtTheGate(1)).await });
    let gate = agent.gate.clone();
    tokio::task::spawn_blocking(move || gate.reached(1))
        .await
        .unwrap();
    let report = runtime.shutdown().await;
    assert_eq!(
        (report.under_way, report.cut_off, report.left_behind),
        (1, 1, true)
    );
    assert!(matches!(
        stuck.await.unwrap(),
        Err(TaskError::ShuttingDown { .. })
    ));
    agent.gate.open();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_has_its_items_in_order_and_exactly_one_end() {
    let agent = Obedient::default();
    let runtime = start(tight(), &agent).await;
    let mut stream = runtime.stream(Count, 3).unwrap();
    for number in 0..3 {
        assert_eq!(stream.next().await, Some(Ok(number)));
    }
    assert_eq!(stream.next().await, None);
    assert_eq!(stream.output().await, Ok(3));
    // A fault after the first item never repeats one.
    let mut stream = runtime.stream(Count, 20).unwrap();
    for number in 0..13 {
        assert_eq!(stream.next().await, Some(Ok(number)));
    }
    let end = stream.next().await;
    assert!(
        matches!(end, Some(Err(TaskError::Interrupted { .. }))),
        "{end:?}"
    );
    assert_eq!(stream.next().await, None);
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn live_chunks_go_in_while_items_come_out_and_others_are_served() {
    let agent = Obedient::default();
    let runtime = start(tight(), &agent).await;
    let (chunks, mut sums) = runtime.open(Sum, ()).unwrap();
    chunks.send(1).await.unwrap();
    assert_eq!(sums.next().await, Some(Ok(1)));
    assert_eq!(runtime.ask(Obey::default(), Order::Echo(5)).await, Ok(5));
    chunks.send(2).await.unwrap();
    assert_eq!(sums.next().await, Some(Ok(3)));
    drop(chunks);
    assert_eq!(sums.output().await, Ok(3));
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_asks_others_and_refuses_to_ask_itself() {
    let agent = Obedient::default();
    let runtime = start(tight(), &agent).await;
    assert_eq!(runtime.ask(Twice, 21).await, Ok(42));
    let error = runtime.ask(Twice, 0).await.unwrap_err();
    assert!(
        error.to_string().contains("test.twice -> test.twice"),
        "{error}"
    );
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runtimes_live_side_by_side() {
    let (one, other) = (Obedient::default(), Obedient::default());
    let (first, second) = (start(tight(), &one).await, start(tight(), &other).await);
    assert_eq!(first.ask(Obey::default(), Order::Echo(1)).await, Ok(1));
    first.shutdown().await;
    assert_eq!(second.ask(Obey::default(), Order::Echo(2)).await, Ok(2));
    second.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_skill_is_refused_with_the_nearest_name() {
    let agent = Obedient::default();
    let runtime = start(tight(), &agent).await;
    let ask = runtime.ask_json("test.obay", json!({"Echo": 1}), Default::default());
    let error = ask.await.unwrap_err();
    assert!(
        error.to_string().ends_with("did you mean `test.obey`?"),
        "{error}"
    );
    let error = runtime
        .ask_json("test.obey", json!(1), Default::default())
        .await
        .unwrap_err();
    assert!(matches!(error, TaskError::InvalidInput { .. }), "{error:?}");
    runtime.shutdown().await;
}
