//! The kernel of AI Mass: supervised agents, a ledger of accepted work, and a shared, durable environment.
//!
#![doc = include_str!("guarantees.md")]

mod agent;
mod agent_core;
mod ask;
mod clock;
pub mod conformance;
mod context;
mod environment;
mod episode;
mod erased;
mod error;
mod events;
mod fact;
mod fault;
mod fault_injector;
mod flow;
mod given;
mod group;
mod ids;
mod ledger;
mod lock_file;
mod memory;
mod model;
mod panics;
mod pause;
mod payload;
mod placement;
mod publication;
mod quiet_rule;
mod reaction;
mod restart;
mod router;
mod runtime;
mod skill;
mod spawn;
mod supervision;
mod task;
mod ticket;
mod transport;
mod worker;
mod worker_context;

pub use agent::{Agent, AgentDefinition, WorkerGroup};
pub use ask::{Ask, Chunks, JsonChunks, JsonHeard, JsonStream, TaskStream};
pub use clock::{Clock, Time};
pub use context::{Chunk, FlowContext, StepContext};
pub use environment::{
    AttemptRecord, BeginningAttempt, Blob, BlobReader, Commit, CommitTimes, Compaction, Condition,
    DeadLetterRecord, Deaths, Environment, EnvironmentError, EnvironmentOptions, EpisodeRecord,
    EpisodeStatus, FactFilter, Facts, Forgotten, Imported, Lagged, REACTIONS_CURSOR, Running,
    SettledRecord, Snapshot, Subscription, TaskRecord, Transaction, Watch,
};
pub use episode::{
    Episode, EpisodeReport, InputFailure, InputProblem, RunningEpisode, TaskFailure, audio_type,
    content_type, file_kinds,
};
pub use error::TaskError;
pub use events::{
    AgentChanged, AttemptInterrupted, CallerSpan, EpisodeFinished, Note, Observer, Place, Record,
    Recorder, ServiceChange, ServiceChanged, SpanPlace, TaskFinished, TaskNote, TaskOutcome, Usage,
    WorkerChange, WorkerChanged,
};
pub use fact::{BlobHash, Fact, FactDraft, FactKind, ParseKindError, Provenance};
pub use fault::{Fault, FaultKind};
pub use ids::{
    EpisodeId, Epoch, Namespace, ParseIdError, Revision, SpanId, TaskId, TraceId, WorkerId,
};
pub use model::{DeviceName, Fresh, ModelSource, ModelVersion, ParseDeviceError};
pub use payload::{Data, Payload, json_bytes};
pub use placement::DeviceCapacity;
pub use quiet_rule::QuietRule;
pub use reaction::Reaction;
pub use runtime::{
    AgentState, Runtime, RuntimeBuilder, RuntimeError, ShutdownReport, WeakRuntime, WorkerStatus,
};
pub use skill::{
    BatchSkill, ClientStreaming, Delivery, Effect, FlowSkill, Member, ModelSkill, ServerStreaming,
    Shape, Skill, SkillSpec, Step,
};
#[cfg(feature = "fault-injection")]
pub use supervision::FaultInjection;
pub use supervision::{ServiceState, ServiceStatus};
pub use task::{ParseTraceError, Priority, TaskOptions, TraceContext};
pub use transport::{Call, Request, SocketClient, SocketServer, Transport, TransportError};
