//! What a ledger knows of one worker.

use std::time::Duration;

use aimass_environment::{Epoch, TaskId, Time, WorkerId};

use crate::ledger::event::{GroupId, Incarnation};
use crate::ledger::settings::LedgerSettings;

/// One worker: the place stays, its incarnations change.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) id: WorkerId,
    pub(crate) group: GroupId,
    pub(crate) epoch: Epoch,
    pub(crate) state: WorkerState,
    /// What it runs and is not completed yet.
    pub(crate) running: Vec<TaskId>,
    /// How many tasks it was given since it was last free: a panic is pinned on a task only when this is 1.
    pub(crate) given: u32,
    /// It runs a task that must not get company.
    pub(crate) exclusive: bool,
    pub(crate) watched: Option<Watched>,
    /// Panics since it last brought a task to its end; many in a row cast suspicion on the weights.
    pub(crate) panics_in_a_row: u32,
    /// Starts that failed in a row: the exponent of the backoff.
    pub(crate) failed_starts: u32,
    pub(crate) restarts: u64,
}

/// What a worker's thread does that may hang, and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Watched {
    /// A step of a job.
    Step(Time),
    /// It reads or builds its model.
    Load(Time),
}

impl Watched {
    /// Gives back time in which the process stood still, and no more than has been counted.
    pub(crate) fn give_back(&mut self, lost: Duration, now: Time) {
        let (Self::Step(since) | Self::Load(since)) = self;
        *since = (*since + lost).min(now);
    }

    /// When the watchdog loses its patience.
    pub(crate) fn until(self, settings: &LedgerSettings) -> Time {
        match self {
            Self::Step(since) => since + settings.step_limit,
            Self::Load(since) => since + settings.load_limit,
        }
    }
}

/// What a worker is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum WorkerState {
    /// No thread, no model.
    Unloaded,
    /// A thread reads or builds its model, or is about to after a delay.
    Starting,
    /// Its start failed; it tries again at that time.
    BackingOff { until: Time, message: String },
    /// Parked since then.
    Idle { since: Time },
    /// It has work, or was woken for it.
    Busy,
    /// Its last incarnation was told to stop and has until then; the next one starts after it.
    Leaving { until: Time },
    /// Told to stop because it was idle for long.
    Unloading,
    /// Given up with its agent.
    Failed,
}

impl Worker {
    pub(crate) fn new(id: WorkerId, group: GroupId) -> Self {
        Self {
            id,
            group,
            epoch: Epoch(0),
            state: WorkerState::Unloaded,
            running: Vec::new(),
            given: 0,
            exclusive: false,
            watched: None,
            panics_in_a_row: 0,
            failed_starts: 0,
            restarts: 0,
        }
    }

    pub(crate) fn incarnation(&self) -> Incarnation {
        Incarnation {
            worker: self.id,
            epoch: self.epoch,
        }
    }

    /// Whether what this incarnation says counts.
    pub(crate) fn is_current(&self, by: Incarnation) -> bool {
        use WorkerState::{BackingOff, Busy, Idle, Starting, Unloading};
        let alive = matches!(
            self.state,
            Starting | BackingOff { .. } | Idle { .. } | Busy | Unloading
        );
        alive && self.epoch == by.epoch
    }

    /// Ends the incarnation in the state; gives what it was running.
    pub(crate) fn retire(&mut self) -> Vec<TaskId> {
        self.epoch = Epoch(self.epoch.0 + 1);
        self.given = 0;
        self.exclusive = false;
        self.watched = None;
        std::mem::take(&mut self.running)
    }
}
