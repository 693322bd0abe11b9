//! What a skill sees of the runtime while it works.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use aimass_environment::{Environment, FactDraft, Namespace, Time};
use serde_json::Value;

use crate::batch::BatchIndex;
use crate::error::TaskError;
use crate::fault::Fault;
use crate::model::DeviceName;
use crate::payload::{Data, Payload};
use crate::skill::Skill;
use crate::skill::operation::Operation;
use crate::skill::views::Views;
use crate::usage::Usage;
use aimass_environment::ModelVersion;

/// What a model skill sees of the runtime during one call.
pub struct StepContext<'a> {
    host: &'a mut dyn JobHost,
}

/// The worker's side of a [`StepContext`]: one for each job.
pub(crate) trait JobHost {
    fn now(&self) -> Time;
    fn device(&self) -> DeviceName;
    fn model_version(&self) -> &ModelVersion;
    fn members(&self) -> u32;
    fn is_cancelled(&self, member: BatchIndex) -> bool;
    fn deadline(&self, member: BatchIndex) -> Option<Time>;
    fn has_room(&self, member: BatchIndex) -> bool;
    fn emit(&mut self, member: BatchIndex, item: Payload) -> Result<(), Fault>;
    fn delivered(&mut self, member: BatchIndex) -> Result<Vec<Payload>, Fault>;
    fn publish(&mut self, member: BatchIndex, fact: FactDraft) -> Result<(), Fault>;
    fn next_chunk(&mut self, member: BatchIndex) -> Chunk<Payload>;
    fn progress(&mut self, member: BatchIndex, done: f32);
    fn count(&mut self, member: BatchIndex, usage: Usage);
}

/// What a member's stream of chunks has to offer at this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chunk<T> {
    /// The next chunk.
    Item(T),
    /// None yet: return [`Step::Waiting`](crate::Step::Waiting) when no member has anything to do.
    Pending,
    /// The caller has said all.
    End,
}

impl<'a> StepContext<'a> {
    pub(crate) fn new(host: &'a mut dyn JobHost) -> Self {
        Self { host }
    }

    /// This moment, on the runtime's clock.
    pub fn now(&self) -> Time {
        self.host.now()
    }

    /// The device that the worker was placed on.
    pub fn device(&self) -> DeviceName {
        self.host.device()
    }

    /// The version of the model that this job began with: the key of caches, embeddings and indexes.
    pub fn model_version(&self) -> &ModelVersion {
        self.host.model_version()
    }

    /// How many members the job has had so far, settled ones included.
    pub fn members(&self) -> u32 {
        self.host.members()
    }

    /// Whether nobody waits for this member any more. Its work may be left out; its outcome would be discarded.
    pub fn is_cancelled(&self, member: BatchIndex) -> bool {
        self.host.is_cancelled(member)
    }

    /// When the member's caller stops waiting.
    pub fn deadline(&self, member: BatchIndex) -> Option<Time> {
        self.host.deadline(member)
    }

    /// Whether the member's caller has taken enough items to be sent more. A skill that serves several streams in one job leaves out those
    /// whose callers are slow, so that the others do not wait for them.
    pub fn has_room(&self, member: BatchIndex) -> bool {
        self.host.has_room(member)
    }

    /// Sends an item to the member's caller. Never waits: what the caller's buffer has no room for is kept, and while no
    /// member has room, or too much is kept for one, the job rests after this step and its worker serves others. An item that nobody asked for (a plain `ask` of a streaming skill) is left out.
    ///
    /// # Errors
    /// A fault when nobody waits for the task any more.
    pub fn emit<T: Data>(&mut self, member: BatchIndex, item: T) -> Result<(), Fault> {
        self.host.emit(member, Payload::new(item))
    }

