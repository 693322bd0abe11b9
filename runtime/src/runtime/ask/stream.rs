//! Streams: tasks that send items, take chunks, or both.

use std::marker::PhantomData;

use serde_json::Value;

use crate::core::call::Pending;
use crate::error::TaskError;
use crate::payload::Payload;
use crate::skill::{ServerStreaming, Skill};

/// How many items wait for a slow reader before its task rests.
pub(crate) const ITEM_BUFFER: usize = 64;

/// The items of a task, in order, and its output at the end. Dropping it cancels the task.
pub struct TaskStream<S: ServerStreaming> {
    inner: RawStream,
    skill: PhantomData<fn() -> S>,
}

/// What a stream has to say next.
#[derive(Debug)]
enum Heard {
    Item(Payload),
    End(Result<Payload, TaskError>),
}

/// The items of a task with their types erased.
pub(crate) struct RawStream {
    items: flume::Receiver<Payload>,
    pending: Option<Pending>,
    last: Option<Result<Payload, TaskError>>,
    /// Something came that cannot be given on: that was the end.
    broken: bool,
}

impl RawStream {
    pub(crate) fn new(items: flume::Receiver<Payload>, pending: Pending) -> Self {
        Self {
            items,
            pending: Some(pending),
            last: None,
            broken: false,
        }
    }

    /// Ends the stream by an error of its own; its task is cancelled.
    fn break_off(&mut self, error: TaskError) -> TaskError {
        (self.pending, self.last, self.broken) = (None, None, true);
        error
    }

    /// The next item, or the end; nothing after the end.
    async fn hear(&mut self) -> Option<Heard> {
        if let Some(pending) = &mut self.pending {
            tokio::select! {
                biased;
                Ok(item) = self.items.recv_async() => {
                    self.make_room(&item);
                    return Some(Heard::Item(item));
                }
                reply = &mut *pending => self.last = Some(reply),
            }
            self.pending = None;
        }
        if self.broken {
            return None;
        }
        // The reply comes after the last item was sent: what is still in the buffer comes before the end.
        if let Ok(item) = self.items.try_recv() {
            return Some(Heard::Item(item));
        }
        self.last.take().map(Heard::End)
    }

    /// The next item; none at the end, whatever that is.
    #[cfg(feature = "fault-injection")]
    pub(crate) async fn next_item(&mut self) -> Option<Payload> {
        match self.hear().await? {
            Heard::Item(item) => Some(item),
            Heard::End(_) => None,
        }
    }

    /// A job that rests because the buffer was full goes on.
    fn make_room(&self, _taken: &Payload) {
        if let Some(pending) = self
            .pending
            .as_ref()
            .filter(|_| self.items.len() + 1 >= ITEM_BUFFER)
        {
            pending.ticket.wake_worker();
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

    /// The next item: none at the end, after which [`Self::output`] has the output.
    ///
    /// # Errors
    /// What ended the stream. [`TaskError::Interrupted`] when it broke off after its first item.
    pub async fn next(&mut self) -> Option<Result<S::Item, TaskError>> {
        match self.inner.hear().await? {
            Heard::Item(item) => Some(item.take().map_err(|other| {
                let found = other.type_name();
                let error = TaskError::unexpected_type::<S::Item>(S::NAME, "an item", found);
                self.inner.break_off(error)
            })),
            Heard::End(Err(error)) => Some(Err(error)),
            Heard::End(Ok(output)) => {
                self.inner.last = Some(Ok(output));
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
            match self.inner.hear().await {
                Some(Heard::Item(_)) => {}
                Some(Heard::End(end)) => return typed_output::<S>(end?),
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
    output.take().map_err(|other| {
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
pub enum JsonHeard {
    /// The next item.
    Item(Value),
    /// The output: nothing follows.
    Output(Value),
}

impl JsonStream {
    pub(crate) fn new(skill: &str, inner: RawStream) -> Self {
        Self {
            inner,
            skill: skill.to_owned(),
        }
    }

    /// The next item, or the output; nothing after it.
    ///
    /// # Errors
    /// What ended the stream.
    pub async fn next(&mut self) -> Option<Result<JsonHeard, TaskError>> {
        let json = match self.inner.hear().await? {
            Heard::Item(item) => item.to_json().map(JsonHeard::Item),
            Heard::End(Ok(output)) => output.to_json().map(JsonHeard::Output),
            Heard::End(Err(error)) => return Some(Err(error)),
        };
        Some(json.map_err(|message| {
            let skill = self.skill.clone();
            self.inner.break_off(TaskError::Bug { skill, message })
        }))
    }
}
