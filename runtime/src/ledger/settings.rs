//! What a ledger has to know before the first event.

use std::time::Duration;

use crate::restart::RestartSettings;

/// The limits and the shape of one agent.
#[derive(Debug, Clone)]
pub(crate) struct LedgerSettings {
    /// Tasks that may be held at once, running ones included.
    pub(crate) capacity: u64,
    /// Bytes of input that may be held at once.
    pub(crate) capacity_bytes: u64,
    /// Attempts that a task may cost before it is given up.
    pub(crate) max_attempts: u32,
    /// Threads that may be given up for hung before the agent is.
    pub(crate) max_abandoned: u32,
    /// How long one step may take.
    pub(crate) step_limit: Duration,
    /// How long a worker may read and build its model.
    pub(crate) load_limit: Duration,
    /// How long a worker that was told to stop may take to do so.
    pub(crate) grace: Duration,
    /// When idle workers give their memory back; none for never.
    pub(crate) idle_unload: Option<Duration>,
    /// When restarts are too many.
    pub(crate) restart: RestartSettings,
    /// The agent's worker groups.
    pub(crate) groups: Vec<GroupSettings>,
    /// Where the jitter comes from, so that a run can be replayed.
    pub(crate) seed: u64,
}

/// The shape of one worker group.
#[derive(Debug, Clone)]
pub(crate) struct GroupSettings {
    /// How many workers share its queue.
    pub(crate) workers: u32,
    /// Whether there may be more.
    pub(crate) crew: Crew,
    /// How many tasks a batch may have.
    pub(crate) max_batch: u32,
    /// How long a batch that is not full may wait for more.
    pub(crate) max_wait: Duration,
    /// When its workers start.
    pub(crate) start: StartWhen,
}

/// Whether a group has more workers than it began with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Crew {
    /// It has not: its tasks wait for a worker.
    Fixed,
    /// As many as it has tasks, so that none waits for a worker: those of flows that are asked by flows, which may wait for each other.
    AsNeeded,
}

/// When a group's workers read their model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StartWhen {
    /// With the runtime.
    AtOnce,
    /// With the first task.
    Needed,
}
