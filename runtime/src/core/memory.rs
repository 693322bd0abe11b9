//! The memory budget: which weights may be in memory at the same time.
//!
//! A worker thread holds a share of its group's weights from before they are read until they are free. A group that finds no room waits in line,
//! and has those unloaded that nobody has used for the longest time; what runs or is waited for stays. Model skills ask nobody
//! while they hold their weights, so whoever holds a share lets go of it sooner or later: no circle of waiting can arise.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};

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

/// Counts the weights in memory against the budget. It outlives whoever grants room at present.
pub(crate) struct Memory {
    budget: u64,
    state: Mutex<MemoryState>,
    /// How many wait in line, to be read without the lock.
    waiting: AtomicUsize,
    /// Something was unloaded, somebody came, or a worker has nothing to do.
    changed: Notify,
}

#[derive(Default)]
struct MemoryState {
    held: HashMap<WeightsKey, HeldWeights>,
    line: VecDeque<Request>,
    /// Nobody grants room any more.
    is_closed: bool,
    tickets: u64,
}

struct HeldWeights {
    bytes: u64,
    shares: u32,
}

/// Which weights somebody waits for, each of so many bytes. It is asked each time, since a swap may change both.
type Wish = Arc<dyn Fn() -> (Vec<WeightsKey>, u64) + Send + Sync>;

/// Somebody who waits for room.
struct Request {
    ticket: u64,
    wish: Wish,
    reply: oneshot::Sender<Vec<Share>>,
}

/// A worker's share of its group's weights; dropping the last one gives the memory back.
pub(crate) struct Share {
    memory: Arc<Memory>,
    key: WeightsKey,
}

/// What the first in line is short of.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Deficit {
    pub(crate) bytes: u64,
    /// Whose weights are in memory, and how many bytes they take.
    pub(crate) held: Vec<(WeightsKey, u64)>,
}

impl Memory {
    /// `None` is no limit.
    pub(crate) fn new(budget: Option<u64>) -> Arc<Self> {
        Arc::new(Self {
            budget: budget.unwrap_or(u64::MAX),
            state: Mutex::default(),
            waiting: AtomicUsize::new(0),
            changed: Notify::new(),
        })
    }

    pub(crate) fn budget(&self) -> u64 {
        self.budget
    }

    /// A share without a wait: weights that are held are shared; others need room, and nobody who was there before.
    pub(crate) fn share(self: &Arc<Self>, key: &WeightsKey, bytes: u64) -> Option<Share> {
        let keys = std::slice::from_ref(key);
        let mut state = self.state.lock();
        let may = state.line.is_empty() || state.holds_all(keys);
        if !may || state.missing(keys, bytes, self.budget) > 0 {
            return None;
        }
        state.take(key, bytes);
        Some(self.share_of(key))
    }

    /// A share of what is in memory already, room or not: the state say what is there.
    pub(crate) fn share_present(self: &Arc<Self>, key: &WeightsKey, bytes: u64) -> Share {
        self.state.lock().take(key, bytes);
        self.share_of(key)
    }

    /// Gets in line at once, and gives shares of all that is wished for once there is room for it. Dropping it leaves the line. It gives none when
    /// nobody grants room any more.
    pub(crate) fn request(
        self: &Arc<Self>,
        wish: impl Fn() -> (Vec<WeightsKey>, u64) + Send + Sync + 'static,
    ) -> impl Future<Output = Vec<Share>> + Send + 'static {
        let (reply, granted) = oneshot::channel();
        let mut state = self.state.lock();
        state.tickets += 1;
        let ticket = state.tickets;
        let wish = Arc::new(wish);
        // Where nobody grants room the reply goes at once, and whoever asked hears of it.
        if !state.is_closed {
            state.line.push_back(Request {
                ticket,
                wish,
                reply,
            });
        }
        self.waiting.store(state.line.len(), Ordering::Release);
        drop(state);
        let waiter = Waiter {
            memory: self.clone(),
            ticket,
        };
        self.changed.notify_one();
        async move {
            let granted = granted.await.unwrap_or_default();
            drop(waiter);
            granted
        }
    }

    /// Grants what there is room for: first come first served, and whoever wishes for what is in memory already at once. Gives what the first in
    /// line is short of.
    pub(crate) fn grant(self: &Arc<Self>) -> Option<Deficit> {
        let line: Vec<(u64, Wish)> = {
            let mut state = self.state.lock();
            state.line.retain(|request| !request.reply.is_closed());
            let line = state.line.iter();
            let line = line.map(|request| (request.ticket, request.wish.clone()));
            line.collect()
        };
        let mut deficit = None;
        for (ticket, wish) in line {
            // Asked without the lock: whoever answers may hold locks of its own.
            let (keys, bytes) = wish();
            match self.grant_one(ticket, &keys, bytes) {
                Ok(()) => {}
                Err(short) => deficit = deficit.or(short),
            }
        }
        self.waiting
            .store(self.state.lock().line.len(), Ordering::Release);
        deficit
    }

    /// Grants one request.
    ///
    /// # Errors
    /// What it is short of; nothing when others are before it.
    fn grant_one(
        self: &Arc<Self>,
        ticket: u64,
        keys: &[WeightsKey],
        bytes: u64,
    ) -> Result<(), Option<Deficit>> {
        let mut state = self.state.lock();
        let Some(at) = state.line.iter().position(|one| one.ticket == ticket) else {
            return Ok(());
        };
        if at > 0 && !state.holds_all(keys) {
            return Err(None);
        }
        let missing = state.missing(keys, bytes, self.budget);
        if missing > 0 {
            let held = state.held.iter();
            let held = held.map(|(key, held)| (key.clone(), held.bytes)).collect();
            return Err(Some(Deficit {
                bytes: missing,
                held,
            }));
        }
        for key in keys {
            state.take(key, bytes);
        }
        let shares: Vec<Share> = keys.iter().map(|key| self.share_of(key)).collect();
        let request = state.line.remove(at);
        drop(state);
        if let Some(request) = request {
            // Whoever is gone gives them back at once.
            drop(request.reply.send(shares));
        }
        Ok(())
    }

    /// Returns once something has changed since the last look.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Nobody grants room any more: all who wait hear of it.
    pub(crate) fn close_line(&self) {
        let mut state = self.state.lock();
        state.is_closed = true;
        let line = std::mem::take(&mut state.line);
        drop(state);
        drop(line);
    }

    fn share_of(self: &Arc<Self>, key: &WeightsKey) -> Share {
        Share {
            memory: self.clone(),
            key: key.clone(),
        }
    }

    /// A worker has nothing to do, or a swap has ended: whoever waits for memory looks again.
    pub(crate) fn look_again(&self) {
        if self.waiting.load(Ordering::Acquire) > 0 {
            self.changed.notify_one();
        }
    }
}

