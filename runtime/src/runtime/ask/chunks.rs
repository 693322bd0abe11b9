//! Chunks: what a caller sends after its input.

use std::marker::PhantomData;
use std::sync::Arc;

use aimass_environment::TaskId;
use serde_json::Value;

use crate::core::ticket::{Inlet, Ticket};
use crate::error::TaskError;
use crate::payload::Payload;
use crate::skill::ClientStreaming;
use crate::skill::erased::{DynSkill, guarded};

/// The caller's end of a stream of chunks. Dropping it says that all is said.
pub struct Chunks<S: ClientStreaming> {
    inner: RawChunks,
    skill: PhantomData<fn(S)>,
}

/// The caller's end of a stream of chunks as JSON, for callers outside the process. Dropping it says that all is said.
pub struct JsonChunks {
    inner: RawChunks,
    dyn_skill: Arc<dyn DynSkill>,
}

/// The caller's end of a stream of chunks with their types erased.
pub(crate) struct RawChunks {
    inlet: Inlet,
    ticket: Arc<Ticket>,
}

impl<S: ClientStreaming> Chunks<S> {
    pub(crate) fn new(inner: RawChunks) -> Self {
        let skill = PhantomData;
        Self { inner, skill }
    }

    /// Sends a chunk. Waits while the skill has not taken the earlier ones.
    ///
    /// # Errors
    /// [`TaskError::Cancelled`] when the task has ended.
    pub async fn send(&self, chunk: S::Chunk) -> Result<(), TaskError> {
        let bytes = guarded(S::NAME, "chunk_bytes", || S::chunk_bytes(&chunk));
        let chunk = Payload::new(chunk);
        self.inner.send(chunk, bytes?, S::NAME).await
    }
}

impl JsonChunks {
    pub(crate) fn new(inner: RawChunks, dyn_skill: Arc<dyn DynSkill>) -> Self {
        Self { inner, dyn_skill }
    }

    /// The task that takes the chunks.
    pub(crate) fn task(&self) -> TaskId {
        self.inner.ticket.id
    }

    /// Sends a chunk. Waits while the skill has not taken the earlier ones.
    ///
    /// # Errors
    /// [`TaskError::InvalidInput`] for what is no chunk of the skill, which then has not seen it; [`TaskError::Cancelled`] when
    /// the task has ended.
    pub async fn send(&self, chunk: Value) -> Result<(), TaskError> {
        let skill = &self.dyn_skill.spec().name;
        let chunk = self.dyn_skill.decode_chunk(chunk)?;
        let bytes = self.dyn_skill.chunk_bytes(&chunk)?;
        self.inner.send(chunk, bytes, skill).await
    }
}

impl RawChunks {
    pub(crate) fn new(inlet: Inlet, ticket: Arc<Ticket>) -> Self {
        Self { inlet, ticket }
    }

    async fn send(&self, chunk: Payload, bytes: u64, skill: &str) -> Result<(), TaskError> {
        let ended = || TaskError::Cancelled {
            skill: skill.to_owned(),
        };
        let sent = tokio::select! {
            biased;
            () = self.ticket.completed() => false,
            sent = self.inlet.send(chunk, bytes) => sent,
        };
        self.ticket.wake_worker();
        if sent { Ok(()) } else { Err(ended()) }
    }
}

impl Drop for RawChunks {
    fn drop(&mut self) {
        // It must be closed before the worker looks.
        self.inlet.close();
        self.ticket.wake_worker();
    }
}
