//! What a ledger wants done.

use std::time::Duration;

use aimass_environment::{TaskId, Time};

use crate::fault::Fault;
use crate::ledger::event::{ClaimId, Incarnation};

/// What the driver must do. The order matters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LedgerEffect<T = ()> {
    /// The task was accepted: from now on exactly one `Complete` follows.
    Accepted { task: TaskId },
    /// The task was not accepted: tell its caller; nothing else follows.
    Refuse {
        task: TaskId,
        held: T,
        refusal: Refusal,
    },
    /// There is a place for the claim's task: whoever claimed it sends the task, or releases the claim.
    Granted { claim: ClaimId },
    /// There is no place for the claim's task, and none will come: nothing else follows.
    Denied { claim: ClaimId, refusal: Refusal },
    /// A parked worker has work: wake it, it will `Take`.
    Wake { worker: Incarnation },
    /// The answer to `Take` or `TakeMore`: run these together. Their attempt has begun.
    Run { by: Incarnation, tasks: Vec<TaskId> },
    /// The answer to `Take` when there is nothing; the worker parks. With `max_wait`, it may be told to come back then.
    Park { by: Incarnation, until: Time },
    /// Write the task's facts and completion into the environment, then say `Committed` or
    /// `CommitFailed`.
    Commit { task: TaskId },
    /// The task's one reply.
    Complete {
        task: TaskId,
        held: T,
        completion: Completion,
        /// The incarnation that still runs it, though nobody wants it any more: it is to stop at the next step.
        still_on: Option<Incarnation>,
    },
    /// Keep the task's input and cause among the dead letters (a `Complete` with `DeadLettered`
    /// follows).
    DeadLetter { task: TaskId, cause: String },
    /// Cancel whatever the incarnation does and let it end; it has until the grace is over.
    Stop { worker: Incarnation },
    /// Give the incarnation up: its thread is left alone, and what it still says is refused.
    Abandon { worker: Incarnation },
    /// Start a new incarnation of a worker after the delay.
    Start {
        worker: Incarnation,
        after: Duration,
        weights: Reload,
    },
    /// Go to the next fallback placement before the next `Start`.
    FallBack { worker: Incarnation },
    /// A worker is restarted for a reason that counts; the supervisor decides who restarts with it.
    CountedRestart { cause: String },
    /// The agent is given up: everything it held is completed by effects that follow.
    AgentFailed { message: String },
    /// Nothing is accepted or running any more, after `Shutdown`.
    Drained,
    /// Something for the observer: it changes nothing.
    Observe(Observation),
}

/// Where a new incarnation gets its weights from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reload {
    /// The shared ones in memory.
    Keep,
    /// Read again: they are under suspicion.
    Again,
}

/// Why a task was not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// No room in tasks or bytes.
    Overloaded {
        queued: u64,
        capacity: u64,
        queued_bytes: u64,
        capacity_bytes: u64,
        retry_after: Duration,
    },
    /// Shutting down.
    ShuttingDown,
    /// The agent is given up.
    AgentFailed { message: String },
    /// The group's workers could not be started and wait before they try again: fail fast meanwhile.
    BackingOff {
        message: String,
        retry_after: Duration,
    },
    /// The input alone is larger than all that the agent may hold.
    TooLarge { bytes: u64, capacity_bytes: u64 },
    /// A task of that id is accepted already.
    Duplicate,
    /// Its deadline has passed already.
    DeadlineExceeded,
}

/// A task's one reply, as the ledger knows it; the driver holds the output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Completion {
    /// With the output that the driver keeps.
    Done,
    /// A fault that no further attempt will mend.
    Failed { attempts: u32, fault: Fault },
    /// Past its deadline.
    DeadlineExceeded,
    /// The caller no longer waited.
    Cancelled,
    /// Kept among the dead letters.
    DeadLettered { attempts: u32, cause: String },
    /// A fault after the first item of a stream.
    Interrupted { message: String },
    /// Cut off by shutdown.
    ShuttingDown,
    /// The agent was given up.
    AgentFailed { message: String },
}

/// What happened, for observers only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Observation {
    /// A worker panicked in a batch, and its members will run again alone.
    Suspected { tasks: Vec<TaskId> },
    /// A task is to be tried again.
    Retrying { task: TaskId, attempts: u32 },
    /// A worker did not end its step in time, or did not come to the end of reading its model.
    Hung { worker: Incarnation },
    /// A worker was told to stop because another agent's restart takes it along.
    TakenDown { worker: Incarnation, cause: String },
    /// An old incarnation said something, and was refused.
    Stale { by: Incarnation },
}
