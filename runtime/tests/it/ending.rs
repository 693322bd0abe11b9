//! G8 and G10: observers harm nobody, and a shutdown keeps its word.

use std::time::Duration;

use aimass_config::Config;
use aimass_runtime::{Observer, Record, Recorder, Runtime, ShutdownReport, TaskError};

use crate::desk::Desk;
use crate::probe::{Hold, Order, Probe, ProbeSource, Run};
use crate::stage::{Stage, TestClock};

/// An observer that stands still at its first record until the desk lets it go on.
struct Slow {
    desk: Desk,
    seen: u64,
}

impl Observer for Slow {
    fn observe(&mut self, _: &Record) {
        self.seen += 1;
        if self.seen == 1 {
            self.desk.pass(0);
        }
    }
}

struct Panicking;

impl Observer for Panicking {
    fn observe(&mut self, _: &Record) {
        panic!("an observer panics");
    }
}

fn start(config: Config, desk: &Desk) -> aimass_runtime::RuntimeBuilder {
    let probe = Probe {
        desk: desk.clone(),
        source: ProbeSource::new(desk, "one"),
    };
    Runtime::builder(config).agent(probe)
}

#[tokio::test]
async fn g8_a_slow_observer_never_blocks_an_agent_and_what_is_dropped_is_counted() {
    let desk = Desk::default();
    let mut config = Config::default();
    config.runtime.event_capacity = 16;
    let slow = Slow {
        desk: desk.clone(),
        seen: 0,
    };
    let recorder = Recorder::default();
    let builder = start(config, &desk)
        .observer(slow)
        .observer(recorder.clone());
    let runtime = builder.start().await.unwrap();
    for id in 1..=100 {
        runtime.ask::<Run>(Order::answer(id)).await.unwrap();
    }
    let dropped = runtime.dropped_events();
    assert!(dropped >= 80, "{dropped} were dropped");
    desk.open(0);
    let report = runtime.shutdown().await;
    let seen = recorder.tasks().len() as u64;
    // Besides the tasks there is a handful of records about the worker.
    let records = recorder.records().len() as u64 + report.dropped_events;
    assert!(
        seen < 100 && (100..110).contains(&records),
        "{seen} seen, {records} in all"
    );
}

#[tokio::test]
async fn g8_a_panicking_observer_is_left_out_and_the_others_miss_nothing() {
    let desk = Desk::default();
    let recorder = Recorder::default();
    let builder = start(Config::default(), &desk)
        .observer(Panicking)
        .observer(recorder.clone());
    let runtime = builder.start().await.unwrap();
    for id in 0..20 {
        runtime.ask::<Run>(Order::answer(id)).await.unwrap();
    }
    assert_eq!(runtime.shutdown().await.dropped_events, 0);
    assert_eq!(recorder.tasks().len(), 20);
}

#[tokio::test]
async fn g10_shutdown_refuses_new_work_and_drains_what_was_accepted() {
    let stage = Stage::new().await;
    let running = stage.asked(Order::answer(0).hold(Hold::Blocked));
    stage.desk.began(0).await;
    let queued = stage.asked(Order::answer(1)).accepted(&stage).await;
    let runtime = stage.runtime.clone();
    let ending = tokio::task::spawn(async move { runtime.shutdown().await });
    let refused = loop {
        match stage
            .ask(Order::answer(9))
            .deadline(Duration::from_millis(20))
            .await
        {
            Err(TaskError::DeadlineExceeded { .. }) => tokio::task::yield_now().await,
            other => break other.unwrap_err(),
        }
    };
    assert!(
        matches!(refused, TaskError::ShuttingDown { .. }),
        "{refused}"
    );
    stage.desk.open(0);
    running.answer().await.unwrap();
    queued.answer().await.unwrap();
    let report = ending.await.unwrap();
    assert_eq!(
        (report.cut_off, report.left_behind, report.dropped_events),
        (0, false, 0)
    );
    assert_eq!(report.environment, None);
}

#[tokio::test]
async fn g10_shutdown_cuts_off_at_its_limit_and_reports_what_it_cut_off() {
    let stage = Stage::new().await;
    let running = stage.asked(Order::answer(0).hold(Hold::Stepping));
    stage.desk.began(0).await;
    let queued = stage.asked(Order::answer(1)).accepted(&stage).await;
    let report = stage
        .runtime
        .shutdown_within(Duration::from_millis(50))
        .await;
    assert_eq!(
        (report.under_way, report.cut_off, report.left_behind),
        (2, 2, false)
    );
    assert_eq!((report.lost, report.kept), (2, 0));
    for asked in [running, queued] {
        let error = asked.answer().await.unwrap_err();
        assert!(matches!(error, TaskError::ShuttingDown { .. }), "{error}");
    }
    assert_eq!(
        stage.recorder.tasks().len(),
        2,
        "the observers were flushed"
    );
}

/// Far above what a shutdown takes that nothing holds up, and far below its limit.
const SOON: Duration = Duration::from_secs(20);

#[tokio::test]
async fn g10_a_runtime_ends_once_however_many_ask_for_it_and_all_get_the_same_report() {
    let stage = Stage::set(|setting| {
        setting.config.runtime.shutdown_limit = Duration::from_secs(3600);
    });
    let stage = stage.await;
    let running = stage.asked(Order::answer(0).hold(Hold::Blocked));
    stage.desk.began(0).await;
    let ask = || {
        let runtime = stage.runtime.clone();
        tokio::task::spawn(async move { runtime.shutdown().await })
    };
    let endings = [ask(), ask(), ask()];
    // Each of them waits for the work.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    stage.desk.open(0);
    running.answer().await.unwrap();
    let mut reports = Vec::new();
    for ending in endings {
        reports.push(tokio::time::timeout(SOON, ending).await.unwrap().unwrap());
    }
    reports.push(stage.runtime.shutdown().await);
    let expected = ShutdownReport {
        under_way: 1,
        ..ShutdownReport::default()
    };
    assert_eq!(reports, vec![expected; 4]);
}

