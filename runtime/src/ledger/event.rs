//! What a ledger is told.

use std::time::Duration;

use aimass_environment::{Effect, Epoch, Priority, TaskId, Time, WorkerId};

use crate::batch::BatchKey;
use crate::fault::Fault;

/// A worker group's place in its agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct GroupId(pub(crate) u16);

/// A skill's place in its agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct SkillId(pub(crate) u16);

/// One incarnation of one worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Incarnation {
    pub(crate) worker: WorkerId,
    pub(crate) epoch: Epoch,
}

/// Who asks, as far as an agent's room is concerned. Each lane may fill it, and none takes the others' room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Lane {
    /// Somebody outside: refused when there is no room.
    Caller,
    /// The environment: a reaction, a idle rule, what an earlier process accepted.
    Environment,
    /// A flow, which is so many flows deep.
    Flow(u16),
}

/// One claim to a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ClaimId(pub(crate) u64);

/// A claim to a place for a task that is to come: for one that is written down before it is submitted, or that waits for room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) id: ClaimId,
    pub(crate) lane: Lane,
    pub(crate) group: GroupId,
    pub(crate) bytes: u64,
    pub(crate) deadline: Time,
}

/// A task that asks to be accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Admission {
    pub(crate) task: TaskId,
    pub(crate) group: GroupId,
    pub(crate) skill: SkillId,
    pub(crate) batch_key: BatchKey,
    /// Bytes of input: released at completion.
    pub(crate) bytes: u64,
    pub(crate) priority: Priority,
    pub(crate) deadline: Time,
    pub(crate) effect: Effect,
    /// Whose room it takes.
    pub(crate) lane: Lane,
    /// The place that was claimed for it.
    pub(crate) place: Option<ClaimId>,
    /// Its stream goes on where the last attempt left it: an item that was sent does not keep it from running again.
    pub(crate) continues: bool,
    /// Accepted in the environment already: never refused for want of room.
    pub(crate) resumed: bool,
    /// Attempts that an earlier process made.
    pub(crate) attempts: u32,
}

/// What a ledger is told. Times come beside it, in `on`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event<T = ()> {
    /// Somebody wants a place before the task comes. Callers are answered at once, others wait in line.
    Claim(Claim),
    /// The place is not needed, or no longer waited for.
    Release(ClaimId),
    /// Somebody asks for a task to be accepted. Its place, if it has one, is its own from now on, or goes with it.
    Submit(Admission, T),
    /// The incarnation reads or builds its model: the watchdog counts from now.
    LoadBegan(Incarnation),
    /// It has a new version of its model, and goes on with what it was given.
    LoadEnded(Incarnation),
    /// The incarnation has built its model; it takes work next.
    Ready(Incarnation),
    /// A free worker asks for a batch; it parks when there is none.
    Take(Incarnation),
    /// A worker between two steps asks for what is more urgent than its job (`above`), or for members of the same skill and batch key.
    TakeMore { by: Incarnation, wish: TakeMore },
    /// A step began: the watchdog counts from now.
    StepBegan(Incarnation),
    /// A step ended.
    StepEnded(Incarnation),
    /// The attempt of one task ended, without a panic.
    Finished {
        by: Incarnation,
        task: TaskId,
        outcome: Outcome,
    },
    /// The environment has taken the facts and the completion of a task that was `Committing`.
    Committed { task: TaskId },
    /// The environment refused them.
    CommitFailed { task: TaskId, fault: Fault },
    /// The first item of an attempt is about to leave. From now on a fault interrupts the task instead of repeating it, unless its stream goes
    /// on; then the attempt has brought it forward, and costs it nothing.
    ItemSent { by: Incarnation, task: TaskId },
    /// What a further attempt would need is no longer kept, its chunks or the items that were sent: a fault interrupts the task.
    Unrepeatable { by: Incarnation, task: TaskId },
    /// The incarnation's thread ended by a panic in a skill.
    Panicked { by: Incarnation, message: String },
    /// The incarnation's thread ended after a `Stop`, in time or long after it was abandoned.
    Stopped(Incarnation),
    /// The incarnation could not read its weights or build its model.
    LoadFailed { by: Incarnation, fault: Fault },
    /// The group has a new version of its model: parked workers come for it now, busy ones between two jobs.
    Swap(GroupId),
    /// The supervisor restarts the group's workers because another agent's had to be.
    TakeDown { group: GroupId, cause: String },
    /// Somebody else needs the memory: the group gives up its weights if nobody uses them.
    Unload(GroupId),
    /// Nobody carries out what is decided about workers any more: the agent is given up.
    GiveUp { message: String },
    /// The caller no longer waits.
    Cancel { task: TaskId },
    /// Time has passed: deadlines, watchdog, backoff, grace.
    Tick,
    /// The process stood still for so long at the most, at some time up to now: nobody's threads could do anything.
    StoodStill { lost: Duration },
    /// No new work from now on; what is accepted is drained until `limit`.
    Shutdown { limit: Time },
}

/// What a worker between two steps would take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TakeMore {
    /// Whatever is next, beside jobs that wait for chunks or for their readers.
    Anything,
    /// Tasks more urgent than this.
    Above(Priority),
    /// Members for a running job: same skill, same batch key, at most this many.
    Join {
        skill: SkillId,
        batch_key: BatchKey,
        room: u32,
    },
}

/// How an attempt ended, as the worker saw it. The output itself stays with the driver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// There is an output; nothing has to be written down first.
    Done,
    /// There is an output, and facts or a durable completion to commit before the caller hears of
    /// it.
    DoneDurably,
    /// The skill reported a fault.
    Fault(Fault),
    /// It failed over something that it had asked for and that was given up: it is given up with it.
    Poisoned { cause: String },
    /// Something that it had asked for was cut off by the end of the runtime: so is it.
    CutOff,
    /// The member was dropped between steps because it was cancelled.
    Dropped,
}
