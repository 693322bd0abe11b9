//! Live streams through a transport: each chunk is a request of its own, whose reply says that there was room for it.

use serde_json::{Value, json};

use super::ItemSender;
use super::local::forward;
use crate::error::TaskError;
use crate::runtime::Runtime;
use crate::task::TaskOptions;

/// Asks a skill that takes chunks. The first item says what the stream is called.
pub(super) async fn open(
    runtime: &Runtime,
    skill: &str,
    input: Value,
    options: TaskOptions,
    items: ItemSender,
) -> Result<Value, TaskError> {
    let (chunks, stream) = runtime.open_json(skill, input, options)?;
    let listed = runtime.inner.live_streams.list(chunks);
    // A caller that is gone has dropped the call, and this future with it.
    let _ = items.send(json!(listed.task)).await;
    forward(stream, skill, &items).await
}
