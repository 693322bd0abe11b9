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

/// The weights of one group on one device. While a swap is under way, there are those of two versions.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct WeightsKey {
    pub(crate) agent: Arc<str>,
    pub(crate) group: GroupId,
    pub(crate) device: DeviceName,
    pub(crate) generation: u64,
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
        self.share_as(std::slice::from_ref(key), bytes, None)?.pop()
    }

    /// A share of what is in memory already, room or not: the books say what is there.
    pub(crate) fn share_present(self: &Arc<Self>, key: &WeightsKey, bytes: u64) -> Share {
        self.books.lock().take(key, bytes);
        self.share_of(key)
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

    /// Shares of all of them, of `bytes` each, or none.
    fn share_as(
        self: &Arc<Self>,
        keys: &[WeightsKey],
        bytes: u64,
        ticket: Option<u64>,
    ) -> Option<Vec<Share>> {
        let mut books = self.books.lock();
        let fresh = keys.iter().filter(|key| !books.held.contains_key(key));
        let fresh = fresh.count() as u64;
        let first = books.line.front().copied();
        let wanted = bytes.saturating_mul(fresh);
        if fresh > 0 && (first != ticket || books.used().saturating_add(wanted) > self.budget) {
            return None;
        }
        keys.iter().for_each(|key| books.take(key, bytes));
        Some(keys.iter().map(|key| self.share_of(key)).collect())
    }

    fn share_of(self: &Arc<Self>, key: &WeightsKey) -> Share {
        Share {
            memory: self.clone(),
            key: key.clone(),
        }
    }

    /// A worker has nothing to do, or a swap has ended: whoever waits for memory looks again.
    pub(crate) fn look_again(&self) {
        if self.budget != u64::MAX {
            self.changed.notify_waiters();
        }
    }
}

impl MemoryBooks {
    fn used(&self) -> u64 {
        let bytes = self.held.values().map(|held| held.bytes);
        bytes.fold(0, u64::saturating_add)
    }

    fn take(&mut self, key: &WeightsKey, bytes: u64) {
        let held = self.held.entry(key.clone());
        held.or_insert(HeldWeights { bytes, shares: 0 }).shares += 1;
    }
}

impl Place {
    /// Shares of all of them, of `bytes` each, once this place is the first in line and there is room for all.
    pub(crate) fn share(&self, keys: &[WeightsKey], bytes: u64) -> Option<Vec<Share>> {
        self.memory.share_as(keys, bytes, Some(self.ticket))
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

impl Share {
    pub(crate) fn key(&self) -> &WeightsKey {
        &self.key
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
            generation: 0,
        }
    }

    fn share(place: &Place, agent: &str, bytes: u64) -> Option<Vec<Share>> {
        place.share(&[key(agent)], bytes)
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
        assert!(share(&large, "image", 90).is_none());
        assert!(
            memory.share(&key("video"), 10).is_none(),
            "the line has a first"
        );
        let small = memory.line_up();
        assert!(share(&small, "video", 10).is_none());
        drop(text);
        let image = share(&large, "image", 90);
        assert!(image.is_some());
        drop(large);
        assert!(share(&small, "video", 10).is_some());
    }

    #[test]
    fn two_versions_are_counted_as_two_and_there_is_room_for_all_devices_or_for_none() {
        let memory = Memory::new(Some(100));
        let next = WeightsKey {
            generation: 1,
            ..key("text")
        };
        let elsewhere = WeightsKey {
            device: DeviceName::Cuda(0),
            ..next.clone()
        };
        let old = memory.share(&key("text"), 30);
        let place = memory.line_up();
        let both = [next.clone(), elsewhere];
        assert!(place.share(&both, 40).is_none());
        assert!(memory.books.lock().held.len() == 1, "none of them is held");
        assert!(place.share(&both, 35).is_some_and(|both| both.len() == 2));
        drop(place);
        let present = memory.share_present(&next, 200);
        assert!(memory.share(&key("image"), 1).is_none(), "it is counted");
        drop((old, present));
        assert!(memory.share(&key("image"), 100).is_some());
    }

    #[test]
    fn without_a_budget_there_is_always_room() {
        let memory = Memory::new(None);
        let one = memory.share(&key("text"), u64::MAX);
        let other = memory.share(&key("image"), u64::MAX);
        assert!(one.is_some() && other.is_some());
    }
}
