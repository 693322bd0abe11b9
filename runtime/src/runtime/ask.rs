//! Asking: a task from the caller's side.

mod chunks;
mod stream;

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::time::Duration;

pub(crate) use chunks::RawChunks;
pub use chunks::{Chunks, JsonChunks};
pub(crate) use stream::RawStream;
pub use stream::{JsonReceived, JsonStream, TaskStream};

use aimass_environment::{EpisodeId, Namespace, Priority, TaskId};

use crate::core::call::{Call, Pending};
use crate::error::TaskError;
use crate::payload::Payload;
use crate::runtime::Runtime;
use crate::skill::{ClientStreaming, ServerStreaming, Skill};
use crate::task::{TaskOptions, TraceContext};

/// A task that is about to be asked. Awaiting it asks; dropping the future cancels.
#[must_use = "nothing is asked until this is awaited or detached"]
pub struct Ask<S: Skill> {
    runtime: Runtime,
    input: S::Input,
    options: TaskOptions,
    durable: bool,
}

impl<S: Skill> Ask<S> {
    pub(crate) fn new(runtime: Runtime, input: S::Input) -> Self {
        Self {
            runtime,
            input,
            options: TaskOptions::default(),
            durable: false,
        }
    }

    /// Makes acceptance and settlement records in the environment: the task outlives the process.
    pub(crate) fn durable(mut self) -> Self {
        self.durable = true;
        self
    }

    /// Says all at once what may be said beside the input.
    pub fn options(mut self, options: TaskOptions) -> Self {
        self.options = options;
        self
    }

    /// How long to wait for the answer.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.options.deadline = Some(deadline);
        self
    }

    /// How urgent it is.
    pub fn priority(mut self, priority: Priority) -> Self {
        self.options.priority = priority;
        self
    }

    /// The tenant; without it, the one of the configuration's `environment.namespace`.
    pub fn namespace(mut self, namespace: Namespace) -> Self {
        self.options.namespace = Some(namespace);
        self
    }

    /// The episode that it belongs to: its settlement and facts are durable then.
    pub fn episode(mut self, episode: EpisodeId) -> Self {
        self.options.episode = Some(episode);
        self
    }

    /// The caller's span.
    pub fn trace(mut self, trace: TraceContext) -> Self {
        self.options.trace = Some(trace);
        self
    }

    /// Asks, and lets the task go on although nobody waits for its answer.
    ///
    /// # Errors
    /// As awaiting would, as far as it is known at once: an unknown skill, a refusal, or a store that takes nothing.
    pub async fn detach(self) -> Result<TaskId, TaskError> {
        self.call().await?.detach()
    }

    async fn call(self) -> Result<Pending, TaskError> {
        let durable = self.durable || self.options.episode.is_some();
        let (runtime, call) = self.into_call()?;
        if durable {
            runtime.call_durable(call).await
        } else {
            runtime.call(call)
        }
    }

    fn into_call(self) -> Result<(Runtime, Call), TaskError> {
        let input = Payload::new(self.input);
        let route = self.runtime.inner.router.find(S::NAME)?;
        let bytes = route.skill().dyn_skill.bytes(&input)?;
        let call = Call::new(S::NAME, input, bytes, self.options);
        Ok((self.runtime, call))
    }
}

impl<S: ServerStreaming> Ask<S> {
    /// Asks, and listens to the items. A stream dies with its process, be it part of an episode or not.
    ///
    /// # Errors
    /// [`TaskError::UnknownSkill`]; everything else ends the stream.
    pub fn stream(self) -> Result<TaskStream<S>, TaskError> {
        let (runtime, call) = self.into_call()?;
        Ok(TaskStream::new(runtime.listen(call)?))
    }

    /// Asks durably, and listens to the items: the task goes on without a listener and in the next process, and [`Runtime::resume_stream`] listens to
    /// it again. [`TaskStream::cancel`] cancels it.
    ///
    /// # Errors
    /// As awaiting would; [`TaskError::Rejected`] when the skill's stream cannot go on.
    pub async fn stream_durable(self) -> Result<TaskStream<S>, TaskError> {
        let (runtime, call) = self.into_call()?;
        Ok(TaskStream::new(runtime.listen_durably(call).await?))
    }
}

impl<S: ClientStreaming + ServerStreaming> Ask<S> {
    /// Asks, sends chunks, and listens to the items. Drop the chunks' end to say that all is said.
    ///
    /// # Errors
    /// [`TaskError::UnknownSkill`]; everything else ends the stream.
    pub fn open(self) -> Result<(Chunks<S>, TaskStream<S>), TaskError> {
        let (runtime, call) = self.into_call()?;
        let (chunks, items) = runtime.converse(call)?;
        Ok((Chunks::new(chunks), TaskStream::new(items)))
    }
}

impl<S: Skill> IntoFuture for Ask<S> {
    type Output = Result<S::Output, TaskError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let output = self.call().await?.await?;
            output.read().map_err(|other| {
                TaskError::unexpected_type::<S::Output>(S::NAME, "an output", other.type_name())
            })
        })
    }
}
