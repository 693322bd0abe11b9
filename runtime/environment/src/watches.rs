//! Following an environment: its facts, and its episodes, of which nothing is missed between a look at the store and the first announcement.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::{broadcast, watch};

use crate::environment::Environment;
use crate::error::EnvironmentError;
use crate::follow::{Subscription, Watch};
use crate::ids::{EpisodeId, Revision};
use crate::records::EpisodeStatus;
use crate::snapshot::FactFilter;

/// The watches of episodes. The writer takes their lock for each announcement, so nothing slow is done under it.
#[derive(Default)]
pub(crate) struct Watches {
    senders: HashMap<EpisodeId, watch::Sender<EpisodeStatus>>,
    /// How often something was announced, be it watched or not: whoever read the store before may have missed it.
    announced: u64,
}

/// What came of asking for a watch.
pub(crate) enum Found {
    /// There is one already.
    Watched(watch::Receiver<EpisodeStatus>),
    /// There is none: one may begin with what is read from now on.
    Read(ReadAfter),
}

/// What was announced when a reader began to read.
#[derive(Clone, Copy)]
pub(crate) struct ReadAfter(u64);

impl Watches {
    /// A watch of an episode, or what it may begin with.
    pub(crate) fn ask(&mut self, id: EpisodeId) -> Found {
        if let Some(watch) = self.senders.get(&id) {
            return Found::Watched(watch.subscribe());
        }
        // Those that nobody watches any more go with the first that comes after them.
        self.senders.retain(|_, watch| watch.receiver_count() > 0);
        Found::Read(ReadAfter(self.announced))
    }

    /// Begins a watch with what was read since; none when something was announced meanwhile, which may be newer.
    pub(crate) fn begin(
        &mut self,
        status: EpisodeStatus,
        since: ReadAfter,
    ) -> Option<watch::Receiver<EpisodeStatus>> {
        if self.announced != since.0 {
            return None;
        }
        let id = status.record.id;
        if let Some(watch) = self.senders.get(&id) {
            // Somebody else has begun one meanwhile.
            return Some(watch.subscribe());
        }
        let (sender, receiver) = watch::channel(status);
        self.senders.insert(id, sender);
        Some(receiver)
    }

    /// The episodes that are watched.
    pub(crate) fn watched(&self) -> Vec<EpisodeId> {
        self.senders.keys().copied().collect()
    }

    /// Tells whoever watches the episode how it is now.
    pub(crate) fn announce(&mut self, status: &EpisodeStatus) {
        self.announced += 1;
        let id = status.record.id;
        let Some(watch) = self.senders.get(&id) else {
            return;
        };
        if watch.receiver_count() == 0 {
            self.senders.remove(&id);
            return;
        }
        watch.send_replace(status.clone());
    }

    /// The episode is no more: whoever watches it is told that nothing follows.
    pub(crate) fn forget(&mut self, id: EpisodeId) {
        self.announced += 1;
        self.senders.remove(&id);
    }

    /// Nothing is announced any more: all who watch are told that nothing follows.
    pub(crate) fn dismiss(&mut self) {
        self.announced += 1;
        self.senders.clear();
    }
}

impl Environment {
    /// New facts that fit, from now on; it may skip and says so.
    pub fn watch(&self, filter: FactFilter) -> Watch {
        let facts = self.shared.facts.upgrade();
        Watch::new(facts.map(|facts| facts.subscribe()), filter)
    }

    /// Every fact after `cursor` that fits, past and future, none skipped.
    pub fn subscribe_from(&self, cursor: Revision, filter: FactFilter) -> Subscription {
        let shared = &self.shared;
        Subscription::new(
            Arc::clone(&shared.tables),
            shared.head.clone(),
            cursor,
            filter,
        )
    }

    /// An episode's status, now and whenever it changes. The sender goes when the episode is forgotten.
    ///
    /// # Errors
    /// [`EnvironmentError::UnknownEpisode`], and as [`Self::snapshot`].
    pub fn watch_episode(
        &self,
        id: EpisodeId,
    ) -> Result<watch::Receiver<EpisodeStatus>, EnvironmentError> {
        loop {
            let read_after = {
                let mut watches = self.shared.episodes.lock();
                self.check_open()?;
                match watches.ask(id) {
                    Found::Watched(watch) => return Ok(watch),
                    Found::Read(read_after) => read_after,
                }
            };
            // Without the lock, since the writer needs it for each announcement. What was announced meanwhile is read again.
            let status = self.snapshot()?.episode(id)?;
            let status = status.ok_or(EnvironmentError::UnknownEpisode { episode: id })?;
            let mut watches = self.shared.episodes.lock();
            if let Some(watch) = watches.begin(status, read_after) {
                return Ok(watch);
            }
        }
    }

    /// Episodes that become idle and are not declared done, from now on; none when the environment is closed.
    pub fn idle_episodes(&self) -> Option<broadcast::Receiver<EpisodeId>> {
        Some(self.shared.idle.upgrade()?.subscribe())
    }
}
