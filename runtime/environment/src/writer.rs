//! The writer: the one thread that changes the store. It takes what has queued up and commits it as one group.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use flume::{Receiver, RecvTimeoutError};
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, broadcast, oneshot, watch};

use crate::apply::{Applied, apply, import};
use crate::attempts::Life;
use crate::blobs::Blobs;
use crate::deaths;
use crate::error::EnvironmentError;
use aimass_config::Fsync;

use crate::clock::{Clock, Time};
use crate::fact::Fact;
use crate::ids::{EpisodeId, Revision};
use crate::options::EnvironmentOptions;
use crate::records::{Commit, EpisodeStatus, Transaction};
use crate::retention::{self, Compaction, Forgotten};
use crate::snapshot::Snapshot;
use crate::store::Store;
use crate::trimming::Trimming;
use crate::wall::WallClock;
use crate::watches::Watches;

/// A group is closed at this many transactions or bytes, whatever comes first.
const GROUP_TRANSACTIONS: usize = 256;
const GROUP_BYTES: u64 = 4 << 20;

pub(crate) type Reply<T> = oneshot::Sender<Result<T, EnvironmentError>>;
pub(crate) type EpisodeWatches = Arc<Mutex<Watches>>;

/// What the writer is asked for.
pub(crate) enum Command {
    Commit(Box<Pending>),
    Compact {
        now: SystemTime,
        reply: Reply<Compaction>,
    },
    Forget {
        episode: EpisodeId,
        reply: Reply<Forgotten>,
    },
    Import {
        episodes: Vec<EpisodeStatus>,
        facts: Vec<Fact>,
        reply: Reply<Vec<Revision>>,
    },
    BeginLife {
        reply: Reply<Life>,
    },
    Close {
        reply: Reply<()>,
    },
    /// A test lets the thread die.
    #[cfg(feature = "fault-injection")]
    Panic,
}

/// A transaction that waits for the writer. Its permit frees its share of the queue's bytes.
pub(crate) struct Pending {
    pub(crate) transaction: Transaction,
    pub(crate) bytes: u64,
    pub(crate) permit: OwnedSemaphorePermit,
    pub(crate) reply: Reply<Commit>,
}

/// Where those who follow the log hear of it.
pub(crate) struct Listeners {
    pub(crate) head: watch::Sender<Revision>,
    pub(crate) facts: broadcast::Sender<Arc<Fact>>,
    pub(crate) idle: broadcast::Sender<EpisodeId>,
    pub(crate) episodes: EpisodeWatches,
}

pub(crate) struct Writer {
    store: Store,
    blobs: Arc<Blobs>,
    options: EnvironmentOptions,
    listeners: Listeners,
    commands: Receiver<Command>,
    /// The command that ended the last group; here, so that it outlives a panic of the group.
    next: Option<Command>,
    clock: Clock,
    wall: WallClock,
    /// A runtime works in it, whose end is to be written down.
    has_life: bool,
    /// When the journal must be forced to the disk at the latest.
    sync_at: Time,
    /// The last try to do so has failed.
    is_failing: bool,
    trimming: Trimming,
}

impl Writer {
    pub(crate) fn new(
        store: Store,
        blobs: Arc<Blobs>,
        options: EnvironmentOptions,
        listeners: Listeners,
        commands: Receiver<Command>,
        wall: WallClock,
    ) -> Self {
        let clock = Clock::start();
        Self {
            store,
            blobs,
            trimming: Trimming::new(&options, clock.now()),
            has_life: false,
            options,
            listeners,
            commands,
            next: None,
            clock,
            wall,
            sync_at: Time::NEVER,
            is_failing: false,
        }
    }

    /// Reads the store anew, after a panic: what is in memory may not be what is in the files.
    ///
    /// # Errors
    /// As when it was opened.
    pub(crate) fn reload(&mut self) -> Result<(), EnvironmentError> {
        self.store.reload()?;
        self.announce_anew()
    }

    /// Tells those who follow the log how things are: what was written before a panic may not have been told.
    fn announce_anew(&self) -> Result<(), EnvironmentError> {
        let snapshot = Snapshot::new(self.store.tables().read()?);
        self.listeners.head.send_replace(snapshot.head()?);
        let watched = self.listeners.episodes.lock().watched();
        for id in watched {
            if let Some(status) = snapshot.episode(id)? {
                self.listeners.episodes.lock().announce(&status);
            }
        }
        let episodes = snapshot.episodes()?.into_iter();
        for idle in episodes.filter(|status| status.is_idle() && !status.done) {
            // It fails when nobody wants to know.
            let _ = self.listeners.idle.send(idle.record.id);
        }
        Ok(())
    }

    /// Whoever watches an episode is told that nothing follows.
    pub(crate) fn dismiss_watches(&self) {
        self.listeners.episodes.lock().dismiss();
    }

    /// Takes commands until the environment is closed.
    pub(crate) fn run(&mut self) {
        loop {
            let command = match self.next.take() {
                Some(command) => command,
                None => match self.receive() {
                    Some(command) => command,
                    None => break,
                },
            };
            match command {
                Command::Commit(first) => self.commit_group(first),
                Command::Compact { now, reply } => {
                    let result =
                        retention::compact(&mut self.store, &self.blobs, &self.options, now);
                    let _ = reply.send(result);
                }
                Command::Forget { episode, reply } => {
                    let result = retention::forget(&mut self.store, &self.blobs, episode);
                    self.listeners.episodes.lock().forget(episode);
                    let _ = reply.send(result);
                }
                Command::Import {
                    episodes,
                    facts,
                    reply,
                } => {
                    let _ = reply.send(self.import(&episodes, facts));
                }
                Command::BeginLife { reply } => {
                    self.has_life = true;
                    let _ = reply.send(deaths::begin_life(&mut self.store));
                }
                #[cfg(feature = "fault-injection")]
                Command::Panic => panic!("a panic injected by a test"),
                Command::Close { reply } => {
                    if self.has_life
                        && let Err(error) = deaths::end_life(&mut self.store)
                    {
                        tracing::warn!(%error, "the next start will take this end for a crash");
                    }
                    let result = self.store.checkpoint();
                    self.store.close();
                    let _ = reply.send(result);
                    return;
                }
            }
        }
        self.store.close();
    }

