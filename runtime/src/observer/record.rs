//! Records: what an observer is told of whatever happened.

use std::sync::Arc;

use aimass_environment::{
    EpisodeId, Epoch, Namespace, Priority, Revision, SpanId, TaskId, TraceId, WorkerId,
};
use serde::Serialize;

use crate::model::DeviceName;
use crate::usage::Usage;
use aimass_environment::ModelVersion;

/// What an observer is told.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "record", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Record {
    /// A task was settled, or refused: all that is known of it.
    Task(Box<TaskFinished>),
    /// A worker changed.
    Worker(WorkerChanged),
    /// Something about a task that is not settled yet.
    Note(TaskNote),
    /// An agent was given up, or came back.
    Agent(AgentChanged),
    /// A part of the runtime failed and is restarted, or was given up.
    Service(ServiceChanged),
    /// The work on an episode came to its end, while somebody waited for it.
    Episode(EpisodeFinished),
    /// An attempt ended with its process: told by the next one that takes the environment.
    Interrupted(Box<AttemptInterrupted>),
}

/// All that is known of a task at its end. Times are in nanoseconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TaskFinished {
    /// The task.
    pub task: TaskId,
    /// The tenant.
    pub namespace: Namespace,
    /// Who did it.
    pub agent: Arc<str>,
    /// What was asked.
    pub skill: Arc<str>,
    /// The episode that it belongs to.
    pub episode: Option<EpisodeId>,
    /// The rule whose reaction it was.
    pub rule: Option<Arc<str>>,
    /// The fact that it reacted to.
    pub cause: Option<Revision>,
    /// The dead letter whose redrive it was.
    pub redrive_of: Option<TaskId>,
    /// The trace.
    pub trace: TraceId,
    /// The task's own span.
    pub span: SpanId,
    /// The span that asked for it: that of the flow, of the fact that it reacted to, or the embedder's own.
    pub parent: Option<SpanId>,
    /// The caller's side of the call, between `parent` and `span`; none of a reaction and of what an earlier process accepted.
    pub caller: Option<CallerSpan>,
    /// The span of the attempt before, when an earlier process made one or it is a redrive.
    pub earlier_attempt: Option<SpanPlace>,
    /// Whether the caller records the trace.
    pub sampled: bool,
    /// How urgent it was.
    pub priority: Priority,
    /// How often it was given to a worker.
    pub runs: u32,
    /// Steps of the last run that worked on it.
    pub steps: u32,
    /// Nanoseconds that those steps took, in which a batch shares.
    pub model_ns: u64,
    /// What the last run used of its model, as far as its skill counts it.
    pub usage: Usage,
    /// Where it ran last.
    pub place: Option<Place>,
    /// Bytes of its input.
    pub input_bytes: u64,
    /// Items that were sent.
    pub items: u64,
    /// When it was accepted, or refused.
    pub accepted_ns: u64,
    /// When its last run began.
    pub started_ns: Option<u64>,
    /// When its first item left.
    pub first_item_ns: Option<u64>,
    /// When its worker was done with it.
    pub finished_ns: Option<u64>,
    /// When its caller was answered.
    pub settled_ns: u64,
    /// What became of it.
    pub outcome: TaskOutcome,
}

/// An attempt at a durable task that was under way when its process died. The task is taken up again, in a span of its own. Times are in
/// nanoseconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AttemptInterrupted {
    /// The task.
    pub task: TaskId,
    /// The tenant.
    pub namespace: Namespace,
    /// Who was at it.
    pub agent: Arc<str>,
    /// What was asked.
    pub skill: Arc<str>,
    /// The episode that it belongs to.
    pub episode: Option<EpisodeId>,
    /// The rule whose reaction it was.
    pub rule: Option<Arc<str>>,
    /// The fact that it reacted to.
    pub cause: Option<Revision>,
    /// The dead letter whose redrive it was.
    pub redrive_of: Option<TaskId>,
    /// The trace.
    pub trace: TraceId,
    /// The attempt's own span.
    pub span: SpanId,
    /// The span that asked for the task.
    pub parent: Option<SpanId>,
    /// The span of the attempt before.
    pub earlier_attempt: Option<SpanPlace>,
    /// Whether the caller records the trace.
    pub sampled: bool,
    /// How urgent the task was.
    pub priority: Priority,
    /// When its process took the task, as far as that is known: else when it began.
    pub accepted_ns: u64,
    /// When its first run began.
    pub started_ns: u64,
    /// When the next process found it. When the attempt ended nobody knows.
    pub found_ns: u64,
}

/// Where a task ran.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Place {
    /// The worker.
    pub worker: WorkerId,
    /// Its incarnation.
    pub epoch: Epoch,
    /// Its device; none for a flow.
    pub device: Option<DeviceName>,
    /// The version of its model; none for a flow.
    pub model: Option<ModelVersion>,
    /// The batch, counted by the agent.
    pub batch: u64,
    /// How many tasks the batch began with.
    pub batch_size: u32,
    /// The span of the batch's first task, when that is another.
    pub batch_leader: Option<SpanPlace>,
}

