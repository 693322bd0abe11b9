//! Streams: tasks that send items, take chunks, or both.

use std::marker::PhantomData;
use std::sync::{Arc, Weak};

use aimass_environment::TaskId;
use serde_json::Value;

use crate::core::AgentCore;
use crate::core::call::Pending;
use crate::core::ticket::{ItemReader, Received, Ticket};
use crate::error::TaskError;
use crate::payload::Payload;
use crate::skill::{ServerStreaming, Skill};

/// The items of a task, in order, and its output at the end. Dropping it cancels the task, unless it is durable.
pub struct TaskStream<S: ServerStreaming> {
    inner: RawStream,
    skill: PhantomData<fn() -> S>,
}

/// The items of a task with their types erased.
pub(crate) struct RawStream {
    reader: ItemReader,
    ticket: Arc<Ticket>,
    core: Weak<AgentCore>,
    /// Cancels the task when this is dropped; none of a durable one, which goes on.
    pending: Option<Pending>,
    /// The output, kept for whoever asks for it after the end of the items.
    output: Option<Payload>,
    /// Nothing is heard any more.
    ended: bool,
}

impl RawStream {
    /// The stream of a task that is cancelled when nobody listens any more.
    pub(crate) fn new(reader: ItemReader, pending: Pending) -> Self {
        let core = Arc::downgrade(&pending.core);
        let stream = Self::attached(reader, pending.ticket.clone(), core);
        Self {
            pending: Some(pending),
            ..stream
        }
    }

    /// The stream of a task that goes on without a listener.
    pub(crate) fn attached(reader: ItemReader, ticket: Arc<Ticket>, core: Weak<AgentCore>) -> Self {
        Self {
            reader,
            ticket,
            core,
            pending: None,
            output: None,
            ended: false,
        }
    }

    pub(crate) fn skill_name(&self) -> Arc<str> {
        self.ticket.skill_name.clone()
    }

    fn cancel(&self) {
        if let Some(core) = self.core.upgrade() {
            core.cancel(self.ticket.id);
        }
    }

    /// Ends the stream by an error of its own; its task is cancelled.
    fn break_off(&mut self, error: TaskError) -> TaskError {
        (self.pending, self.ended) = (None, true);
        error
    }

    /// The next item, or the end; nothing after the end.
    async fn recv(&mut self) -> Option<Received> {
        if self.ended {
            return None;
        }
        let received = self.reader.next().await.unwrap_or_else(|| {
            Received::End(Err(TaskError::Interrupted {
                skill: self.ticket.skill_name.to_string(),
                delivered: self.ticket.delivered(),
                message: "another reader listens to it now".to_owned(),
            }))
        });
        match &received {
            // A job that rests because the buffer was full goes on.
            Received::Item(_) if self.reader.is_behind() => self.ticket.wake_worker(),
            Received::Item(_) => {}
            Received::End(_) => {
                self.ended = true;
                self.pending.take().into_iter().for_each(Pending::let_go);
            }
        }
        Some(received)
    }

    /// The next item; none at the end, whatever that is.
    #[cfg(feature = "fault-injection")]
    pub(crate) async fn next_item(&mut self) -> Option<Payload> {
        match self.recv().await? {
            Received::Item(item) => Some(item),
            Received::End(_) => None,
        }
    }
}

impl<S: ServerStreaming> TaskStream<S> {
    pub(crate) fn new(inner: RawStream) -> Self {
        Self {
            inner,
            skill: PhantomData,
        }
    }

    /// Returns the id of the task.
    pub fn task(&self) -> TaskId {
        self.inner.ticket.id
    }

    /// Returns the number of the next item, from 0: how many items a caller has that took them all.
    pub fn position(&self) -> u64 {
        self.inner.reader.position()
    }

    /// Cancels the task, a durable one too.
    pub fn cancel(self) {
        self.inner.cancel();
    }

    /// The next item: none at the end, after which [`Self::output`] has the output.
    ///
    /// # Errors
    /// What ended the stream. [`TaskError::Interrupted`] when it broke off after its first item.
    pub async fn next(&mut self) -> Option<Result<S::Item, TaskError>> {
        match self.inner.recv().await? {
            Received::Item(item) => Some(item.read().map_err(|other| {
                let found = other.type_name();
                let error = TaskError::unexpected_type::<S::Item>(S::NAME, "an item", found);
                self.inner.break_off(error)
            })),
            Received::End(Err(error)) => Some(Err(error)),
            Received::End(Ok(output)) => {
                self.inner.output = Some(output);
                None
            }
        }
    }

    /// The output, after all items that are left.
    ///
    /// # Errors
    /// What ended the stream.
    pub async fn output(mut self) -> Result<S::Output, TaskError> {
        loop {
            if let Some(output) = self.inner.output.take() {
                return typed_output::<S>(output);
            }
            match self.inner.recv().await {
                Some(Received::Item(_)) => {}
                Some(Received::End(end)) => return typed_output::<S>(end?),
                None => {
                    return Err(TaskError::Cancelled {
                        skill: S::NAME.to_owned(),
                    });
                }
            }
        }
    }
}

fn typed_output<S: Skill>(output: Payload) -> Result<S::Output, TaskError> {
    output.read().map_err(|other| {
        TaskError::unexpected_type::<S::Output>(S::NAME, "an output", other.type_name())
    })
}

/// The items of a task as JSON, for callers outside the process. Dropping it cancels the task.
pub struct JsonStream {
    inner: RawStream,
    skill: String,
}

/// What a stream of JSON has to say next.
#[derive(Debug, Clone, PartialEq)]
pub enum JsonReceived {
    /// The next item.
    Item(Value),
    /// The output: nothing follows.
    Output(Value),
}

impl JsonStream {
    /// Returns the skill's whole name.
    pub(crate) fn skill(&self) -> &str {
        &self.skill
    }

    pub(crate) fn new(skill: &str, inner: RawStream) -> Self {
        Self {
            inner,
            skill: skill.to_owned(),
        }
    }

    /// Returns the id of the task.
    pub fn task(&self) -> TaskId {
        self.inner.ticket.id
    }

    /// Returns the number of the next item, from 0: how many items a caller has that took them all.
    pub fn position(&self) -> u64 {
        self.inner.reader.position()
    }

    /// Cancels the task, a durable one too.
    pub fn cancel(self) {
        self.inner.cancel();
    }

    /// The next item, or the output; nothing after it.
    ///
    /// # Errors
    /// What ended the stream.
    pub async fn next(&mut self) -> Option<Result<JsonReceived, TaskError>> {
        let json = match self.inner.recv().await? {
            Received::Item(item) => item.to_json().map(JsonReceived::Item),
            Received::End(Ok(output)) => output.to_json().map(JsonReceived::Output),
            Received::End(Err(error)) => return Some(Err(error)),
        };
        Some(json.map_err(|message| {
            let skill = self.skill.clone();
            self.inner.break_off(TaskError::Bug { skill, message })
        }))
    }
}
