//! What facts cost: appended and read at each fsync policy, followed by a subscription, and held by the million.
//!
//! `cargo bench -p aimass-environment --bench environment` runs all; words after `--` choose parts: `append`, `follow`, `million`.

#![expect(clippy::print_stdout, reason = "a bench reports on standard output")]
#![expect(clippy::disallowed_methods, reason = "a bench reads the wall clock")]
#![expect(clippy::unwrap_used, reason = "a bench stops at the first error")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use aimass_config::Fsync;
use aimass_environment::{
    Environment, EnvironmentOptions, FactDraft, FactFilter, Provenance, Revision, Transaction,
};
use serde_json::json;
use tokio::task::JoinSet;

const POLICIES: [(&str, Option<Fsync>); 4] = [
    ("always", Some(Fsync::Always)),
    (
        "every 100 ms",
        Some(Fsync::Every(Duration::from_millis(100))),
    ),
    ("never", Some(Fsync::Never)),
    ("in memory", None),
];
const SPAN: Duration = Duration::from_secs(3);

fn open(fsync: Option<Fsync>, folder: &Path) -> Environment {
    let Some(fsync) = fsync else {
        return Environment::in_memory(EnvironmentOptions::default()).unwrap();
    };
    let options = EnvironmentOptions {
        fsync,
        ..EnvironmentOptions::default()
    };
    Environment::open(folder, options).unwrap()
}

/// `count` facts whose value is about 200 bytes of JSON.
fn saying(count: usize) -> Transaction {
    let kind: aimass_environment::FactKind = "bench@1".parse().unwrap();
    let value = json!({ "text": "x".repeat(150), "score": 0.5, "sent_ns": unix_nanos() });
    let draft = FactDraft::new(kind, value);
    Transaction {
        facts: vec![(draft, Provenance::default()); count],
        ..Transaction::default()
    }
}

fn unix_nanos() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_nanos() as u64
}

fn rate(count: u64, since: Instant) -> f64 {
    count as f64 / since.elapsed().as_secs_f64()
}

async fn append(name: &str, fsync: Option<Fsync>) {
    for writers in [1, 64] {
        let folder = tempfile::tempdir().unwrap();
        let environment = open(fsync, folder.path());
        let start = Instant::now();
        let mut tasks = JoinSet::new();
        for _ in 0..writers {
            let environment = environment.clone();
            tasks.spawn(async move {
                let mut count = 0;
                while start.elapsed() < SPAN {
                    environment.commit(saying(1)).await.unwrap();
                    count += 1;
                }
                count
            });
        }
        let count: u64 = tasks.join_all().await.into_iter().sum();
        let appended = rate(count, start);
        let start = Instant::now();
        let snapshot = environment.snapshot().unwrap();
        let read = snapshot.facts(FactFilter::default()).unwrap().count() as u64;
        let read = rate(read, start);
        println!(
            "{name:>13}, {writers:>2} writers: {appended:>8.0} facts/s appended, {read:>8.0} facts/s read"
        );
    }
}

async fn follow(name: &str, fsync: Option<Fsync>) {
    for pause in [Duration::from_millis(1), Duration::ZERO] {
        let folder = tempfile::tempdir().unwrap();
        let environment = open(fsync, folder.path());
        let mut subscription = environment.subscribe_from(Revision(0), FactFilter::default());
        let stop = Arc::new(AtomicBool::new(false));
        let writer = tokio::task::spawn_blocking({
            let (environment, stop) = (environment.clone(), Arc::clone(&stop));
            move || {
                while !stop.load(Ordering::Relaxed) {
                    environment.commit_blocking(saying(1)).unwrap();
                    std::thread::sleep(pause);
                }
            }
        });
        let mut lags = Vec::new();
        let start = Instant::now();
        while start.elapsed() < SPAN {
            let fact = subscription.next().await.unwrap();
            lags.push(unix_nanos() - fact.value["sent_ns"].as_u64().unwrap());
        }
        stop.store(true, Ordering::Relaxed);
        writer.await.unwrap();
        lags.sort_unstable();
        let at = |part: f64| lags[(lags.len() as f64 * part) as usize] / 1000;
        let load = if pause.is_zero() {
            "one busy writer"
        } else {
            "a fact per ms"
        };
        println!(
            "{name:>13}, {load}: sent to received p50 {} us, p99 {} us ({} facts)",
            at(0.5),
            at(0.99),
            lags.len()
        );
    }
}

async fn million() {
    let folder = tempfile::tempdir().unwrap();
    let before = resident_mib();
    let environment = open(Some(Fsync::Never), folder.path());
    println!(
        "    resident at start: {before} MiB, with an empty environment {} MiB",
        resident_mib()
    );
    let start = Instant::now();
    for _ in 0..10_000 {
        environment.commit(saying(100)).await.unwrap();
    }
    println!(
        "    a million facts in transactions of 100: {:.0} facts/s, resident {} MiB",
        rate(1_000_000, start),
        resident_mib()
    );
    let start = Instant::now();
    environment.close().await.unwrap();
    drop(environment);
    println!(
        "    closed in {:.2?}, resident {} MiB",
        start.elapsed(),
        resident_mib()
    );
    let bytes = std::fs::metadata(folder.path().join("tables.redb"))
        .unwrap()
        .len();
    let start = Instant::now();
    let environment = open(Some(Fsync::Never), folder.path());
    println!(
        "    {} MiB on disk; opened again (all of it checked) in {:.2?}",
        bytes >> 20,
        start.elapsed()
    );
    let start = Instant::now();
    let snapshot = environment.snapshot().unwrap();
    let count = snapshot.facts(FactFilter::default()).unwrap().count() as u64;
    println!(
        "    read {:.0} facts/s, resident {} MiB",
        rate(count, start),
        resident_mib()
    );
}

fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.unwrap_or_default() >> 10
}

fn main() {
    let chosen: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .collect();
    let wanted = |part: &str| chosen.is_empty() || chosen.iter().any(|word| word == part);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        for (name, fsync) in POLICIES {
            if wanted("append") {
                append(name, fsync).await;
            }
            if wanted("follow") {
                follow(name, fsync).await;
            }
        }
        if wanted("million") {
            million().await;
        }
    });
}
