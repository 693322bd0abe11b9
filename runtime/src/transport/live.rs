//! Live streams through a transport: each chunk is a request of its own, whose reply says that there was room for it.

use std::collections::HashMap;
use std::sync::Arc;

use aimass_environment::TaskId;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::local::forward;
use crate::ask::JsonChunks;
use crate::error::TaskError;
use crate::fault::FaultKind;
use crate::runtime::Runtime;
use crate::task::TaskOptions;

/// The streams of one runtime whose callers may send chunks, by their tasks.
#[derive(Default)]
pub(crate) struct LiveStreams(Mutex<HashMap<TaskId, Arc<JsonChunks>>>);

/// A stream that is among them, until this is dropped.
struct Listed<'a> {
    streams: &'a LiveStreams,
    task: TaskId,
}

impl LiveStreams {
    fn list(&self, chunks: JsonChunks) -> Listed<'_> {
        let task = chunks.task();
        self.0.lock().insert(task, Arc::new(chunks));
        let streams = self;
        Listed { streams, task }
    }

    /// Sends a chunk of a stream's, once there is room for it.
    ///
    /// # Errors
    /// [`TaskError::Refused`] when no such stream is open, else as [`JsonChunks::send`].
    pub(super) async fn send(&self, stream: TaskId, chunk: Value) -> Result<Value, TaskError> {
        let found = self.0.lock().get(&stream).cloned();
        let chunks = found.ok_or_else(|| not_open(stream))?;
        chunks.send(chunk).await?;
        Ok(Value::Null)
    }

    /// All chunks of a stream were sent.
    ///
    /// # Errors
    /// [`TaskError::Refused`] when no such stream is open.
    pub(super) fn end(&self, stream: TaskId) -> Result<Value, TaskError> {
        let found = self.0.lock().remove(&stream);
        found.map(|_| Value::Null).ok_or_else(|| not_open(stream))
    }
}

impl Drop for Listed<'_> {
    fn drop(&mut self) {
        self.streams.0.lock().remove(&self.task);
    }
}

/// Asks a skill that takes chunks. The first item says what the stream is called.
pub(super) async fn open(
    runtime: &Runtime,
    skill: &str,
    input: Value,
    options: TaskOptions,
    items: mpsc::Sender<Value>,
) -> Result<Value, TaskError> {
    let (chunks, stream) = runtime.open_json(skill, input, options)?;
    let listed = runtime.inner.live_streams.list(chunks);
    // A caller that is gone has dropped the call, and this future with it.
    let _ = items.send(json!(listed.task)).await;
    forward(stream, skill, &items).await
}

fn not_open(stream: TaskId) -> TaskError {
    TaskError::Refused {
        kind: FaultKind::Rejected,
        message: format!(
            "expected a stream that takes chunks, got {stream}, which has ended or never was; open one first"
        ),
    }
}
