//! The frozen contract, version 0.2 (`docs/contract.md`), in Rust: every trait is implemented with all its items, and every method that authors and
//! services call is named with its type. When a signature changes, this file does not compile, and the page has to change with it.

mod service;
mod views;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use aimass_config::Config;
use aimass_conformance::{Check, Conformance, ConformanceReport};
use aimass_runtime::{
    Agent, AgentDefinition, BatchIndex, BatchKey, BatchSkill, Chunk, ClientStreaming, Delivery,
    DeviceName, Effect, Environment, FactDraft, FactKind, Fault, FaultKind, FlowContext, FlowSkill,
    Fresh, IdleRule, ModelSkill, ModelSource, ModelVersion, Namespace, Operation, ParseKindError,
    Reaction, ServerStreaming, Skill, SkillSpec, Step, StepContext, TaskError, Time, Usage,
    WorkerGroup,
};
use schemars::Schema;
use serde_json::{Value, json};

#[derive(Clone)]
struct Frozen;

impl Agent for Frozen {
    fn name(&self) -> &str {
        "frozen"
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        let group: WorkerGroup<Frozen> = WorkerGroup::new("model", Frozen);
        let group = group.skill(Batched).skill(Stepped);
        let fresh = WorkerGroup::new("fresh", Fresh(|| 0_u8));
        let seen = FactKind::new("seen", 1)?;
        Ok(views::define(definition)?
            .group(group)
            .group(fresh)
            .flow(Flowing)
            .reaction(Reaction::new("seen", seen, Batched::NAME))
            .on_idle(IdleRule::new("first", Flowing::NAME)))
    }
}

struct Weights;
struct Model;

impl ModelSource for Frozen {
    type Weights = Weights;
    type Model = Model;

    fn version(&self) -> ModelVersion {
        ModelVersion::new("one")
    }

    fn memory_bytes(&self) -> u64 {
        1
    }

    fn weights_bytes(&self, _: &Weights) -> Option<u64> {
        Some(1)
    }

    fn load(&self, _: &DeviceName) -> Result<Weights, Fault> {
        Ok(Weights)
    }

    fn build(&self, _: &Arc<Weights>, _: &DeviceName) -> Result<Model, Fault> {
        Ok(Model)
    }
}

struct Batched;

impl Skill for Batched {
    const NAME: &'static str = "frozen.batched";
    type Input = u64;
    type Output = u64;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Gives what it takes").effect(Effect::Idempotent)
    }

    fn input_bytes(&self, _: &u64) -> u64 {
        8
    }
}

impl BatchSkill for Batched {
    type Model = Model;

    fn batch_key(&self, _: &u64) -> BatchKey {
        BatchKey(0)
    }

    fn run(
        &self,
        _: &mut Model,
        inputs: &[Arc<u64>],
        _: &mut StepContext<'_>,
    ) -> Vec<Result<u64, Fault>> {
        inputs.iter().map(|input| Ok(**input)).collect()
    }
}

struct Stepped;

impl Skill for Stepped {
    const NAME: &'static str = "frozen.stepped";
    type Input = u64;
    type Output = u64;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Says what it takes")
            .sends::<Self>()
            .takes::<Self>()
    }
}

impl ServerStreaming for Stepped {
    type Item = u64;
}

impl ClientStreaming for Stepped {
    type Chunk = u64;

    fn chunk_bytes(_: &u64) -> u64 {
        8
    }
}

impl ModelSkill for Stepped {
    type Model = Model;
    type Job = Vec<Arc<u64>>;

    fn batch_key(&self, _: &u64) -> BatchKey {
        BatchKey::default()
    }

    fn begin(
        &self,
        _: &mut Model,
        inputs: Vec<Arc<u64>>,
        _: &mut StepContext<'_>,
    ) -> Result<Self::Job, Fault> {
        Ok(inputs)
    }

    fn join(
        &self,
        _: &mut Model,
        _: &mut Self::Job,
        inputs: Vec<Arc<u64>>,
        _: &mut StepContext<'_>,
    ) -> Result<(), Vec<Arc<u64>>> {
        Err(inputs)
    }

    fn step(
        &self,
        _: &mut Model,
        _: &mut Self::Job,
        _: &mut StepContext<'_>,
    ) -> Result<Step<u64>, Fault> {
        Ok(Step::Finished)
    }

    fn finish(
        &self,
        _: &mut Model,
        job: Self::Job,
        _: &mut StepContext<'_>,
    ) -> Vec<(BatchIndex, Result<u64, Fault>)> {
        let numbered = job.iter().enumerate();
        numbered
            .map(|(at, input)| (BatchIndex(at as u32), Ok(**input)))
            .collect()
    }
}

struct Flowing;

impl Skill for Flowing {
    const NAME: &'static str = "frozen.flowing";
    type Input = Value;
    type Output = u64;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Asks another")
    }
}

impl FlowSkill for Flowing {
    async fn run(&self, _: Arc<Value>, context: FlowContext) -> Result<u64, Fault> {
        Ok(context.ask::<Batched>(7).await?)
    }
}

