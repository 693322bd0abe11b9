//! Models come, change and go: swap, idle unload, fallbacks, and what cannot be loaded.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use aimass_runtime::{DeviceName, Fault, ModelVersion, TaskError, TaskFinished, WorkerChange};

use crate::desk::Entry;
use crate::probe::{Hold, Order, ProbeSource, STUCK};
use crate::stage::{Setting, Stage};

#[tokio::test]
async fn a_swap_takes_effect_between_two_jobs_and_the_old_weights_go_with_their_last_job() {
    let stage = Stage::new().await;
    let old = stage.asked(Order::answer(1).hold(Hold::Blocked));
    stage.desk.began(1).await;
    let version = stage
        .runtime
        .swap("probe", "model", ProbeSource::new(&stage.desk, "two"))
        .await;
    assert_eq!(version.unwrap().as_str(), "two");
    let new = stage.asked(Order::answer(2)).accepted(&stage).await;
    assert!(!stage.desk.log().contains(&Entry::Freed("one".to_owned())));
    stage.desk.open(1);
    assert_eq!(
        old.answer().await.unwrap().version,
        "one",
        "a job pins what it began with"
    );
    assert_eq!(new.answer().await.unwrap().version, "two");
    stage
        .desk
        .until(|log| log.contains(&Entry::Freed("one".to_owned())))
        .await;
    assert_eq!(stage.runtime.agents()[0].workers[0].model.as_str(), "two");
    stage.close().await;
}

#[tokio::test]
async fn an_idle_worker_lets_go_of_the_old_version_without_a_task() {
    let stage = Stage::new().await;
    stage.ask(Order::answer(1)).await.unwrap();
    stage
        .runtime
        .swap("probe", "model", ProbeSource::new(&stage.desk, "two"))
        .await
        .unwrap();
    stage
        .desk
        .until(|log| log.contains(&Entry::Freed("one".to_owned())))
        .await;
    assert_eq!(stage.ask(Order::answer(2)).await.unwrap().version, "two");
    stage.close().await;
}

#[tokio::test]
async fn a_swap_of_something_else_is_refused() {
    let stage = Stage::new().await;
    let source = || ProbeSource::new(&stage.desk, "two");
    let refused: [Result<_, Fault>; 3] = [
        stage.runtime.swap("nobody", "model", source()).await,
        stage.runtime.swap("probe", "nothing", source()).await,
        stage
            .runtime
            .swap("probe", "model", aimass_runtime::Fresh(|| 0_u32))
            .await,
    ];
    assert!(refused.iter().all(Result::is_err), "{refused:?}");
    assert_eq!(stage.ask(Order::answer(1)).await.unwrap().version, "one");
    stage.close().await;
}

#[tokio::test]
async fn a_new_version_that_cannot_be_read_is_refused_and_the_old_one_goes_on() {
    let stage = Stage::new().await;
    stage.ask(Order::answer(1)).await.unwrap();
    let mut source = ProbeSource::new(&stage.desk, "two");
    source.broken = true;
    let fault = stage.runtime.swap("probe", "model", source).await;
    let fault = fault.unwrap_err();
    assert!(fault.message.contains("cannot be read"), "{fault}");
    assert_eq!(stage.ask(Order::answer(2)).await.unwrap().version, "one");
    let restarts = stage.runtime.agents()[0].workers[0].restarts;
    assert_eq!(restarts, 0);
    assert_eq!(stage.runtime.agents()[0].workers[0].model.as_str(), "one");
    stage.close().await;
}

#[tokio::test]
async fn a_new_version_that_cannot_be_built_is_refused_and_no_call_fails() {
    let stage = Stage::new().await;
    let unbuildable = || {
        let mut source = ProbeSource::new(&stage.desk, "two");
        source.unbuildable = true;
        source
    };
    // Before the first task there is no weight in memory, and the version is tried all the same.
    let fault = stage.runtime.swap("probe", "model", unbuildable()).await;
    let fault = fault.unwrap_err();
    assert!(fault.message.contains("of another model"), "{fault}");

    let held = stage.asked(Order::answer(0).hold(Hold::Blocked));
    stage.desk.began(0).await;
    let mut asked = Vec::new();
    for id in 1..20 {
        asked.push(stage.asked(Order::answer(id)).accepted(&stage).await);
    }
    let fault = stage.runtime.swap("probe", "model", unbuildable()).await;
    assert!(fault.is_err(), "{fault:?}");
    stage.desk.open(0);
    for asked in asked.into_iter().chain([held]) {
        assert_eq!(asked.answer().await.unwrap().version, "one");
    }
    assert_eq!(stage.ask(Order::answer(20)).await.unwrap().version, "one");
    let workers = &stage.runtime.agents()[0].workers;
    assert!(workers.iter().all(|worker| worker.restarts == 0));
    stage.close().await;
}

