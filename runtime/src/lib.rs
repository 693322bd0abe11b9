//! The kernel of AI Mass: supervised agents, a ledger of accepted work, and a shared, durable environment.
//!
#![doc = include_str!("guarantees.md")]

mod agent;
mod agent_core;
mod ask;
mod batch;
mod board;
mod call;
mod context;
mod episode;
mod erased;
mod error;
mod events;
mod fault;
mod fault_injection;
#[cfg(feature = "fault-injection")]
mod fault_injector;
mod flow;
mod given;
mod group;
mod group_runner;
mod ledger;
mod memory;
mod messages;
mod model;
mod model_source;
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
mod submitter;
mod supervision;
mod task;
mod ticket;
mod transport;
mod tree;
mod usage;
mod worker;
mod worker_context;
mod worker_link;

#[cfg(feature = "fault-injection")]
pub use aimass_environment::Trouble;
pub use aimass_environment::{
    AttemptRecord, BeginningAttempt, Blob, BlobHash, BlobReader, Clock, Commit, CommitTimes,
    Compaction, Condition, DeadLetterRecord, Deaths, Effect, Environment, EnvironmentError,
    EnvironmentOptions, EpisodeId, EpisodeRecord, EpisodeStatus, Epoch, Fact, FactDraft,
    FactFilter, FactKind, Facts, Forgotten, Imported, InterruptedAttempt, Lagged, Life, Namespace,
    ParseIdError, ParseKindError, Priority, Provenance, REACTIONS_CURSOR, Repeated, Revision,
    Running, SettledRecord, Snapshot, SpanId, Subscription, TaskId, TaskRecord, Time, TraceId,
    Transaction, Watch, WorkerId, json_bytes,
};

pub use agent::{Agent, AgentDefinition, WorkerGroup};
pub use ask::{Ask, Chunks, JsonChunks, JsonHeard, JsonStream, TaskStream};
pub use batch::{Member, Shape};
pub use board::{ServiceState, ServiceStatus};
pub use context::{Chunk, FlowContext, StepContext};
pub use episode::{
    Episode, EpisodeReport, InputFailure, InputProblem, RunningEpisode, TaskFailure, audio_type,
    content_type, file_kinds,
};
pub use error::TaskError;
pub use events::{
    AgentChanged, AttemptInterrupted, CallerSpan, EpisodeFinished, Note, Observer, Place, Record,
    Recorder, ServiceChange, ServiceChanged, SpanPlace, TaskFinished, TaskNote, TaskOutcome,
    WeakRuntime, WorkerChange, WorkerChanged,
};
pub use fault::{Fault, FaultKind};
#[cfg(feature = "fault-injection")]
pub use fault_injection::FaultInjection;
#[cfg(feature = "fault-injection")]
pub use fault_injector::{FaultInjector, Harm, InjectionPoint};
pub use model::{DeviceName, Fresh, ModelSource, ModelVersion, ParseDeviceError};
pub use payload::{Data, Payload};
pub use placement::DeviceCapacity;
pub use quiet_rule::QuietRule;
pub use reaction::Reaction;
pub use runtime::{AgentState, Runtime, RuntimeError, ShutdownReport, WorkerStatus};
pub use skill::{
    BatchSkill, ClientStreaming, Delivery, FlowSkill, ModelSkill, ServerStreaming, Skill,
    SkillSpec, Step,
};
pub use supervision::RuntimeBuilder;
pub use task::{ParseTraceError, TaskOptions, TraceContext};
pub use transport::{Call, Request, SocketClient, SocketServer, Transport, TransportError};
pub use usage::Usage;
