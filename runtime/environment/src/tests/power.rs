//! Power loss, kills, full disks and damage, on a simulated disk.

use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use aimass_config::Retention;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::disk::Disk;
use super::*;
use crate::clock::Time;

fn with(fsync: Fsync) -> EnvironmentOptions {
    EnvironmentOptions {
        fsync,
        cache_bytes: 4 << 20,
        ..EnvironmentOptions::default()
    }
}

/// A transaction of three facts, so that a half one shows.
fn triple(number: u64) -> Transaction {
    let mut transaction = saying([draft(number), keyed("last", number), draft(number)]);
    transaction.accepted = vec![task(u128::from(number) + 1, None)];
    transaction
}

/// Checks that whole transactions are there, in order and without a gap, and says how many.
fn whole(environment: &Environment) -> u64 {
    let found = numbers(&all(environment));
    let count = found.len() as u64 / 3;
    let expected: Vec<u64> = (0..count).flat_map(|number| [number; 3]).collect();
    assert_eq!(found, expected, "a half transaction, or one out of order");
    let snapshot = environment.snapshot().unwrap();
    assert_eq!(snapshot.unsettled().unwrap().len() as u64, count);
    count
}

/// Writes, loses power, writes on, for many seeds. `check` is told how many were acknowledged and how many are left.
fn lose_power_often(fsync: Fsync, check: impl Fn(u64, u64, u64)) {
    for seed in 0..60 {
        let random = &mut StdRng::seed_from_u64(seed);
        let mut disk = Disk::new();
        let mut acknowledged = 0;
        for _ in 0..4 {
            let environment = disk
                .open(&with(fsync))
                .unwrap_or_else(|error| panic!("seed {seed}: {error}"));
            let left = whole(&environment);
            check(seed, acknowledged, left);
            acknowledged = left;
            for _ in 0..random.random_range(1..12) {
                environment.commit_blocking(triple(acknowledged)).unwrap();
                acknowledged += 1;
                if random.random_bool(0.1) {
                    queue::block_on(environment.compact()).unwrap();
                }
            }
            // The environment still runs: what it does from here on happens on a disk that nobody reads again.
            disk = disk.lose_power(random);
        }
    }
}

#[test]
fn g6_power_loss_costs_nothing_acknowledged_under_always() {
    lose_power_often(Fsync::Always, |seed, acknowledged, left| {
        assert!(
            left >= acknowledged,
            "seed {seed}: {acknowledged} acknowledged, {left} left"
        );
    });
}

#[test]
fn g6_power_loss_leaves_a_whole_prefix_under_the_other_policies() {
    for fsync in [Fsync::Never, Fsync::Every(Duration::from_millis(1))] {
        lose_power_often(fsync, |_, _, _| {});
    }
}

#[test]
fn g6_power_loss_under_every_costs_at_most_what_was_not_forced_yet() {
    let disk = Disk::new();
    let environment = disk
        .open(&with(Fsync::Every(Duration::from_millis(1))))
        .unwrap();
    for number in 0..20 {
        environment.commit_blocking(triple(number)).unwrap();
    }
    while !disk.journal.state.lock().pending.is_empty() {
        std::thread::yield_now();
    }
    for seed in 0..10 {
        let after = disk.lose_power(&mut StdRng::seed_from_u64(seed));
        assert_eq!(whole(&after.open(&with(Fsync::Always)).unwrap()), 20);
    }
}

/// Waits for what the writer does by itself.
fn wait_for(what: &str, happened: impl Fn() -> bool) {
    let clock = Clock::start();
    while !happened() {
        let waited = clock.now().since(Time::default());
        assert!(waited < Duration::from_secs(60), "never: {what}");
        std::thread::yield_now();
    }
}

