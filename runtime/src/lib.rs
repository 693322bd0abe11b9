//! The kernel of AI Mass: supervised agents, a ledger of accepted work, and a shared, durable environment.
//!
#![doc = include_str!("guarantees.md")]

// Leaves: types that stand for themselves.
mod batch;
mod error;
mod fault;
mod fault_injection;
#[cfg(feature = "fault-injection")]
mod fault_injector;
pub mod file_kind;
mod model;
mod pause;
mod payload;
mod restart;
mod spawn;
mod task;
mod usage;
mod view;

// Folders. The repository's test `layers` holds who may use whom; lower first:
// ledger <- observer, skill <- core <- worker, reactions <- runtime <- node <- supervision
mod core;
mod ledger;
mod node;
mod observer;
mod reactions;
mod runtime;
mod skill;
mod supervision;
mod worker;

#[cfg(feature = "fault-injection")]
pub use aimass_environment::Trouble;
pub use aimass_environment::{
    AttemptRecord, BeginningAttempt, Blob, BlobHash, BlobPart, BlobReader, Clock, Commit,
    CommitTimes, Compaction, Condition, DeadLetterRecord, Deaths, Effect, Environment,
    EnvironmentError, EnvironmentOptions, EpisodeId, EpisodeRecord, EpisodeStatus, Epoch, Fact,
    FactDraft, FactFilter, FactKind, Facts, Forgotten, Imported, InterruptedAttempt, Lagged, Life,
    ModelVersion, Namespace, ParseIdError, ParseKindError, Priority, Provenance, REACTIONS_CURSOR,
    Repeated, Revision, Running, SettledRecord, Snapshot, SpanId, Subscription, Superseded, TaskId,
    TaskRecord, Time, TraceId, Transaction, UploadId, Watch, WorkerId, json_bytes,
};

pub use aimass_locale::{Locale, Text, text};
pub use batch::{BatchIndex, BatchKey};
pub use core::board::{ServiceState, ServiceStatus};
pub use core::placement::DeviceCapacity;
pub use error::TaskError;
pub use fault::{Fault, FaultKind};
#[cfg(feature = "fault-injection")]
pub use fault_injection::FaultInjection;
#[cfg(feature = "fault-injection")]
pub use fault_injector::{FaultInjector, Harm, InjectionPoint};
pub use file_kind::{FileKind, FileKinds, Noun, audio_type, content_type};
pub use model::{DeviceName, Fresh, ModelSource, ParseDeviceError};
pub use node::{
    Call, Caller, CallerTransport, Item, ItemSender, Records, Request, Right, ShownFact,
    SocketClient, SocketServer, Transport, TransportError, put_blob, read_blob,
};
pub use observer::{
    AgentChanged, AttemptInterrupted, CallerSpan, EpisodeFinished, Note, Observer, Place, Record,
    Recorder, ServiceChange, ServiceChanged, SpanPlace, TaskFinished, TaskNote, TaskOutcome,
    WeakRuntime, WorkerChange, WorkerChanged,
};
pub use payload::{Data, Payload};
pub use reactions::{
    Episode, EpisodeReport, InputFailure, InputProblem, RunningEpisode, TaskFailure, file_kinds,
};
pub use runtime::ask::{Ask, Chunks, JsonChunks, JsonReceived, JsonStream, TaskStream};
pub use runtime::{AgentState, Runtime, RuntimeError, ShutdownReport, WorkerStatus};
pub use skill::context::{Chunk, FlowContext, StepContext};
pub use skill::definition::{Agent, AgentDefinition, WorkerGroup};
pub use skill::idle_rule::IdleRule;
pub use skill::operation::Operation;
pub use skill::reaction::Reaction;
pub use skill::views::Views;
pub use skill::{
    BatchSkill, ClientStreaming, Delivery, FlowSkill, ModelSkill, ServerStreaming, Skill,
    SkillSpec, Step,
};
pub use supervision::RuntimeBuilder;
pub use task::{ParseTraceError, TaskOptions, TraceContext};
pub use usage::Usage;
pub use view::{
    Author, Axis, Curve, Edge, Evidence, Excerpt, Extent, FactView, FoundLanguage, Meaning, Panel,
    Passage, PictureBox, Reference, ReportView, Section, Sentence, Track, TrackPoint,
};
