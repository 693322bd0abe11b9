//! The environment: the state that all agents share, as an append-only log of facts with what belongs to it.
//!
//! One thread writes. Everything that changes together is one [`Transaction`]; whatever waits for the writer at the same
//! moment is committed as one group. Reads go to [`Snapshot`]s and never wait for the writer.
//!
//! It knows tasks and episodes as records only, and nobody who works at them: that is `aimass-runtime`, which exports again what its users need of this.

mod apply;
mod attempts;
mod blobs;
mod clock;
mod deaths;
mod effect;
mod environment;
mod error;
mod exchange;
mod fact;
mod fact_kind;
#[cfg(feature = "fault-injection")]
mod fault_injection;
mod follow;
mod ids;
mod journal;
mod json_bytes;
mod lock;
mod lock_file;
mod media;
mod model_version;
mod options;
pub mod panics;
mod priority;
mod queue;
mod records;
mod restarts;
mod retention;
mod snapshot;
mod store;
mod tables;
#[cfg(test)]
mod tests;
mod times;
mod trimming;
mod wall;
mod watches;
mod writer;
mod writer_thread;

pub use attempts::{AttemptRecord, BeginningAttempt, InterruptedAttempt, Life};
pub use blobs::{Blob, BlobPart, BlobReader};
pub use clock::{Clock, Time};
pub use deaths::{Deaths, Running};
pub use effect::Effect;
pub use environment::Environment;
pub use error::EnvironmentError;
pub use exchange::Imported;
pub use fact::{BlobHash, Fact, FactDraft, Provenance};
pub use fact_kind::{FactKind, ParseKindError};
#[cfg(feature = "fault-injection")]
pub use fault_injection::Trouble;
pub use follow::{Lagged, Subscription, Watch};
pub use ids::{
    EpisodeId, Epoch, Namespace, ParseIdError, Revision, SpanId, TaskId, TraceId, UploadId,
    WorkerId,
};
pub use json_bytes::json_bytes;
pub use lock_file::LockFile;
pub use model_version::ModelVersion;
pub use options::EnvironmentOptions;
pub use priority::Priority;
pub use queue::block_on;
pub use records::{
    Commit, Condition, DeadLetterRecord, EpisodeRecord, EpisodeStatus, REACTIONS_CURSOR,
    SettledRecord, TaskRecord, Transaction,
};
pub use restarts::Repeated;
pub use retention::{Compaction, Forgotten};
pub use snapshot::{FactFilter, Facts, Snapshot, Superseded};
pub use times::CommitTimes;
