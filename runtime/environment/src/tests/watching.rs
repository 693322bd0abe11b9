//! Whoever watches an episode misses nothing, and holds up nobody.

use std::io;
use std::thread;
use std::time::Duration;

use parking_lot::Condvar;
use redb::StorageBackend;
use tokio::task::JoinSet;

use super::disk::{Disk, SimulatedFile};
use super::*;
use crate::media::MediaFile;

/// The thread for which the disk is slow.
const SLOW: &str = "slow reader";
/// Far above what a commit takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// A disk on which one thread reads nothing until a gate is open.
#[derive(Debug, Clone)]
struct SlowDisk {
    disk: Disk,
    gate: Arc<Gate>,
}

#[derive(Debug, Default)]
struct Gate {
    state: Mutex<GateState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct GateState {
    is_reached: bool,
    is_open: bool,
}

impl Gate {
    fn pass(&self) {
        let mut state = self.state.lock();
        state.is_reached = true;
        self.changed.notify_all();
        self.changed.wait_while(&mut state, |state| !state.is_open);
    }

    fn reached(&self) {
        let mut state = self.state.lock();
        let waits = self
            .changed
            .wait_while_for(&mut state, |state| !state.is_reached, PATIENCE);
        assert!(!waits.timed_out(), "nothing is read from the disk");
    }

    fn open(&self) {
        self.state.lock().is_open = true;
        self.changed.notify_all();
    }
}

#[derive(Debug)]
struct SlowFile(Arc<SimulatedFile>, Arc<Gate>);

impl StorageBackend for SlowFile {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        if thread::current().name() == Some(SLOW) {
            self.1.pass();
        }
        self.0.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write(offset, data)
    }
}

impl Media for SlowDisk {
    fn tables(&self) -> io::Result<MediaFile> {
        let file = SlowFile(self.disk.tables.clone(), self.gate.clone());
        Ok(MediaFile(Arc::new(file)))
    }

    fn journal(&self) -> io::Result<Option<MediaFile>> {
        self.disk.journal()
    }

    fn free_bytes(&self) -> io::Result<Option<u64>> {
        Ok(None)
    }
}

/// A fact of an episode.
fn said(episode: EpisodeId, number: u64) -> Transaction {
    Transaction {
        episode: Some(episode),
        ..saying([draft(number)])
    }
}

#[tokio::test]
async fn whoever_reads_an_episode_slowly_does_not_hold_up_the_writer_and_misses_nothing() {
    let slow = SlowDisk {
        disk: Disk::new(),
        gate: Arc::default(),
    };
    // Nothing is kept in memory: whoever reads reads from the disk.
    let options = EnvironmentOptions {
        cache_bytes: 0,
        ..EnvironmentOptions::default()
    };
    let (media, place) = (Box::new(slow.clone()), PathBuf::from("slow"));
    let environment = Environment::start(media, place, Blobs::in_memory(), options, None).unwrap();
    let (own, other) = (EpisodeId::from_u128(1), EpisodeId::from_u128(2));
    for episode in [own, other] {
        let record = EpisodeRecord::new(episode);
        environment.begin_episode(record).await.unwrap();
    }
    environment.compact().await.unwrap();
    let reader = thread::Builder::new().name(SLOW.to_owned());
    let watched = environment.clone();
    let reader = reader.spawn(move || watched.watch_episode(own)).unwrap();
    slow.gate.reached();
    let mut committed = Vec::new();
    for (episode, number) in [(other, 1), (own, 2)] {
        let commit = environment.commit(said(episode, number));
        committed.push(tokio::time::timeout(PATIENCE, commit).await.is_ok());
    }
    slow.gate.open();
    let watch = reader.join().unwrap().unwrap();
    assert_eq!(committed, [true, true], "the writer was held up");
    assert_eq!(watch.borrow().facts, 1, "what came meanwhile was missed");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_begins_to_watch_while_much_is_written_sees_the_last_of_it() {
    let environment = memory();
    let episode = EpisodeId::from_u128(1);
    let record = EpisodeRecord::new(episode);
    environment.begin_episode(record).await.unwrap();
    for round in 0..200 {
        let mut watchers = JoinSet::new();
        for _ in 0..3 {
            let environment = environment.clone();
            watchers.spawn(async move {
                let mut watch = environment.watch_episode(episode).unwrap();
                let all = |status: &EpisodeStatus| status.facts > round;
                let seen = tokio::time::timeout(PATIENCE, watch.wait_for(all)).await;
                seen.is_ok_and(|seen| seen.is_ok())
            });
        }
        environment.commit(said(episode, round)).await.unwrap();
        while let Some(saw) = watchers.join_next().await {
            assert!(saw.unwrap(), "round {round}: a change was missed");
        }
    }
}