    /// Returns the items that the member's caller was sent by attempts that were lost, of a skill whose stream goes on
    /// ([`SkillSpec::continues`](crate::SkillSpec::continues)). An attempt that asks for them sends the one after the last of them next. One that does not
    /// ask sends all items again, and those that were delivered are left out. There are none in a first attempt, and none when
    /// there were more than are kept.
    ///
    /// # Errors
    /// A fault when a delivered item is no `T`.
    pub fn delivered<T: Data>(&mut self, member: BatchIndex) -> Result<Vec<Arc<T>>, Fault> {
        typed_items(self.host.delivered(member)?)
    }

    /// Publishes a fact in the environment, together with the member's settlement or not at all.
    ///
    /// # Errors
    /// A fault when the fact is too large, alone or with those before it, or its key cannot be one: it names the fact's kind, its size and the
    /// limit. The fact is left out then.
    pub fn publish(&mut self, member: BatchIndex, fact: FactDraft) -> Result<(), Fault> {
        self.host.publish(member, fact)
    }

    /// The next chunk of the member's input stream.
    ///
    /// # Errors
    /// A fault when the caller sent something that is not a `T`.
    pub fn next_chunk<T: Data>(&mut self, member: BatchIndex) -> Result<Chunk<T>, Fault> {
        Ok(match self.host.next_chunk(member) {
            Chunk::Pending => Chunk::Pending,
            Chunk::End => Chunk::End,
            Chunk::Item(payload) => Chunk::Item(payload.take().map_err(|other: Payload| {
                Fault::rejected(format!(
                    "expected a chunk of {}, got {}",
                    std::any::type_name::<T>(),
                    other.type_name()
                ))
            })?),
        })
    }

    /// Tells observers how much of the member's work is done, from 0 to 1. What is less or more is told as one of these; what is no number is not.
    pub fn progress(&mut self, member: BatchIndex, done: f32) {
        self.host.progress(member, done);
    }

    /// Tells observers what the member has used of the model, beside what was counted before. A member that there is not is left out.
    pub fn count(&mut self, member: BatchIndex, usage: Usage) {
        self.host.count(member, usage);
    }
}

/// What a flow sees of the runtime. Cloning it shares it.
#[derive(Clone)]
pub struct FlowContext {
    host: Arc<dyn FlowHost>,
}

pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The runtime's side of a [`FlowContext`].
pub(crate) trait FlowHost: Send + Sync {
    fn now(&self) -> Time;
    fn deadline(&self) -> Option<Time>;
    fn ask(&self, skill: &str, input: Payload) -> BoxFuture<'_, Result<Payload, TaskError>>;
    fn ask_json(&self, skill: &str, input: Value) -> BoxFuture<'_, Result<Value, TaskError>>;
    fn emit(&self, item: Payload) -> BoxFuture<'_, Result<(), Fault>>;
    fn delivered(&self) -> Vec<Payload>;
    fn publish(&self, fact: FactDraft) -> Result<(), Fault>;
    fn next_chunk(&self) -> BoxFuture<'_, Option<Payload>>;
    fn environment(&self) -> &Environment;
    fn namespace(&self) -> &Namespace;
    fn is_cancelled(&self) -> bool;
    fn views(&self) -> Views;
    fn skill_for(&self, operation: Operation) -> Option<String>;
}

impl FlowContext {
    pub(crate) fn new(host: Arc<dyn FlowHost>) -> Self {
        Self { host }
    }

    /// This moment, on the runtime's clock.
    pub fn now(&self) -> Time {
        self.host.now()
    }

    /// When the flow's caller stops waiting.
    pub fn deadline(&self) -> Option<Time> {
        self.host.deadline()
    }

    /// The shared environment, to read: it holds the facts of all tenants, and [`Self::namespace`] says whose work this is. What the
    /// flow wants to say goes through [`Self::publish`].
    pub fn environment(&self) -> &Environment {
        self.host.environment()
    }

    /// The tenant that the task belongs to, and with it whatever the flow asks for and publishes.
    pub fn namespace(&self) -> &Namespace {
        self.host.namespace()
    }

