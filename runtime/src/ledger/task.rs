//! What a ledger knows of one accepted task.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use aimass_environment::{Effect, TaskId, Time};

use crate::ledger::event::{Admission, Incarnation};

/// One accepted task.
#[derive(Debug)]
pub(crate) struct Entry<T> {
    pub(crate) admission: Admission,
    /// Its place in the order of acceptance.
    pub(crate) sequence: u64,
    pub(crate) standing: Standing,
    /// When it was accepted, or came back to the queue.
    pub(crate) since: Time,
    /// Attempts that were counted against it.
    pub(crate) attempts: u32,
    /// It came back to the queue, and stands before those that never ran.
    pub(crate) again: bool,
    /// It was in a batch that brought a worker down: it runs alone from now on.
    pub(crate) suspect: bool,
    /// Its caller has seen an item, or what it has sent is not kept: it cannot run again.
    pub(crate) item_sent: bool,
    /// Its present attempt has sent an item, after which another one goes on: its fault costs no attempt.
    pub(crate) brought_forward: bool,
    /// What its submitter gave with it; it comes back with the completion.
    pub(crate) held: T,
}

/// Where an accepted task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// In the queue.
    Waiting,
    /// Tried again, and no sooner than this.
    Pausing { until: Time },
    /// On a worker.
    Running(Incarnation),
    /// Done; its facts and completion are on their way into the environment.
    Committing,
}

impl<T> Entry<T> {
    pub(crate) fn new(admission: Admission, held: T, sequence: u64, now: Time) -> Self {
        Self {
            sequence,
            standing: Standing::Waiting,
            since: now,
            attempts: admission.attempts,
            again: admission.attempts > 0,
            suspect: false,
            item_sent: false,
            brought_forward: false,
            admission,
            held,
        }
    }

    /// Whether it must not share a worker with others: a neighbour's panic would cost it its one attempt, or it is suspected itself.
    pub(crate) fn runs_alone(&self) -> bool {
        self.suspect || self.admission.effect == Effect::Once
    }

    /// Whether the runtime may run it a second time.
    pub(crate) fn may_run_again(&self) -> bool {
        self.admission.effect != Effect::Once && !self.item_sent
    }
}

/// All accepted tasks of an agent.
pub(crate) type Tasks<T> = HashMap<TaskId, Entry<T>, BuildHasherDefault<IdHasher>>;

/// Task ids are random or hashes already: hashing them again would be the larger part of a look-up.
#[derive(Debug, Default)]
pub(crate) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u128(&mut self, number: u128) {
        self.0 = (number ^ (number >> 64)) as u64;
    }
}