/// The caller's side of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CallerSpan {
    /// Its span.
    pub span: SpanId,
    /// The agent whose flow asked; none when it was somebody outside the team.
    pub agent: Option<Arc<str>>,
}

/// A span of another trace, or of the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SpanPlace {
    /// Its trace.
    pub trace: TraceId,
    /// The span.
    pub span: SpanId,
}

/// What became of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TaskOutcome {
    /// It has its output.
    Done,
    /// It has an error: the name of its kind, and its message.
    Error {
        /// The kind, as in the error's JSON form.
        error: String,
        /// The message.
        message: String,
    },
}

/// A worker changed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WorkerChanged {
    /// The agent.
    pub agent: Arc<str>,
    /// The worker.
    pub worker: WorkerId,
    /// The incarnation.
    pub epoch: Epoch,
    /// When, in nanoseconds since the Unix epoch.
    pub at_ns: u64,
    /// How.
    pub change: WorkerChange,
}

/// How a worker changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum WorkerChange {
    /// A thread starts, after that many milliseconds.
    Starting {
        /// The delay.
        after_ms: u64,
    },
    /// Its model is built.
    Ready {
        /// The version of the model.
        model: ModelVersion,
        /// The device.
        device: DeviceName,
    },
    /// A skill panicked on it.
    Panicked {
        /// What the panic said.
        message: String,
    },
    /// Its model could not be read or built.
    LoadFailed {
        /// Why.
        message: String,
    },
    /// A step took too long.
    Hung,
    /// It was given up: its thread never ended.
    Abandoned,
    /// It was told to stop and start anew because another agent's restart takes it along.
    TakenDown {
        /// Which restart, and why.
        cause: String,
    },
    /// What it said was refused, because a newer incarnation has its place.
    Stale,
    /// It goes to a fallback placement.
    FellBack,
    /// It came for a new version of its model.
    Swapped {
        /// The version of the model.
        model: ModelVersion,
    },
    /// It ended as it was told to.
    Stopped,
}

impl WorkerChange {
    /// Whether something went wrong.
    pub(crate) fn is_fault(&self) -> bool {
        match self {
            Self::Panicked { .. }
            | Self::LoadFailed { .. }
            | Self::Hung
            | Self::Abandoned
            | Self::TakenDown { .. }
            | Self::FellBack => true,
            Self::Starting { .. }
            | Self::Ready { .. }
            | Self::Stale
            | Self::Swapped { .. }
            | Self::Stopped => false,
        }
    }
}

/// Something about a task that is not settled yet.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TaskNote {
    /// The agent.
    pub agent: Arc<str>,
    /// The task.
    pub task: TaskId,
    /// When, in nanoseconds since the Unix epoch.
    pub at_ns: u64,
    /// What.
    pub note: Note,
}

/// What there is to say of a task that is not settled yet.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "note", rename_all = "snake_case")]
pub enum Note {
    /// It was in a batch that brought a worker down, and runs alone from now on.
    Suspected,
    /// It will run again.
    Retrying {
        /// Attempts that were counted against it.
        attempts: u32,
    },
    /// It was given up and kept.
    DeadLettered {
        /// Why.
        cause: String,
    },
    /// So much of it is done, from 0 to 1.
    Progress {
        /// The share.
        done: f32,
    },
}

/// An agent was given up, or came back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AgentChanged {
    /// The agent.
    pub agent: Arc<str>,
    /// When, in nanoseconds since the Unix epoch.
    pub at_ns: u64,
    /// Why it was given up; none when it came back.
    pub failed: Option<String>,
}

/// A part of the runtime failed: a service, or the actor of an agent or of a worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServiceChanged {
    /// Its name in the tree, such as `reactions`, `text` or `text/0`.
    pub service: Arc<str>,
    /// When, in nanoseconds since the Unix epoch.
    pub at_ns: u64,
    /// How.
    pub change: ServiceChange,
}

/// What follows the failure of a part of the runtime.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum ServiceChange {
    /// It starts again, after that many milliseconds.
    Restarting {
        /// Why it ended.
        cause: String,
        /// The delay.
        after_ms: u64,
    },
    /// It failed too often, and the runtime with it.
    GivenUp {
        /// Why it ended the last time.
        cause: String,
    },
}

/// All that is known of an episode at its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EpisodeFinished {
    /// The episode.
    pub episode: EpisodeId,
    /// The tenant.
    pub namespace: Namespace,
    /// The trace.
    pub trace: TraceId,
    /// The episode's own span: the parent of what reacts to its input.
    pub span: SpanId,
    /// The embedder's span.
    pub parent: Option<SpanId>,
    /// Whether the caller records the trace.
    pub sampled: bool,
    /// When it began, in nanoseconds since the Unix epoch.
    pub begun_ns: u64,
    /// When nothing was under way any more, in nanoseconds since the Unix epoch.
    pub finished_ns: u64,
    /// How many facts it holds.
    pub facts: u64,
    /// How many of its tasks failed.
    pub failures: u64,
}