#[tokio::test]
async fn a_swap_of_an_agent_without_a_model_in_memory_leaves_none_there() {
    let stage = Stage::new().await;
    let source = ProbeSource::new(&stage.desk, "two");
    stage.runtime.swap("probe", "model", source).await.unwrap();
    let read = |version: &str| Entry::Loaded(version.to_owned(), "cpu".to_owned());
    let freed = Entry::Freed("two".to_owned());
    assert_eq!(stage.desk.log(), [read("two"), freed]);
    assert_eq!(stage.ask(Order::answer(1)).await.unwrap().version, "two");
    stage.close().await;
}

#[tokio::test]
async fn of_two_swaps_the_one_that_was_asked_for_last_counts_whichever_is_read_first() {
    let stage = Stage::new().await;
    stage.ask(Order::answer(1)).await.unwrap();
    let (runtime, reads) = (stage.runtime.clone(), Arc::new(AtomicU32::new(1)));
    let mut slow = ProbeSource::new(&stage.desk, "two");
    slow.stuck = Some((DeviceName::Cpu, reads.clone()));
    let older = tokio::spawn(async move { runtime.swap("probe", "model", slow).await });
    while reads.load(Ordering::SeqCst) > 0 {
        tokio::task::yield_now().await;
    }
    let newer = ProbeSource::new(&stage.desk, "three");
    let newer = stage.runtime.swap("probe", "model", newer).await;
    assert_eq!(newer.unwrap().as_str(), "three");
    stage.desk.open(STUCK);
    let fault = older.await.unwrap().unwrap_err();
    assert!(fault.message.contains("`three`"), "{fault}");
    assert_eq!(stage.ask(Order::answer(2)).await.unwrap().version, "three");
    assert_eq!(stage.runtime.agents()[0].workers[0].model.as_str(), "three");
    stage.close().await;
}

#[tokio::test]
async fn a_new_version_whose_reading_comes_to_no_end_is_given_up_and_the_old_one_goes_on() {
    let stage = Stage::set(|setting| setting.probe.load_limit = Duration::from_millis(200)).await;
    stage.ask(Order::answer(1)).await.unwrap();
    let mut source = ProbeSource::new(&stage.desk, "two");
    source.stuck = Some((DeviceName::Cpu, Arc::new(AtomicU32::new(1))));
    let fault = stage.runtime.swap("probe", "model", source).await;
    let fault = fault.unwrap_err();
    assert!(fault.message.contains("load_limit"), "{fault}");
    // Its thread comes to an end after all, and what it has read is not taken.
    stage.desk.open(STUCK);
    let freed = Entry::Freed("two".to_owned());
    stage.desk.until(|log| log.contains(&freed)).await;
    assert_eq!(stage.ask(Order::answer(2)).await.unwrap().version, "one");
    stage.close().await;
}

#[tokio::test]
async fn the_record_of_a_task_names_the_version_that_it_ran_on() {
    let stage = Stage::new().await;
    let old = stage.asked(Order::answer(1).hold(Hold::Blocked));
    stage.desk.began(1).await;
    let swapped = stage
        .runtime
        .swap("probe", "model", ProbeSource::new(&stage.desk, "two"));
    swapped.await.unwrap();
    stage.desk.open(1);
    old.answer().await.unwrap();
    stage.ask(Order::answer(2)).await.unwrap();
    let of = |task: &TaskFinished| task.place.as_ref()?.model.clone();
    let tasks = stage.finished().await;
    let versions: Vec<_> = tasks.iter().filter_map(of).collect();
    let versions: Vec<&str> = versions.iter().map(ModelVersion::as_str).collect();
    assert_eq!(versions, ["one", "two"]);
    stage.close().await;
}

