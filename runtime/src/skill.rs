//! Skills: the typed operations that agents offer, and the contract that their authors fill in.
//!
//! A [`Skill`] is the typed face that callers name. Behind it stands either a [`ModelSkill`], which runs on a worker's
//! thread beside its model and asks nobody, or a [`FlowSkill`], which is async, owns no model and asks other skills.
//! Most model skills answer a batch in one go: those implement [`BatchSkill`] instead, and are model skills by that.

pub(crate) mod context;
pub(crate) mod definition;
pub(crate) mod erased;
mod given;
pub(crate) mod idle_rule;
mod json_flow;
pub(crate) mod model_source;
pub(crate) mod operation;
pub(crate) mod paths;
pub(crate) mod reaction;
pub(crate) mod settings;
pub(crate) mod views;

use std::future::Future;
use std::sync::Arc;

use aimass_environment::{Effect, json_bytes};
use schemars::Schema;
use serde::{Deserialize, Serialize};

use crate::batch::{BatchIndex, BatchKey};
use crate::fault::Fault;
use crate::payload::{Data, Payload};
use crate::skill::context::{FlowContext, StepContext};
use crate::skill::operation::Operation;

/// One typed operation of one agent.
pub trait Skill: Send + Sync + 'static {
    /// The whole name, `agent.operation`.
    const NAME: &'static str;
    /// What it takes.
    type Input: Data;
    /// What it gives.
    type Output: Data;

    /// What callers and tools need to know about it.
    fn spec(&self) -> SkillSpec;

    /// How many bytes of the agent's capacity `input` takes until its task is settled.
    fn input_bytes(&self, input: &Self::Input) -> u64 {
        json_bytes(input)
    }
}

/// A skill that sends items while it works, and its output at the end.
pub trait ServerStreaming: Skill {
    /// What it sends.
    type Item: Data;
}

/// A skill that takes chunks while it works: live audio, for one.
pub trait ClientStreaming: Skill {
    /// What it takes after its input.
    type Chunk: Data;

    /// How many bytes `chunk` takes while it waits for the skill, and while it is kept for an attempt that has to start over.
    fn chunk_bytes(chunk: &Self::Chunk) -> u64 {
        json_bytes(chunk)
    }
}

/// A skill that runs on a worker, beside its model.
///
/// A job is the work on one batch: `begin`, then `step` until it says [`Step::Finished`], then `finish`. Between two steps
/// the runtime looks after deadlines, cancellation, more urgent work, a new version of the model and shutdown; so a step should be
/// short beside the agent's `step_limit`. Every call may panic: the job is then lost, the worker is rebuilt, and its tasks run again.
pub trait ModelSkill: Skill {
    /// What the worker owns, and builds anew after a panic. It never leaves its thread.
    type Model: 'static;
    /// The state of the work on one batch.
    type Job: 'static;

    /// Inputs of the same batch key may share a batch.
    fn batch_key(&self, input: &Self::Input) -> BatchKey {
        let _ = input;
        BatchKey::default()
    }

    /// Starts the work on `inputs`, which are the job's members 0 to `inputs.len() - 1`.
    ///
    /// # Errors
    /// A fault of the whole batch. A fault of one member is reported by `step` or `finish`.
    fn begin(
        &self,
        model: &mut Self::Model,
        inputs: Vec<Arc<Self::Input>>,
        context: &mut StepContext<'_>,
    ) -> Result<Self::Job, Fault>;

    /// Takes further members into a running job; they are numbered on from the last one. Gives the inputs back when the job
    /// cannot take them, which is what it does unless the skill knows continuous batching.
    ///
    /// # Errors
    /// The inputs, unused.
    fn join(
        &self,
        model: &mut Self::Model,
        job: &mut Self::Job,
        inputs: Vec<Arc<Self::Input>>,
        context: &mut StepContext<'_>,
    ) -> Result<(), Vec<Arc<Self::Input>>> {
        let _ = (model, job, context);
        Err(inputs)
    }

    /// Does the next piece of the work.
    ///
    /// # Errors
    /// A fault of all members that are not settled yet.
    fn step(
        &self,
        model: &mut Self::Model,
        job: &mut Self::Job,
        context: &mut StepContext<'_>,
    ) -> Result<Step<Self::Output>, Fault>;

