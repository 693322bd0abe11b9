//! The kernel of AI Mass: supervised agents, a ledger of accepted work, and a shared, durable environment.

mod fact;
mod ids;

pub use fact::{BlobHash, Fact, FactDraft, FactKind, ParseKindError, Provenance};
pub use ids::{
    EpisodeId, Epoch, Namespace, ParseIdError, Revision, SpanId, TaskId, TraceId, WorkerId,
};