#[tokio::test]
async fn an_idle_agent_gives_its_memory_back_and_reads_its_weights_again_when_needed() {
    let idle = Duration::from_millis(50);
    let stage = Stage::set(|setting| setting.probe.idle_unload = Some(idle)).await;
    assert!(
        stage.desk.log().is_empty(),
        "nothing is read before the first task"
    );
    stage.ask(Order::answer(1)).await.unwrap();
    stage
        .desk
        .until(|log| log.contains(&Entry::Freed("one".to_owned())))
        .await;
    stage.ask(Order::answer(2)).await.unwrap();
    let loaded = |entry: &Entry| matches!(entry, Entry::Loaded(..));
    assert_eq!(
        stage
            .desk
            .log()
            .iter()
            .filter(|entry| loaded(entry))
            .count(),
        2
    );
    stage.close().await;
}

#[tokio::test]
async fn a_panic_rebuilds_the_model_from_the_weights_that_are_in_memory() {
    let stage = Stage::new().await;
    let order = Order::new(1, crate::probe::Act::Panic { times: 1 });
    assert_eq!(stage.ask(order).await.unwrap().run, 2);
    let loaded = |entry: &Entry| matches!(entry, Entry::Loaded(..));
    assert_eq!(
        stage
            .desk
            .log()
            .iter()
            .filter(|entry| loaded(entry))
            .count(),
        1
    );
    stage.close().await;
}

#[tokio::test]
async fn a_device_that_is_dead_for_the_process_is_left_for_its_fallback() {
    let stage = Stage::set(|setting| {
        setting.probe.placement = vec!["cuda:0".to_owned(), "cpu".to_owned()];
        setting.source.dead = vec![DeviceName::Cuda(0)];
    })
    .await;
    assert_eq!(stage.ask(Order::answer(1)).await.unwrap().device, "cpu");
    let changes = stage.changes().await;
    assert!(changes.contains(&WorkerChange::FellBack), "{changes:?}");
    assert_eq!(stage.runtime.agents()[0].workers[0].device, DeviceName::Cpu);
    stage.close().await;
}

#[tokio::test]
async fn a_device_that_never_worked_and_has_no_fallback_is_told_to_those_who_wait() {
    let stage = Stage::set(|setting| {
        setting.probe.placement = vec!["cuda:1".to_owned(), "cuda:0".to_owned()];
        setting.source.dead = vec![DeviceName::Cuda(0), DeviceName::Cuda(1)];
    })
    .await;
    for _ in 0..20 {
        let error = stage.ask(Order::answer(1)).await.unwrap_err();
        assert!(matches!(error, TaskError::Unavailable { .. }), "{error}");
        assert!(error.to_string().contains("cuda:0 is lost"), "{error}");
    }
    assert_eq!(stage.runtime.agents()[0].failed, None);
    stage.close().await;
}

#[tokio::test]
async fn a_model_that_cannot_be_read_is_tried_again_and_then_the_agent_is_given_up() {
    let stage = Stage::set(|setting| {
        setting.source.broken = true;
        setting.config.runtime.supervision.max_restarts = 2;
    })
    .await;
    let error = stage.ask(Order::answer(1)).await.unwrap_err();
    assert!(matches!(error, TaskError::AgentFailed { .. }), "{error}");
    let (agent, failed) = stage.runtime.failure().await;
    assert_eq!(agent, "probe");
    assert_eq!(stage.runtime.agents()[0].failed.as_ref(), Some(&failed));
    assert!(failed.contains("the weights cannot be read"), "{failed}");
    stage.close().await;
}

/// Reading the weights on `device` comes to no end so many times; the watchdog is quick.
fn stuck(setting: &mut Setting, device: DeviceName, times: u32) {
    setting.source.stuck = Some((device, Arc::new(AtomicU32::new(times))));
    setting.probe.load_limit = Duration::from_millis(200);
    setting.probe.grace = Duration::from_millis(20);
}

#[tokio::test]
async fn a_device_on_which_reading_comes_to_no_end_is_left_for_its_fallback() {
    let stage = Stage::set(|setting| {
        setting.probe.placement = vec!["cuda:0".to_owned(), "cpu".to_owned()];
        stuck(setting, DeviceName::Cuda(0), 1);
    })
    .await;
    assert_eq!(stage.ask(Order::answer(1)).await.unwrap().device, "cpu");
    let state = stage.runtime.agents().remove(0);
    assert_eq!((state.failed, state.abandoned), (None, 1));
    let changes = stage.changes().await;
    for expected in [
        WorkerChange::Hung,
        WorkerChange::FellBack,
        WorkerChange::Abandoned,
    ] {
        assert!(changes.contains(&expected), "{expected:?}: {changes:?}");
    }
    // The thread that was given up comes to its end after all, and changes nothing.
    stage.desk.open(STUCK);
    assert_eq!(stage.ask(Order::answer(2)).await.unwrap().device, "cpu");
    assert!(!stage.close().await.left_behind);
}