#[test]
fn g6_a_failed_sync_is_tried_again_after_the_interval_without_another_commit() {
    let options = with(Fsync::Every(Duration::from_millis(1)));
    let disk = Disk::new();
    let environment = disk.open(&options).unwrap();
    environment.commit_blocking(triple(0)).unwrap();
    // First the journal cannot be forced, then nothing can, then there is room again.
    for tables in [false, true] {
        disk.journal.failing_syncs.store(true, Ordering::Relaxed);
        disk.tables.failing.store(tables, Ordering::Relaxed);
        let before = disk.journal.failed_syncs.load(Ordering::Relaxed);
        environment
            .commit_blocking(triple(whole(&environment)))
            .unwrap();
        wait_for("the sync fails", || {
            disk.journal.failed_syncs.load(Ordering::Relaxed) > before
        });
        disk.journal.failing_syncs.store(false, Ordering::Relaxed);
        disk.tables.failing.store(false, Ordering::Relaxed);
        let expected = 2 + u64::from(tables);
        for seed in 0..10 {
            wait_for("what was acknowledged is on the disk", || {
                let after = disk.lose_power(&mut StdRng::seed_from_u64(seed));
                whole(&after.open(&options).unwrap()) == expected
            });
        }
        assert_eq!(whole(&environment), expected, "it can still be read");
    }
}

#[test]
fn g6_a_killed_process_loses_nothing_without_any_fsync() {
    let disk = Disk::new();
    let environment = disk.open(&with(Fsync::Never)).unwrap();
    for number in 0..30 {
        environment.commit_blocking(triple(number)).unwrap();
        if number % 7 == 0 {
            let killed = disk.kill();
            assert_eq!(
                whole(&killed.open(&with(Fsync::Never)).unwrap()),
                number + 1
            );
        }
    }
}

/// A compaction that finds everything too old.
async fn compact_all(environment: &Environment, _: EpisodeId) -> Result<(), EnvironmentError> {
    let much_later = SystemTime::now() + Duration::from_secs(24 * 3600);
    environment.compact_at(much_later).await.map(drop)
}

async fn forget(environment: &Environment, episode: EpisodeId) -> Result<(), EnvironmentError> {
    environment.forget(episode).await.map(drop)
}

/// Loses power while the facts are removed and the checkpoint is not made: it fails.
fn lose_power_while_removing(
    fsync: Fsync,
    remove: &impl AsyncFn(&Environment, EpisodeId) -> Result<(), EnvironmentError>,
) {
    let options = EnvironmentOptions {
        retention: Retention {
            max_age: Some(Duration::from_secs(3600)),
            ..Retention::default()
        },
        ..with(fsync)
    };
    let disk = Disk::new();
    let environment = disk.open(&options).unwrap();
    let episode = EpisodeId::from_u128(1);
    queue::block_on(environment.begin_episode(EpisodeRecord::new(episode))).unwrap();
    let blob = environment.put_blob(&b"a recording"[..]).unwrap();
    let fact = FactDraft {
        blobs: vec![blob.hash],
        ..draft(1)
    };
    drop(blob);
    let mut transaction = saying([fact]);
    transaction.episode = Some(episode);
    transaction.cursors = vec![(REACTIONS_CURSOR.to_owned(), Revision(1))];
    environment.commit_blocking(transaction).unwrap();
    queue::block_on(environment.compact()).unwrap();
    disk.tables.failing.store(true, Ordering::Relaxed);
    let removed = queue::block_on(remove(&environment, episode));
    assert!(
        matches!(removed, Err(EnvironmentError::DiskFull { .. })),
        "{removed:?}"
    );
    for seed in 0..20 {
        let after = disk.lose_power(&mut StdRng::seed_from_u64(seed));
        for fact in all(&after.open(&options).unwrap()) {
            // The blobs are where they were: what is unlinked is gone.
            let blob = environment.open_blob(fact.blobs[0]);
            assert!(blob.is_ok(), "seed {seed}: a fact without its blob");
        }
    }
}

#[test]
fn g6_no_blob_goes_before_the_removal_of_its_fact_is_on_the_disk() {
    for fsync in [
        Fsync::Always,
        Fsync::Every(Duration::from_secs(3600)),
        Fsync::Never,
    ] {
        lose_power_while_removing(fsync, &forget);
        lose_power_while_removing(fsync, &compact_all);
    }
}