    /// Returns the name of a skill of the team that does this, the first one by the order of its agents; none when no agent offers one.
    pub fn skill_for(&self, operation: Operation) -> Option<String> {
        self.host.skill_for(operation)
    }

    /// What the team shows of facts, whoever found them: the way to understand a fact without knowing its agent's types.
    pub fn views(&self) -> Views {
        self.host.views()
    }

    /// Runs `work` where blocking harms nobody: reading the environment or files.
    ///
    /// # Errors
    /// A fault when it panics.
    pub async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Fault> {
        let done = tokio::task::spawn_blocking(work).await;
        done.map_err(|error| Fault::bug(format!("the flow's blocking work failed: {error}")))
    }

    /// Whether nobody waits for the flow any more. It is dropped at its next wait in any case.
    pub fn is_cancelled(&self) -> bool {
        self.host.is_cancelled()
    }

    /// Asks another skill, within this flow's deadline, priority, trace and cancellation.
    ///
    /// # Errors
    /// As [`Runtime::ask`](crate::Runtime::ask); and [`TaskError::Cycle`] when the skill is already on the way to this call.
    pub async fn ask<S: Skill>(&self, input: S::Input) -> Result<S::Output, TaskError> {
        let output = self.host.ask(S::NAME, Payload::new(input)).await?;
        output.read().map_err(|other| {
            TaskError::unexpected_type::<S::Output>(S::NAME, "an output", other.type_name())
        })
    }

    /// As [`Self::ask`], of a skill that is known by its name only, in JSON: of another agent's, which a team may have or not.
    ///
    /// # Errors
    /// As [`Self::ask`]; and [`TaskError::UnknownSkill`], [`TaskError::InvalidInput`].
    pub async fn ask_json(&self, skill: &str, input: Value) -> Result<Value, TaskError> {
        self.host.ask_json(skill, input).await
    }

    /// Sends an item to the caller. Waits while the caller's buffer is full.
    ///
    /// # Errors
    /// A fault when the skill does not stream, or when nobody listens any more.
    pub async fn emit<T: Data>(&self, item: T) -> Result<(), Fault> {
        self.host.emit(Payload::new(item)).await
    }

    /// Returns the items that the caller was sent by attempts that were lost: see [`StepContext::delivered`].
    ///
    /// # Errors
    /// A fault when a delivered item is no `T`.
    pub fn delivered<T: Data>(&self) -> Result<Vec<Arc<T>>, Fault> {
        typed_items(self.host.delivered())
    }

    /// Publishes a fact, together with the flow's settlement or not at all.
    ///
    /// # Errors
    /// A fault when the fact is too large, alone or with those before it, or its key cannot be one: it names the fact's kind, its size and the
    /// limit. The fact is left out then.
    pub fn publish(&self, fact: FactDraft) -> Result<(), Fault> {
        self.host.publish(fact)
    }

    /// The next chunk of the caller's stream; none when the caller has said all.
    ///
    /// # Errors
    /// A fault when the caller sent something that is not a `T`.
    pub async fn next_chunk<T: Data>(&self) -> Result<Option<T>, Fault> {
        let Some(payload) = self.host.next_chunk().await else {
            return Ok(None);
        };
        payload.take().map(Some).map_err(|other| {
            Fault::rejected(format!(
                "expected a chunk of {}, got {}",
                std::any::type_name::<T>(),
                other.type_name()
            ))
        })
    }
}

fn typed_items<T: Data>(items: Vec<Payload>) -> Result<Vec<Arc<T>>, Fault> {
    let items = items.into_iter().map(|item| {
        item.get::<T>().ok_or_else(|| {
            let expected = std::any::type_name::<T>();
            let got = item.type_name();
            Fault::bug(format!("expected delivered items of {expected}, got {got}"))
        })
    });
    items.collect()
}