#[tokio::test]
async fn workers_that_wait_for_weights_do_not_wait_for_a_reader_that_was_given_up() {
    let stage = Stage::set(|setting| {
        setting.probe.replicas = 2;
        stuck(setting, DeviceName::Cpu, 1);
    })
    .await;
    let asked = [1, 2].map(|id| stage.asked(Order::answer(id)));
    for asked in asked {
        asked.answer().await.unwrap();
    }
    let state = stage.runtime.agents().remove(0);
    assert_eq!((state.failed, state.abandoned), (None, 1));
    stage.desk.open(STUCK);
    assert!(!stage.close().await.left_behind);
}

#[tokio::test]
async fn an_agent_whose_model_never_comes_is_given_up_and_what_waits_is_answered() {
    let stage = Stage::set(|setting| stuck(setting, DeviceName::Cpu, u32::MAX)).await;
    let waits = stage.asked(Order::answer(1));
    let error = stage.ask(Order::answer(2)).await.unwrap_err();
    assert!(matches!(error, TaskError::AgentFailed { .. }), "{error}");
    assert!(waits.answer().await.is_err());
    let (_, failed) = stage.runtime.failure().await;
    assert!(failed.contains("2 of its threads hang"), "{failed}");
    stage.desk.open(STUCK);
    stage.close().await;
}

/// A stage with two workers, of which one reads for ever and the other waits for it.
async fn one_reads_and_one_waits(load_limit: Duration) -> (Stage, Arc<AtomicU32>) {
    let reads = Arc::new(AtomicU32::new(2));
    let left = reads.clone();
    let stage = Stage::set(move |setting| {
        setting.probe.replicas = 2;
        setting.probe.lazy = false;
        setting.probe.load_limit = load_limit;
        setting.probe.grace = Duration::from_millis(20);
        setting.config.runtime.supervision.max_restarts = 0;
        setting.source.stuck = Some((DeviceName::Cpu, left));
    });
    let stage = stage.await;
    // Both are started before anything is asked.
    while reads.load(Ordering::SeqCst) == 2 || starting(&stage) < 2 {
        tokio::task::yield_now().await;
    }
    (stage, reads)
}

fn starting(stage: &Stage) -> usize {
    let agents = stage.runtime.agents();
    let workers = agents[0].workers.iter();
    workers.filter(|worker| worker.state == "starting").count()
}

async fn is_told_to_stop(stage: &Stage) {
    let stopped = async {
        while !stage.changes().await.contains(&WorkerChange::Stopped) {
            tokio::task::yield_now().await;
        }
    };
    let stopped = tokio::time::timeout(Duration::from_secs(20), stopped).await;
    stopped.expect("the other worker waits for ever");
}

#[tokio::test]
async fn nobody_waits_for_a_reader_that_hangs_once_the_agent_is_given_up() {
    let (stage, reads) = one_reads_and_one_waits(Duration::from_millis(200)).await;
    let (_, failed) = stage.runtime.failure().await;
    assert!(failed.contains("not read within"), "{failed}");
    is_told_to_stop(&stage).await;
    stage.desk.open(STUCK);
    assert!(!stage.close().await.left_behind);
    assert_eq!(reads.load(Ordering::SeqCst), 1, "it was read once more");
}

#[tokio::test]
async fn nobody_waits_for_a_reader_that_hangs_once_the_runtime_closes() {
    let (stage, reads) = one_reads_and_one_waits(Duration::from_secs(3600)).await;
    let recorder = stage.recorder.clone();
    let report = stage.runtime.shutdown_within(Duration::from_secs(2)).await;
    assert!(report.left_behind, "one thread reads");
    let stopped = recorder.records().into_iter().filter(|record| {
        matches!(record, aimass_runtime::Record::Worker(worker) if worker.change == WorkerChange::Stopped)
    });
    assert_eq!(stopped.count(), 1, "the other one has ended");
    stage.desk.open(STUCK);
    assert_eq!(reads.load(Ordering::SeqCst), 1, "it was read once more");
}