/// What a skill sees while it works. Never called: that it compiles is the test.
#[expect(dead_code, reason = "its types are what is tested")]
fn step_context(context: &mut StepContext<'_>, fact: FactDraft) -> Result<(), Fault> {
    let _: fn(&StepContext<'static>) -> Time = StepContext::now;
    let _: fn(&StepContext<'static>) -> DeviceName = StepContext::device;
    let _: for<'a> fn(&'a StepContext<'static>) -> &'a ModelVersion = StepContext::model_version;
    let _: fn(&StepContext<'static>) -> u32 = StepContext::members;
    let _: fn(&StepContext<'static>, BatchIndex) -> bool = StepContext::is_cancelled;
    let _: fn(&StepContext<'static>, BatchIndex) -> Option<Time> = StepContext::deadline;
    let _: fn(&StepContext<'static>, BatchIndex) -> bool = StepContext::has_room;
    let _: fn(&mut StepContext<'static>, BatchIndex, f32) = StepContext::progress;
    let _: fn(&mut StepContext<'static>, BatchIndex, Usage) = StepContext::count;
    let delivered: Vec<Arc<u64>> = context.delivered(BatchIndex(0))?;
    drop(delivered);
    let chunk: Chunk<u64> = context.next_chunk(BatchIndex(0))?;
    match chunk {
        Chunk::Item(item) => context.emit(BatchIndex(0), item)?,
        Chunk::Pending | Chunk::End => {}
    }
    context.publish(BatchIndex(0), fact)
}

/// As [`step_context`], of a flow.
#[expect(dead_code, reason = "its types are what is tested")]
async fn flow_context(context: FlowContext, fact: FactDraft) -> Result<(), Fault> {
    let _: fn(&FlowContext) -> Time = FlowContext::now;
    let _: fn(&FlowContext) -> Option<Time> = FlowContext::deadline;
    let _: for<'a> fn(&'a FlowContext) -> &'a Environment = FlowContext::environment;
    let _: for<'a> fn(&'a FlowContext) -> &'a Namespace = FlowContext::namespace;
    let _: fn(&FlowContext) -> bool = FlowContext::is_cancelled;
    let read: u64 = context.clone().blocking(|| 1).await?;
    let typed: Result<u64, TaskError> = context.ask::<Batched>(read).await;
    let by_name: Result<Value, TaskError> = context.ask_json(Batched::NAME, json!(1)).await;
    let delivered: Vec<Arc<u64>> = context.delivered()?;
    drop(delivered);
    let chunk: Option<u64> = context.next_chunk().await?;
    context.emit(typed? + chunk.unwrap_or_default()).await?;
    drop(by_name);
    context.publish(fact)
}

/// What a spec says of its skill. Never called.
#[expect(dead_code, reason = "its types are what is tested")]
fn described(spec: SkillSpec) -> Option<Operation> {
    let _: (String, String) = (spec.name, spec.description);
    let _: (Effect, Delivery, bool) = (spec.effect, spec.delivery, spec.continues);
    let _: (Schema, Schema) = (spec.input, spec.output);
    let _: (Option<Schema>, Option<Schema>) = (spec.item, spec.chunk);
    let _: (Option<String>, Vec<String>) = (spec.main_field, spec.aliases);
    spec.operation
}

/// What skills say: no variant may come or go.
#[expect(dead_code, reason = "its types are what is tested")]
fn values(step: Step<u64>, effect: Effect, delivery: Delivery, fault: Fault) {
    let _: fn(SkillSpec) -> SkillSpec = SkillSpec::continues;
    match step {
        Step::Settled(outcomes) => {
            let _: Vec<(BatchIndex, Result<u64, Fault>)> = outcomes;
        }
        Step::Continue | Step::Waiting | Step::Finished => {}
    }
    match effect {
        Effect::Pure | Effect::Idempotent | Effect::Once => {}
    }
    match delivery {
        Delivery::Unary | Delivery::ServerStreaming | Delivery::ClientStreaming => {}
    }
    let Fault {
        kind,
        message,
        pause,
    } = fault;
    let _: Option<Duration> = pause;
    match kind {
        FaultKind::Rejected | FaultKind::Unavailable | FaultKind::Retryable => {}
        FaultKind::DeviceLost | FaultKind::Bug => {}
    }
    let _: String = message;
    let _: [fn(SkillSpec, &str) -> SkillSpec; 2] = [SkillSpec::main_field, SkillSpec::alias];
    let _: [fn(&'static str) -> Fault; 5] = [
        Fault::rejected,
        Fault::unavailable,
        Fault::retryable,
        Fault::device_lost,
        Fault::bug,
    ];
    let _: fn(FaultKind, &'static str) -> Fault = Fault::new;
    let _: fn(Fault, Duration) -> Fault = Fault::after;
    let _: [fn(TaskError) -> Fault; 1] = [Fault::from];
    let _: [fn(ParseKindError) -> Fault; 1] = [Fault::from];
}

#[tokio::test]
async fn what_is_written_against_the_frozen_contract_passes_the_suite() {
    let suite: Conformance = Conformance::new(|| Frozen)
        .example("frozen.batched", json!(1))
        .example_with_chunks("frozen.stepped", json!(2), vec![json!(3)])
        .example("frozen.flowing", json!(null))
        .example("frozen.json", json!(1))
        .refuses("frozen.batched", json!("no number"))
        .config(Config::default())
        .tolerance(0.0)
        .patience(Duration::from_secs(60));
    let _: fn(Conformance, fn() -> Frozen) -> Conformance = |suite, make| suite.beside(make);
    let running: Pin<Box<dyn Future<Output = ConformanceReport>>> = Box::pin(suite.run());
    let report = running.await;
    let failures: Vec<&Check> = report.failures().collect();
    assert!(report.passed() && failures.is_empty(), "{report}");
}
