//! A soak: many callers on real threads, with panics, faults, hangs, deadlines, dropped futures and swaps among them.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aimass_runtime::{TaskError, TaskFinished, TaskOutcome};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::probe::{Act, Hold, Order, ProbeSource};
use crate::stage::{Stage, TestClock};

const CALLERS: u32 = 8;
const LENGTH: Duration = Duration::from_secs(8);

/// What one caller saw.
#[derive(Debug, Default)]
struct Tally {
    asked: u64,
    dropped: u64,
    replies: HashMap<&'static str, u64>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_soak_with_injected_faults_answers_every_task_once_and_loses_nothing() {
    let seed = rand::rng().random_range(0..u64::MAX);
    println!("seed {seed}");
    let stage = Stage::set(|setting| {
        setting.probe.replicas = 2;
        setting.probe.max_batch = 4;
        setting.probe.capacity = 64;
        setting.probe.step_limit = Duration::from_millis(500);
        setting.probe.grace = Duration::from_millis(100);
        setting.probe.max_abandoned = 100;
        setting.config.runtime.event_capacity = 1 << 20;
        setting.config.runtime.supervision.max_restarts = 10_000;
    })
    .await;
    let stage = std::sync::Arc::new(stage);
    let newest = std::sync::Arc::new(AtomicU64::new(0));
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let (stage, newest) = (stage.clone(), newest.clone());
            let random = StdRng::seed_from_u64(seed ^ u64::from(caller));
            tokio::task::spawn(async move { call(&stage, &newest, caller, random).await })
        })
        .collect();
    let mut total = Tally::default();
    for caller in callers {
        let tally = caller.await.unwrap();
        total.asked += tally.asked;
        total.dropped += tally.dropped;
        for (kind, count) in tally.replies {
            *total.replies.entry(kind).or_default() += count;
        }
    }
    println!("{total:?}");
    let stage = std::sync::Arc::into_inner(stage).unwrap();
    let replies: u64 = total.replies.values().sum();
    assert_eq!(
        replies + total.dropped,
        total.asked,
        "each ask was answered, or dropped by its caller"
    );
    assert_eq!(stage.runtime.agents()[0].failed, None);
    let recorder = stage.recorder.clone();
    let report = stage.close().await;
    assert_eq!(report.cut_off, 0);
    let finished = recorder.tasks();
    let ids: std::collections::HashSet<_> = finished.iter().map(|task| task.task).collect();
    assert_eq!(ids.len(), finished.len(), "one record for each task");
    no_worker_goes_back_to_an_old_version(&finished);
    let done = finished
        .iter()
        .filter(|task| task.outcome == TaskOutcome::Done)
        .count() as u64;
    assert!(
        done >= total.replies["done"],
        "{done} records of tasks that are done"
    );
    assert!(total.replies["done"] > 1000, "{total:?}");
    assert!(total.replies["dead_lettered"] > 0, "{total:?}");
}

/// The versions that a worker ran on, in the order of its batches.
fn no_worker_goes_back_to_an_old_version(finished: &[TaskFinished]) {
    let mut ran_on: BTreeMap<_, BTreeMap<u64, u64>> = BTreeMap::new();
    // A task that nobody reported on names the version that was the newest when it ended.
    let done = finished
        .iter()
        .filter(|task| task.outcome == TaskOutcome::Done);
    for place in done.filter_map(|task| task.place.as_ref()) {
        if let Some(model) = &place.model {
            let batches = ran_on.entry(place.worker).or_default();
            batches.insert(place.batch, number(model.as_str()));
        }
    }
    for (worker, batches) in ran_on {
        assert!(batches.values().is_sorted(), "{worker:?}: {batches:?}");
        assert!(batches.values().max() > Some(&5), "{worker:?} saw no swap");
    }
}

/// Versions are numbered; the first one, which no swap brought, is 0.
fn number(version: &str) -> u64 {
    version.parse().unwrap_or(0)
}

async fn call(stage: &Stage, newest: &AtomicU64, caller: u32, mut random: StdRng) -> Tally {
    let mut tally = Tally::default();
    let clock = TestClock::start();
    let mut id = caller << 24;
    while clock.elapsed() < LENGTH {
        id += 1;
        tally.asked += 1;
        // Whoever asks after a swap is served by its version, or by a newer one.
        let at_least = newest.load(Ordering::SeqCst);
        let order = order(id, &mut random);
        let mut ask = stage.ask(order);
        if random.random_ratio(1, 10) {
            ask = ask.deadline(Duration::from_micros(random.random_range(0..2000)));
        }
        if random.random_ratio(1, 20) {
            // Polled for a moment, then dropped.
            let patience = Duration::from_micros(random.random_range(0..500));
            match tokio::time::timeout(patience, ask).await {
                Err(_) => tally.dropped += 1,
                Ok(reply) => tally.note(id, at_least, reply),
            }
            continue;
        }
        tally.note(id, at_least, ask.await);
        // One caller swaps, so that the versions have an order.
        if caller == 0 && random.random_ratio(1, 60) {
            let version = newest.load(Ordering::SeqCst) + 1;
            let source = ProbeSource::new(&stage.desk, &version.to_string());
            stage.runtime.swap("probe", "model", source).await.unwrap();
            newest.store(version, Ordering::SeqCst);
        }
    }
    tally
}

fn order(id: u32, random: &mut StdRng) -> Order {
    let act = match random.random_range(0..200) {
        0..4 => Act::Panic { times: 1 },
        4 => Act::Panic { times: u32::MAX },
        5..15 => Act::Falter { times: 1 },
        15..25 => Act::Reject,
        _ => Act::Answer,
    };
    // A gate that never opens: a hang, which costs half a second and a thread.
    let hold = if random.random_ratio(1, 3000) {
        Hold::Blocked
    } else {
        Hold::Not
    };
    Order::new(id, act)
        .hold(hold)
        .shape(random.random_range(0..2))
}

impl Tally {
    fn note(&mut self, id: u32, at_least: u64, reply: Result<crate::probe::Answer, TaskError>) {
        let kind = match reply {
            Ok(answer) => {
                assert_eq!(answer.id, id, "the answer to somebody else's question");
                let version = number(&answer.version);
                assert!(version >= at_least, "{version} after a swap to {at_least}");
                "done"
            }
            Err(error) => error.kind(),
        };
        *self.replies.entry(kind).or_default() += 1;
    }
}