#[tokio::test]
async fn g10_a_second_shutdown_with_a_shorter_limit_brings_the_first_one_forward() {
    let stage = Stage::new().await;
    let stuck = stage.asked(Order::answer(0).hold(Hold::Stepping));
    stage.desk.began(0).await;
    let runtime = stage.runtime.clone();
    let patient =
        tokio::task::spawn(async move { runtime.shutdown_within(Duration::from_secs(3600)).await });
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    let hasty = stage.runtime.shutdown_within(Duration::ZERO);
    let hasty = tokio::time::timeout(SOON, hasty).await.unwrap();
    let patient = tokio::time::timeout(SOON, patient).await.unwrap().unwrap();
    assert_eq!((hasty.under_way, hasty.lost), (1, 1));
    assert_eq!(hasty, patient);
    let error = stuck.answer().await.unwrap_err();
    assert!(matches!(error, TaskError::ShuttingDown { .. }), "{error}");
    // A longer one comes too late to change anything.
    assert_eq!(stage.runtime.shutdown().await, hasty);
}

#[tokio::test]
async fn g10_a_shutdown_that_nobody_waits_for_any_more_is_gone_on_with_by_the_next() {
    let stage = Stage::new().await;
    let running = stage.asked(Order::answer(0).hold(Hold::Blocked));
    stage.desk.began(0).await;
    let given_up = stage.runtime.shutdown_within(Duration::from_secs(3600));
    let given_up = tokio::time::timeout(Duration::from_millis(20), given_up).await;
    assert!(given_up.is_err(), "its work was not done");
    stage.desk.open(0);
    running.answer().await.unwrap();
    let report = tokio::time::timeout(SOON, stage.runtime.shutdown()).await;
    let report = report.unwrap();
    assert_eq!((report.cut_off, report.left_behind), (0, false));
    assert_eq!(report.environment, None);
}

#[tokio::test]
async fn g10_a_thread_that_will_not_end_does_not_hold_up_the_shutdown() {
    let stage = Stage::set(|setting| setting.probe.grace = Duration::from_millis(50)).await;
    let stuck = stage.asked(Order::answer(0).hold(Hold::Blocked));
    stage.desk.began(0).await;
    let report = stage.runtime.shutdown_within(Duration::ZERO).await;
    assert_eq!((report.cut_off, report.left_behind), (1, true));
    assert!(matches!(
        stuck.answer().await,
        Err(TaskError::ShuttingDown { .. })
    ));
    stage.desk.open(0);
}

#[tokio::test]
async fn g10_the_limit_holds_for_all_of_a_shutdown_and_callers_are_answered_within_it() {
    let seconds = Duration::from_secs_f64;
    // The limit, the agent's grace, when callers are to be answered, and when all is over.
    for (limit, grace, answered, over) in [
        (10.0, 2.0, 8.0, 10.0),
        (2.0, 2.0, 1.0, 2.0),
        (3.0, 60.0, 1.5, 3.0),
        (3.0, 0.0, 3.0, 3.0),
        (0.0, 0.05, 0.0, 0.05),
        (0.0, 60.0, 0.0, 1.0),
    ] {
        let stage = Stage::set(|setting| setting.probe.grace = seconds(grace)).await;
        let stuck = stage.asked(Order::answer(0).hold(Hold::Blocked));
        stage.desk.began(0).await;
        // From here on time passes only while all wait for it, and the thread that is stuck says nothing.
        tokio::time::pause();
        let clock = TestClock::start();
        let answer = async {
            let error = stuck.answer().await.unwrap_err();
            (clock.elapsed(), error)
        };
        let (report, (received, error)) =
            tokio::join!(stage.runtime.shutdown_within(seconds(limit)), answer);
        let took = clock.elapsed();
        tokio::time::resume();
        stage.desk.open(0);
        let case = format!("{limit} s with a grace of {grace} s");
        assert!(matches!(error, TaskError::ShuttingDown { .. }), "{error}");
        assert!(report.left_behind, "{case}");
        // Timers come by the millisecond.
        let late = Duration::from_millis(10);
        assert!(
            received <= seconds(answered) + late,
            "{case}: answered after {received:?}"
        );
        assert!(took <= seconds(over) + late, "{case}: took {took:?}");
    }
}

#[tokio::test]
async fn g10_an_observer_that_stands_still_does_not_hold_up_the_shutdown() {
    let desk = Desk::default();
    let mut config = Config::default();
    config.runtime.event_capacity = 1;
    let slow = Slow {
        desk: desk.clone(),
        seen: 0,
    };
    let runtime = start(config, &desk).observer(slow).start().await.unwrap();
    runtime.ask::<Run>(Order::answer(1)).await.unwrap();
    let report = runtime.shutdown_within(Duration::from_secs(1)).await;
    assert!(report.dropped_events > 0);
    desk.open(0);
}

#[tokio::test]
async fn two_runtimes_in_one_process_know_nothing_of_each_other() {
    let (one, other) = (Stage::new().await, Stage::new().await);
    let held = one.asked(Order::answer(0).hold(Hold::Blocked));
    one.desk.began(0).await;
    assert_eq!(other.ask(Order::answer(1)).await.unwrap().id, 1);
    let report = other.close().await;
    assert_eq!(report.under_way, 0);
    one.desk.open(0);
    held.answer().await.unwrap();
    assert_eq!(one.finished().await.len(), 1);
    one.close().await;
}