    /// The next command; none when nobody can send any more.
    fn receive(&mut self) -> Option<Command> {
        loop {
            let Fsync::Every(interval) = self.options.fsync else {
                return self.commands.recv().ok();
            };
            if !self.store.is_dirty() {
                let command = self.commands.recv().ok();
                self.sync_at = self.clock.now() + interval;
                return command;
            }
            let left = self.sync_at.since(self.clock.now());
            if left > Duration::ZERO {
                match self.commands.recv_timeout(left) {
                    Ok(command) => return Some(command),
                    Err(RecvTimeoutError::Disconnected) => return None,
                    Err(RecvTimeoutError::Timeout) => {}
                }
            }
            self.sync();
            self.sync_at = self.clock.now() + interval;
        }
    }

    /// Forces to the disk what is due. What fails is tried again when it is due the next time.
    fn sync(&mut self) {
        let was_failing = self.is_failing;
        let synced = self.store.sync();
        self.is_failing = synced.is_err();
        match synced {
            Err(error) if !was_failing => {
                tracing::error!(%error, "what was acknowledged could not be forced to the disk; it is tried again and again");
            }
            Ok(()) if was_failing => tracing::info!("what was acknowledged is on the disk now"),
            _ => {}
        }
    }

    /// Commits `first` together with whatever waits behind it. The command that ends the group, if one does, is the next.
    fn commit_group(&mut self, first: Box<Pending>) {
        let mut bytes = first.bytes;
        let mut group = vec![*first];
        while group.len() < GROUP_TRANSACTIONS && bytes < GROUP_BYTES {
            match self.commands.try_recv() {
                Ok(Command::Commit(pending)) => {
                    bytes += pending.bytes;
                    group.push(*pending);
                }
                Ok(other) => {
                    self.next = Some(other);
                    break;
                }
                Err(_) => break,
            }
        }
        self.commit(group, bytes);
    }

    fn commit(&mut self, group: Vec<Pending>, bytes: u64) {
        let now_ms = self.wall.now_ms();
        let blobs = Arc::clone(&self.blobs);
        let mut replies = Vec::with_capacity(group.len());
        let mut transactions = Vec::with_capacity(group.len());
        for pending in group {
            transactions.push(pending.transaction);
            replies.push((pending.reply, pending.permit));
        }
        let applied = self.store.write(bytes, |batch| {
            transactions
                .into_iter()
                .map(
                    |transaction| match apply(batch, &blobs, transaction, now_ms) {
                        Err(error) if !error.is_refusal() => Err(error),
                        outcome => Ok(outcome),
                    },
                )
                .collect::<Result<Vec<_>, _>>()
        });
        match applied {
            Ok(outcomes) => {
                let appended = outcomes.iter().flatten().map(|one| one.facts.len() as u64);
                let appended = appended.sum();
                for (outcome, (reply, _permit)) in outcomes.into_iter().zip(replies) {
                    let outcome = outcome.map(|applied| self.announce(applied));
                    let _ = reply.send(outcome);
                }
                // Nobody waits for these any more.
                self.trim(appended);
                self.store.checkpoint_when_due();
            }
            Err(error) => {
                for (reply, _permit) in replies {
                    let _ = reply.send(Err(error.clone()));
                }
            }
        }
    }

    fn announce(&self, applied: Applied) -> Commit {
        let Applied { commit, facts } = applied;
        if let Some(head) = commit.revisions.last() {
            self.listeners.head.send_replace(*head);
        }
        if self.listeners.facts.receiver_count() > 0 {
            for fact in facts {
                // It fails when the last watch has just gone.
                let _ = self.listeners.facts.send(Arc::new(fact));
            }
        }
        let mut watches = self.listeners.episodes.lock();
        for status in &commit.episodes {
            if status.is_idle() && !status.done {
                // It fails when nobody wants to know.
                let _ = self.listeners.idle.send(status.record.id);
            }
            watches.announce(status);
        }
        drop(watches);
        commit
    }

    /// Trims the history after a commit that appended so many facts.
    fn trim(&mut self, appended: u64) {
        let now = self.clock.now();
        let trimmed = self
            .trimming
            .after_commit(&mut self.store, &self.options, now, appended);
        if let Err(error) = trimmed {
            tracing::warn!(%error, "the history could not be trimmed");
        }
    }

    /// Appends what another environment exported: as it is, at the next revisions.
    fn import(
        &mut self,
        episodes: &[EpisodeStatus],
        facts: Vec<Fact>,
    ) -> Result<Vec<Revision>, EnvironmentError> {
        let bytes = facts.iter().map(crate::json_bytes::json_bytes).sum();
        let blobs = Arc::clone(&self.blobs);
        let applied = self
            .store
            .write(bytes, |batch| import(batch, &blobs, episodes, facts))?;
        self.store.checkpoint_when_due();
        Ok(self.announce(applied).revisions)
    }
}