    /// The outcome of each member that no step has settled, after [`Step::Finished`]. A skill whose steps settle all its members has no need
    /// of it; a member without an outcome is answered by a fault that says so.
    fn finish(
        &self,
        model: &mut Self::Model,
        job: Self::Job,
        context: &mut StepContext<'_>,
    ) -> Vec<(BatchIndex, Result<Self::Output, Fault>)> {
        let _ = (model, job, context);
        Vec::new()
    }
}

/// A model skill that answers its whole batch in one step.
pub trait BatchSkill: Skill {
    /// What the worker owns, and builds anew after a panic.
    type Model: 'static;

    /// Inputs of the same batch key may share a batch.
    fn batch_key(&self, input: &Self::Input) -> BatchKey {
        let _ = input;
        BatchKey::default()
    }

    /// One outcome for each input, in their order.
    fn run(
        &self,
        model: &mut Self::Model,
        inputs: &[Arc<Self::Input>],
        context: &mut StepContext<'_>,
    ) -> Vec<Result<Self::Output, Fault>>;
}

impl<S: BatchSkill> ModelSkill for S {
    type Model = <S as BatchSkill>::Model;
    type Job = Vec<Arc<S::Input>>;

    fn batch_key(&self, input: &S::Input) -> BatchKey {
        BatchSkill::batch_key(self, input)
    }

    fn begin(
        &self,
        _: &mut Self::Model,
        inputs: Vec<Arc<S::Input>>,
        _: &mut StepContext<'_>,
    ) -> Result<Self::Job, Fault> {
        Ok(inputs)
    }

    fn step(
        &self,
        model: &mut Self::Model,
        job: &mut Self::Job,
        context: &mut StepContext<'_>,
    ) -> Result<Step<S::Output>, Fault> {
        let outcomes = self.run(model, job, context);
        if outcomes.len() != job.len() {
            return Err(Fault::bug(format!(
                "`{}` answered {} of {} inputs; `run` must give one outcome for each",
                S::NAME,
                outcomes.len(),
                job.len()
            )));
        }
        Ok(Step::Settled(
            outcomes
                .into_iter()
                .enumerate()
                .map(|(at, outcome)| (BatchIndex(at as u32), outcome))
                .collect(),
        ))
    }
}

/// A skill that asks other skills and owns no model. What it asks inherits its deadline, priority, trace and cancellation.
pub trait FlowSkill: Skill {
    /// The work. Dropping the future cancels what it has asked for.
    fn run(
        &self,
        input: Arc<Self::Input>,
        context: FlowContext,
    ) -> impl Future<Output = Result<Self::Output, Fault>> + Send;
}

/// What became of one step.
#[derive(Debug)]
pub enum Step<Output> {
    /// There is more to do.
    Continue,
    /// These members are done; the others, if any, go on. The job ends with its last member.
    Settled(Vec<(BatchIndex, Result<Output, Fault>)>),
    /// Nothing can be done until a chunk comes: the worker serves others meanwhile.
    Waiting,
    /// All is done: `finish` has the outcomes.
    Finished,
}

/// How input and output travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// One input, one output.
    Unary,
    /// One input, numbered items, one output.
    ServerStreaming,
    /// One input, chunks, numbered items, one output.
    ClientStreaming,
}

/// What callers and tools need to know about a skill.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SkillSpec {
    /// The whole name, `agent.operation`.
    pub name: String,
    /// One sentence: what it does.
    pub description: String,
    /// What it does, in the words of the field, if there is a word for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Operation>,
    /// What doing it twice would mean.
    pub effect: Effect,
    /// How input and output travel.
    pub delivery: Delivery,
    /// The JSON schema of the input.
    pub input: Schema,
    /// The JSON schema of the output.
    pub output: Schema,
    /// The JSON schema of the items it sends, if it sends any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<Schema>,
    /// The JSON schema of the chunks it takes, if it takes any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chunk: Option<Schema>,
    /// Whether its stream goes on after a fault: see [`Self::continues`].
    #[serde(default)]
    pub continues: bool,
    /// The field of the input that takes a path or a text given on the command line; the whole input when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub main_field: Option<String>,
    /// Older names that still lead to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// How a chunk is read from JSON, for callers outside the process.
    #[serde(skip)]
    pub(crate) decode_chunk: Option<fn(serde_json::Value) -> Result<Payload, String>>,
    /// How many bytes a chunk takes.
    #[serde(skip)]
    pub(crate) chunk_bytes: Option<fn(&Payload) -> u64>,
    /// The type of the items it sends.
    #[serde(skip)]
    pub(crate) item_type: Option<&'static str>,
    /// The skills whose items it says it sends, and whose chunks it says it takes.
    #[serde(skip)]
    pub(crate) streams_of: [Option<&'static str>; 2],
}