#[test]
fn a_full_disk_under_the_journal_refuses_and_goes_on_when_there_is_room() {
    let disk = Disk::new();
    let environment = disk.open(&with(Fsync::Always)).unwrap();
    environment.commit_blocking(triple(0)).unwrap();
    disk.journal.failing.store(true, Ordering::Relaxed);
    for _ in 0..3 {
        let refused = environment.commit_blocking(triple(1));
        assert!(
            matches!(refused, Err(EnvironmentError::DiskFull { .. })),
            "{refused:?}"
        );
        assert_eq!(
            whole(&environment),
            1,
            "reading stopped, or a refused fact is there"
        );
    }
    disk.journal.failing.store(false, Ordering::Relaxed);
    environment.commit_blocking(triple(1)).unwrap();
    assert_eq!(whole(&environment), 2);
    assert_eq!(whole(&disk.kill().open(&with(Fsync::Always)).unwrap()), 2);
}

#[test]
fn a_full_disk_under_the_tables_costs_nothing_acknowledged() {
    let disk = Disk::new();
    let environment = disk.open(&with(Fsync::Always)).unwrap();
    environment.commit_blocking(triple(0)).unwrap();
    disk.tables.failing.store(true, Ordering::Relaxed);
    let checkpoint = queue::block_on(environment.compact());
    assert!(
        matches!(checkpoint, Err(EnvironmentError::DiskFull { .. })),
        "{checkpoint:?}"
    );
    let refused = environment.commit_blocking(triple(1));
    assert!(refused.is_err(), "{refused:?}");
    assert_eq!(whole(&disk.kill().open(&with(Fsync::Always)).unwrap()), 1);
    disk.tables.failing.store(false, Ordering::Relaxed);
    environment.commit_blocking(triple(1)).unwrap();
    assert_eq!(whole(&environment), 2);
    assert_eq!(whole(&disk.kill().open(&with(Fsync::Always)).unwrap()), 2);
}

#[test]
fn a_damaged_store_is_refused_or_whole_but_never_half_read() {
    let disk = Disk::new();
    let environment = disk.open(&with(Fsync::Always)).unwrap();
    (0..40).for_each(|number| drop(environment.commit_blocking(triple(number)).unwrap()));
    queue::block_on(environment.compact()).unwrap();
    (40..80).for_each(|number| drop(environment.commit_blocking(triple(number)).unwrap()));
    let tables = disk.tables.state.lock().current.clone();
    let journal = disk.journal.state.lock().current.clone();
    let random = &mut StdRng::seed_from_u64(7);
    let (mut refused, mut untouched) = (0, 0);
    for round in 0..300 {
        let (mut tables, mut journal) = (tables.clone(), journal.clone());
        let victim = if round % 2 == 0 {
            &mut tables
        } else {
            &mut journal
        };
        let at = random.random_range(0..victim.len());
        match round % 3 {
            0 => victim[at] ^= 1 << random.random_range(0..8),
            1 => victim.truncate(at),
            _ => {
                let end = (at + 700).min(victim.len());
                victim[at..end]
                    .iter_mut()
                    .for_each(|byte| *byte = random.random());
            }
        }
        match Disk::holding(tables, journal).open(&with(Fsync::Always)) {
            Err(EnvironmentError::Corrupt { .. }) => refused += 1,
            Err(error) => panic!("round {round}: not named as damage: {error}"),
            Ok(environment) => {
                let left = whole(&environment);
                // Damage to the last records looks like lost power; damage before them must not go unseen.
                let cut_off = round % 2 == 1 && round % 3 == 1;
                assert!(left >= 78 || cut_off, "round {round}: only {left} are left");
                assert!(
                    left == 80 || round % 2 == 1,
                    "round {round}: only {left} are left"
                );
                untouched += 1;
            }
        }
    }
    assert!(
        refused > 100 && untouched > 0,
        "{refused} refused, {untouched} whole"
    );
}
