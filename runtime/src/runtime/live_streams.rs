//! Streams that take chunks from outside: callers who have no end of a channel name them by their tasks.

use std::collections::HashMap;
use std::sync::Arc;

use aimass_environment::TaskId;
use parking_lot::Mutex;
use serde_json::Value;

use crate::error::TaskError;
use crate::fault::FaultKind;
use crate::runtime::ask::JsonChunks;

/// The streams of one runtime whose callers may send chunks, by their tasks.
#[derive(Default)]
pub(crate) struct LiveStreams(Mutex<HashMap<TaskId, Arc<JsonChunks>>>);

/// A stream that is among them, until this is dropped.
pub(crate) struct Listed<'a> {
    streams: &'a LiveStreams,
    pub(crate) task: TaskId,
}

impl LiveStreams {
    pub(crate) fn list(&self, chunks: JsonChunks) -> Listed<'_> {
        let task = chunks.task();
        self.0.lock().insert(task, Arc::new(chunks));
        let streams = self;
        Listed { streams, task }
    }

    /// Sends a chunk of a stream's, once there is room for it.
    ///
    /// # Errors
    /// [`TaskError::Refused`] when no such stream is open, else as [`JsonChunks::send`].
    pub(crate) async fn send(&self, stream: TaskId, chunk: Value) -> Result<Value, TaskError> {
        let found = self.0.lock().get(&stream).cloned();
        let chunks = found.ok_or_else(|| not_open(stream))?;
        chunks.send(chunk).await?;
        Ok(Value::Null)
    }

    /// All chunks of a stream were sent.
    ///
    /// # Errors
    /// [`TaskError::Refused`] when no such stream is open.
    pub(crate) fn end(&self, stream: TaskId) -> Result<Value, TaskError> {
        let found = self.0.lock().remove(&stream);
        found.map(|_| Value::Null).ok_or_else(|| not_open(stream))
    }
}

impl Drop for Listed<'_> {
    fn drop(&mut self) {
        self.streams.0.lock().remove(&self.task);
    }
}

fn not_open(stream: TaskId) -> TaskError {
    TaskError::Refused {
        kind: FaultKind::Rejected,
        message: format!(
            "expected a stream that takes chunks, got {stream}, which has ended or never was; open one first"
        ),
    }
}