impl SkillSpec {
    /// The spec of a pure, unary skill.
    pub fn of<S: Skill>(description: &str) -> Self {
        Self {
            name: S::NAME.to_owned(),
            description: description.to_owned(),
            operation: None,
            effect: Effect::Pure,
            delivery: Delivery::Unary,
            input: schemars::schema_for!(S::Input),
            output: schemars::schema_for!(S::Output),
            item: None,
            chunk: None,
            continues: false,
            main_field: None,
            aliases: Vec::new(),
            decode_chunk: None,
            chunk_bytes: None,
            item_type: None,
            streams_of: [None, None],
        }
    }

    /// Says that an older name still leads to it: callers, rules and tasks that were written down find it by that. It is told under its own name,
    /// and no other skill may have either.
    #[must_use]
    pub fn alias(mut self, name: &str) -> Self {
        self.aliases.push(name.to_owned());
        self
    }

    /// Says what it does, in the words of the field.
    #[must_use]
    pub fn operation(mut self, operation: Operation) -> Self {
        self.operation = Some(operation);
        self
    }

    /// Says what doing it twice would mean.
    #[must_use]
    pub fn effect(mut self, effect: Effect) -> Self {
        self.effect = effect;
        self
    }

    /// Says that it sends items.
    #[must_use]
    pub fn sends<S: ServerStreaming>(mut self) -> Self {
        self.item = Some(schemars::schema_for!(S::Item));
        self.item_type = Some(std::any::type_name::<S::Item>());
        self.streams_of[0] = Some(S::NAME);
        if self.delivery == Delivery::Unary {
            self.delivery = Delivery::ServerStreaming;
        }
        self
    }

    /// Says that its stream goes on after a fault of its worker or its process, as if there had been none. For that the same input must lead to the
    /// same items each time, chance included: from a seed that is part of the input, or a fixed one. A further attempt sends all
    /// items again, of which the runtime leaves out those that were delivered, or asks for these
    /// ([`StepContext::delivered`]) and goes on behind them. Only a [`Pure`](Effect::Pure) skill that [`sends`](Self::sends) items and takes no chunks
    /// can say so.
    #[must_use]
    pub fn continues(mut self) -> Self {
        self.continues = true;
        self
    }

    /// Why its stream cannot go on although it says so, if it does.
    #[doc(hidden)]
    pub fn why_it_cannot_continue(&self) -> Option<&'static str> {
        match (self.continues, self.effect, self.delivery) {
            (false, ..) | (true, Effect::Pure, Delivery::ServerStreaming) => None,
            (true, Effect::Pure, _) => Some(
                "a stream that continues must send items and take no chunks; say `sends` first, or leave out `continues`",
            ),
            (true, ..) => Some(
                "a stream that continues must be of a pure skill: it is made again; leave out `continues`",
            ),
        }
    }

    /// Says that it takes chunks.
    #[must_use]
    pub fn takes<S: ClientStreaming>(mut self) -> Self {
        self.chunk = Some(schemars::schema_for!(S::Chunk));
        self.decode_chunk = Some(|chunk| {
            let chunk: S::Chunk = given::read(chunk)?;
            Ok(Payload::new(chunk))
        });
        self.chunk_bytes = Some(|chunk| {
            let chunk = chunk.get::<S::Chunk>();
            chunk.map_or(0, |chunk| S::chunk_bytes(&chunk))
        });
        self.streams_of[1] = Some(S::NAME);
        self.delivery = Delivery::ClientStreaming;
        self
    }

    /// The names of the skills whose items it says it sends, and whose chunks it says it takes:
    /// there should be no other than its own.
    #[doc(hidden)]
    pub fn streams_of(&self) -> impl Iterator<Item = &'static str> {
        self.streams_of.into_iter().flatten()
    }

    /// The name of the type of the items that it sends; none when a schema was written by hand.
    #[cfg(feature = "fault-injection")]
    pub fn item_type(&self) -> Option<&'static str> {
        self.item_type
    }

    /// Names the field of the input that takes a path or a text given on the command line.
    #[must_use]
    pub fn main_field(mut self, field: &str) -> Self {
        self.main_field = Some(field.to_owned());
        self
    }
}
