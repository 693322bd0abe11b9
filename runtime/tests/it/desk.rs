//! A desk: from where a test watches what skills do, and holds them at gates until it lets them pass.

use std::collections::HashSet;
use std::sync::Arc;

use parking_lot::{Condvar, Mutex};
use tokio::sync::watch;

/// What a test sees and steers. Cloning shares it.
#[derive(Clone, Default)]
pub(crate) struct Desk {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    log: watch::Sender<Vec<Entry>>,
    open: Mutex<HashSet<u32>>,
    opened: Condvar,
}

/// What happened, in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry {
    /// Weights of that version were read on that device.
    Loaded(String, String),
    /// The last owner of weights of that version let go of them.
    Freed(String),
    /// A job began with these orders.
    Began(Vec<u32>),
    /// These orders joined a running job.
    Joined(Vec<u32>),
    /// An order went past its gate.
    Passed(u32),
    /// An order saw that nobody waits for it any more.
    SawCancel(u32),
}

impl Desk {
    pub(crate) fn note(&self, entry: Entry) {
        self.shared.log.send_modify(|log| log.push(entry));
    }

    pub(crate) fn log(&self) -> Vec<Entry> {
        self.shared.log.borrow().clone()
    }

    /// Returns once the log satisfies `wish`.
    pub(crate) async fn until(&self, mut wish: impl FnMut(&[Entry]) -> bool) {
        let mut log = self.shared.log.subscribe();
        log.wait_for(|log| wish(log)).await.unwrap();
    }

    /// Returns once a job with that order has begun.
    pub(crate) async fn began(&self, id: u32) {
        self.until(|log| runs_in(log, id) > 0).await;
    }

    /// How often the order was begun.
    pub(crate) fn runs(&self, id: u32) -> u32 {
        runs_in(&self.shared.log.borrow(), id)
    }

    /// The orders of each job, in the order in which the jobs began.
    pub(crate) fn jobs(&self) -> Vec<Vec<u32>> {
        let job = |entry: &Entry| match entry {
            Entry::Began(ids) => Some(ids.clone()),
            _ => None,
        };
        self.shared.log.borrow().iter().filter_map(job).collect()
    }

    /// Lets the order pass its gate, now and later.
    pub(crate) fn open(&self, gate: u32) {
        self.shared.open.lock().insert(gate);
        self.shared.opened.notify_all();
    }

    pub(crate) fn is_open(&self, gate: u32) -> bool {
        self.shared.open.lock().contains(&gate)
    }

    /// Blocks the calling thread until the gate is open.
    pub(crate) fn pass(&self, gate: u32) {
        let mut open = self.shared.open.lock();
        while !open.contains(&gate) {
            self.shared.opened.wait(&mut open);
        }
        drop(open);
        self.note(Entry::Passed(gate));
    }
}

/// How often the log says that the order was begun.
pub(crate) fn runs_in(log: &[Entry], id: u32) -> u32 {
    let begun = |entry: &&Entry| matches!(entry, Entry::Began(ids) | Entry::Joined(ids) if ids.contains(&id));
    log.iter().filter(begun).count() as u32
}