impl MemoryState {
    fn used(&self) -> u64 {
        let bytes = self.held.values().map(|held| held.bytes);
        bytes.fold(0, u64::saturating_add)
    }

    fn holds_all(&self, keys: &[WeightsKey]) -> bool {
        keys.iter().all(|key| self.held.contains_key(key))
    }

    /// How many bytes are missing for those of `keys` that are not in memory.
    fn missing(&self, keys: &[WeightsKey], bytes: u64, budget: u64) -> u64 {
        let fresh = keys.iter().filter(|key| !self.held.contains_key(key));
        match fresh.count() as u64 {
            0 => 0,
            fresh => {
                let wanted = bytes.saturating_mul(fresh);
                self.used().saturating_add(wanted).saturating_sub(budget)
            }
        }
    }

    fn take(&mut self, key: &WeightsKey, bytes: u64) {
        let held = self.held.entry(key.clone());
        held.or_insert(HeldWeights { bytes, shares: 0 }).shares += 1;
    }
}

impl Share {
    pub(crate) fn key(&self) -> &WeightsKey {
        &self.key
    }
}

/// A place in the line; dropping it leaves the line, and has it looked at.
struct Waiter {
    memory: Arc<Memory>,
    ticket: u64,
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut state = self.memory.state.lock();
        let at = state.line.iter().position(|one| one.ticket == self.ticket);
        let left = at.and_then(|at| state.line.remove(at));
        drop(state);
        // What it wished for may hold the agent: it goes without the lock.
        drop(left);
        self.memory.changed.notify_one();
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut state = self.memory.state.lock();
        if let Some(held) = state.held.get_mut(&self.key) {
            held.shares -= 1;
            if held.shares == 0 {
                state.held.remove(&self.key);
            }
        }
        drop(state);
        self.memory.look_again();
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn key(agent: &str) -> WeightsKey {
        WeightsKey {
            agent: agent.into(),
            group: GroupId(0),
            device: DeviceName::Cpu,
            generation: 0,
        }
    }

    /// Gets in line for one agent's weights.
    fn line_up(
        memory: &Arc<Memory>,
        agent: &'static str,
        bytes: u64,
    ) -> Pin<Box<dyn Future<Output = Vec<Share>>>> {
        Box::pin(memory.request(move || (vec![key(agent)], bytes)))
    }

    /// What was granted so far.
    fn granted(waiting: &mut Pin<Box<dyn Future<Output = Vec<Share>>>>) -> Option<Vec<Share>> {
        let mut context = Context::from_waker(Waker::noop());
        match waiting.as_mut().poll(&mut context) {
            Poll::Ready(shares) => Some(shares),
            Poll::Pending => None,
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
        let mut large = line_up(&memory, "image", 90);
        assert_eq!(memory.grant().map(|deficit| deficit.bytes), Some(50));
        assert!(granted(&mut large).is_none());
        assert!(
            memory.share(&key("video"), 10).is_none(),
            "the line has a first"
        );
        let mut small = line_up(&memory, "video", 10);
        assert!(memory.grant().is_some());
        assert!(granted(&mut small).is_none());
        drop(text);
        assert_eq!(memory.grant(), None);
        let image = granted(&mut large);
        assert!(image.is_some());
        assert!(granted(&mut small).is_some());
    }

    #[test]
    fn whoever_leaves_the_line_makes_way_and_what_is_in_memory_is_shared_out_of_turn() {
        let memory = Memory::new(Some(100));
        let text = memory.share(&key("text"), 60);
        let large = line_up(&memory, "image", 90);
        let mut other = line_up(&memory, "text", 60);
        let mut small = line_up(&memory, "video", 30);
        assert!(memory.grant().is_some());
        assert!(granted(&mut other).is_some(), "it costs no memory");
        assert!(granted(&mut small).is_none());
        drop(large);
        assert_eq!(memory.grant(), None);
        assert!(granted(&mut small).is_some());
        drop(text);
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
        let both = vec![next.clone(), elsewhere];
        let too_much = both.clone();
        let too_much = memory.request(move || (too_much.clone(), 40));
        assert!(memory.grant().is_some());
        assert!(memory.state.lock().held.len() == 1, "none of them is held");
        drop(too_much);
        let both = memory.request(move || (both.clone(), 35));
        assert_eq!(memory.grant(), None);
        let both = granted(&mut { Box::pin(both) as Pin<Box<dyn Future<Output = _>>> });
        assert!(both.is_some_and(|both| both.len() == 2));
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
