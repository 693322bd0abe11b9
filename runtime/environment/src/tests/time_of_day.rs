//! The time of day, which somebody may set back while the environment is in use.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aimass_config::Retention;

use super::disk::Disk;
use super::*;

const HOUR: u64 = 3_600_000;

/// The system's clock, in milliseconds, as it can be set.
#[derive(Clone)]
struct SystemClock(Arc<AtomicU64>);

impl SystemClock {
    fn set(&self, ms: u64) {
        self.0.store(ms, Ordering::SeqCst);
    }

    fn open(&self, disk: &Disk, options: &EnvironmentOptions) -> Environment {
        let now = self.clone();
        let wall = WallClock::reading(move || {
            UNIX_EPOCH + Duration::from_millis(now.0.load(Ordering::SeqCst))
        });
        let (media, place) = (Box::new(disk.clone()), PathBuf::from("simulated"));
        let (blobs, options) = (Blobs::in_memory(), options.clone());
        Environment::start_at(media, place, blobs, options, None, wall).unwrap()
    }
}

/// Accepts and settles a task, and says something.
fn settle(environment: &Environment, number: u128) {
    let accepted = Transaction {
        accepted: vec![task(number, None)],
        ..Transaction::default()
    };
    environment.commit_blocking(accepted).unwrap();
    let settled = Transaction {
        settled: vec![settled(number)],
        ..saying([draft(number as u64)])
    };
    environment.commit_blocking(settled).unwrap();
}

#[test]
fn a_clock_that_is_set_back_an_hour_changes_no_order() {
    let options = EnvironmentOptions::default();
    let clock = SystemClock(Arc::default());
    let mut disk = Disk::new();
    clock.set(1000 * HOUR);
    let environment = clock.open(&disk, &options);
    settle(&environment, 1);
    settle(&environment, 2);
    clock.set(999 * HOUR);
    settle(&environment, 3);
    // So it is where a process ends meanwhile, however it does.
    disk = disk.kill();
    let environment = clock.open(&disk, &options);
    settle(&environment, 4);
    let facts = all(&environment);
    assert_eq!(numbers(&facts), [1, 2, 3, 4]);
    let times: Vec<u64> = facts.iter().map(|fact| fact.at_ms / HOUR).collect();
    assert_eq!(times, [1000; 4]);
    let tight = EnvironmentOptions {
        retention: Retention {
            max_facts: Some(2),
            ..Retention::default()
        },
        ..options
    };
    let environment = clock.open(&disk.kill(), &tight);
    let now = SystemTime::now();
    let compaction = queue::block_on(environment.compact_at(now)).unwrap();
    assert_eq!((compaction.facts, compaction.settled), (2, 2));
    let snapshot = environment.snapshot().unwrap();
    let left = |number: u128| {
        let settled = snapshot.settled(TaskId::from_u128(number));
        settled.unwrap().is_some()
    };
    assert_eq!([1, 2, 3, 4].map(left), [false, false, true, true]);
    assert_eq!(numbers(&all(&environment)), [3, 4]);
}
