//! A system that has no thread left: a real process without address space for the stack of a worker.

use std::process::{Command, Stdio};
use std::time::Duration;

use aimass_config::Config;
use aimass_runtime::{Record, Recorder, Runtime, TaskError, WorkerChange};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::CHILD;
use crate::obedient::{Obedient, Obey, Order};

/// Far less than the stack of a worker's thread, and enough for all else that this test does.
const LEFT: u64 = 32 << 20;

/// How much address space this process has taken.
fn taken() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let size = status
        .lines()
        .find_map(|line| line.strip_prefix("VmSize:"))
        .unwrap();
    let kib: u64 = size.trim().strip_suffix(" kB").unwrap().parse().unwrap();
    kib << 10
}

/// The child, whose limits are its own. It does nothing unless it was started as the child.
#[tokio::test]
async fn without_threads() {
    if std::env::var(CHILD).as_deref() != Ok("no threads") {
        return;
    }
    let mut config = Config::default();
    config.runtime.supervision.backoff_initial = Duration::from_millis(1);
    config.runtime.supervision.backoff_max = Duration::from_millis(50);
    config.runtime.supervision.max_restarts = 1_000_000;
    let agent = config.agent_mut("test");
    agent.lazy = true;
    let recorder = Recorder::default();
    let builder = Runtime::builder(config)
        .agent(Obedient::default())
        .observer(recorder.clone());
    let runtime = builder.start().await.unwrap();
    let unlimited = getrlimit(Resource::As);
    let tight = Rlimit {
        current: Some(taken() + LEFT),
        ..unlimited
    };
    setrlimit(Resource::As, tight).unwrap();
    let asking = runtime.clone();
    let first = tokio::spawn(async move { asking.ask::<Obey>(Order::Echo(1)).await });
    let failed = || {
        let records = recorder.records().into_iter();
        let failed = records.filter_map(|record| match record {
            Record::Worker(worker) => match worker.change {
                WorkerChange::LoadFailed { message } => Some(message),
                _ => None,
            },
            _ => None,
        });
        failed.collect::<Vec<_>>()
    };
    while failed().len() < 3 {
        tokio::task::yield_now().await;
    }
    for message in failed() {
        assert!(message.contains("cannot start a thread"), "{message}");
    }
    let state = &runtime.agents()[0];
    assert_eq!(state.failed, None, "it may pass");
    setrlimit(Resource::As, unlimited).unwrap();
    // What was accepted waited, or was told that it is tried again; what comes later is served.
    match first.await.unwrap() {
        Ok(answer) => assert_eq!(answer, 1),
        Err(error) => assert!(matches!(error, TaskError::Unavailable { .. }), "{error}"),
    }
    loop {
        match runtime.ask::<Obey>(Order::Echo(2)).await {
            Ok(answer) => break assert_eq!(answer, 2),
            Err(TaskError::Unavailable { .. }) => tokio::task::yield_now().await,
            Err(error) => panic!("{error}"),
        }
    }
    runtime.shutdown().await;
}

#[test]
fn a_worker_whose_thread_cannot_be_started_is_tried_again_until_it_can() {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "no_threads::without_threads", "--nocapture"])
        .env(CHILD, "no threads")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("1 passed"), "the child did not run: {said}");
}
