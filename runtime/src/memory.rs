//! The memory budget: which weights may be in memory at the same time.
//!
//! A worker thread holds a share of its group's weights from before they are read until they are free. A group that finds no room waits in line,
//! and has those unloaded that nobody has used for the longest time; what runs or is waited for stays. Model skills ask nobody
//! while they hold their weights, so whoever holds a share lets go of it sooner or later: no circle of waiting can arise.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::ledger::event::GroupId;
use crate::model::DeviceName;

/// The weights of one group on one device.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct WeightsKey {
    pub(crate) agent: Arc<str>,
    pub(crate) group: GroupId,
    pub(crate) device: DeviceName,
}

/// Counts the weights in memory against the budget.
pub(crate) struct Memory {
    budget: u64,
    books: Mutex<MemoryBooks>,
    /// Something was unloaded, or a worker has nothing to do.
    changed: Notify,
}

#[derive(Default)]
struct MemoryBooks {
    held: HashMap<WeightsKey, HeldWeights>,
    line: VecDeque<u64>,
    tickets: u64,
}

struct HeldWeights {
    bytes: u64,
    shares: u32,
}

/// A worker's share of its group's weights; dropping the last one gives the memory back.
pub(crate) struct Share {
    memory: Arc<Memory>,
    key: WeightsKey,
}

/// A place in the line of those who wait for memory; dropping it leaves the line.
pub(crate) struct Place {
    memory: Arc<Memory>,
    ticket: u64,
}

impl Memory {
    /// `None` is no limit.
    pub(crate) fn new(budget: Option<u64>) -> Arc<Self> {
        Arc::new(Self {
            budget: budget.unwrap_or(u64::MAX),
            books: Mutex::default(),
            changed: Notify::new(),
        })
    }

    pub(crate) fn budget(&self) -> u64 {
        self.budget
    }

    /// A share without a wait: weights that are held are shared; others need room, and nobody who was there before.
    pub(crate) fn share(self: &Arc<Self>, key: &WeightsKey, bytes: u64) -> Option<Share> {
        self.share_as(key, bytes, None)
    }

    /// Gets in line.
    pub(crate) fn line_up(self: &Arc<Self>) -> Place {
        let mut books = self.books.lock();
        books.tickets += 1;
        let ticket = books.tickets;
        books.line.push_back(ticket);
        Place {
            memory: self.clone(),
            ticket,
        }
    }

    fn share_as(
        self: &Arc<Self>,
        key: &WeightsKey,
        bytes: u64,
        ticket: Option<u64>,
    ) -> Option<Share> {
        let mut books = self.books.lock();
        if let Some(held) = books.held.get_mut(key) {
            held.shares += 1;
        } else {
            let first = books.line.front().copied();
            if first != ticket || books.used().saturating_add(bytes) > self.budget {
                return None;
            }
            books
                .held
                .insert(key.clone(), HeldWeights { bytes, shares: 1 });
        }
        Some(Share {
            memory: self.clone(),
            key: key.clone(),
        })
    }

    /// A worker has nothing to do: whoever waits for memory looks again.
    pub(crate) fn somebody_idles(&self) {
        if self.budget != u64::MAX {
            self.changed.notify_waiters();
        }
    }
}

impl MemoryBooks {
    fn used(&self) -> u64 {
        self.held.values().map(|held| held.bytes).sum()
    }
}

impl Place {
    /// A share, once this place is the first in line and there is room.
    pub(crate) fn share(&self, key: &WeightsKey, bytes: u64) -> Option<Share> {
        self.memory.share_as(key, bytes, Some(self.ticket))
    }

    /// How many bytes are missing for `bytes` more, and whose weights are in memory; none while others are first in line.
    pub(crate) fn shortage(&self, bytes: u64) -> Option<(u64, Vec<(WeightsKey, u64)>)> {
        let books = self.memory.books.lock();
        if books.line.front() != Some(&self.ticket) {
            return None;
        }
        let missing = books
            .used()
            .saturating_add(bytes)
            .saturating_sub(self.memory.budget);
        let held = books.held.iter();
        Some((
            missing,
            held.map(|(key, held)| (key.clone(), held.bytes)).collect(),
        ))
    }

    /// Ends when something has changed since it was made.
    pub(crate) fn changed(&self) -> tokio::sync::futures::Notified<'_> {
        self.memory.changed.notified()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.memory
            .books
            .lock()
            .line
            .retain(|ticket| *ticket != self.ticket);
        self.memory.changed.notify_waiters();
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut books = self.memory.books.lock();
        if let Some(held) = books.held.get_mut(&self.key) {
            held.shares -= 1;
            if held.shares == 0 {
                books.held.remove(&self.key);
            }
        }
        drop(books);
        self.memory.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(agent: &str) -> WeightsKey {
        WeightsKey {
            agent: agent.into(),
            group: GroupId(0),
            device: DeviceName::Cpu,
        }
    }

    #[test]
    fn weights_are_counted_once_however_many_workers_share_them() {
        let memory = Memory::new(Some(100));
        let one = memory.share(&key("text"), 60);
        let other = memory.share(&key("text"), 60);
        assert!(one.is_some() && other.is_some());
        assert!(
            memory.share(&key("image"), 60).is_none(),
            "there is no room"
        );
        drop(one);
        assert!(
            memory.share(&key("image"), 60).is_none(),
            "one share is left"
        );
        drop(other);
        assert!(memory.share(&key("image"), 60).is_some());
    }

    #[test]
    fn a_small_model_does_not_overtake_a_large_one_in_line() {
        let memory = Memory::new(Some(100));
        let text = memory.share(&key("text"), 60);
        let large = memory.line_up();
        assert!(large.share(&key("image"), 90).is_none());
        assert!(
            memory.share(&key("video"), 10).is_none(),
            "the line has a first"
        );
        let small = memory.line_up();
        assert!(small.share(&key("video"), 10).is_none());
        drop(text);
        let image = large.share(&key("image"), 90);
        assert!(image.is_some());
        drop(large);
        assert!(small.share(&key("video"), 10).is_some());
    }

    #[test]
    fn without_a_budget_there_is_always_room() {
        let memory = Memory::new(None);
        let one = memory.share(&key("text"), u64::MAX);
        let other = memory.share(&key("image"), u64::MAX);
        assert!(one.is_some() && other.is_some());
    }
}
