//! An agent for tests: it does as its input says.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aimass_config::Config;
use aimass_runtime::{
    Agent, AgentDefinition, BatchSkill, Chunk, ClientStreaming, Effect, Fault, FlowContext,
    FlowSkill, Fresh, Member, ModelSkill, Reaction, Runtime, ServerStreaming, Skill, SkillSpec,
    Step, StepContext, TaskError, WorkerGroup,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the worker of the test agent is to do.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub(crate) enum Order {
    /// Answer with this.
    Echo(u64),
    /// Panic, whatever the batch.
    Panic,
    /// Fail so many times, then answer.
    FailTimes(u64),
    /// The input is at fault.
    Reject,
    /// Wait until the gate opens.
    AtTheGate(u64),
    /// Say how large the batch is.
    BatchSize,
}

/// A gate in front of the workers: tests hold it shut to fill the queue.
#[derive(Clone, Default)]
pub(crate) struct Gate {
    state: Arc<(std::sync::Mutex<GateState>, std::sync::Condvar)>,
}

#[derive(Default)]
struct GateState {
    open: bool,
    waiting: u64,
}

impl Gate {
    pub(crate) fn open(&self) {
        self.state.0.lock().unwrap().open = true;
        self.state.1.notify_all();
    }

    pub(crate) fn pass(&self) {
        let mut state = self.state.0.lock().unwrap();
        state.waiting += 1;
        self.state.1.notify_all();
        while !state.open {
            state = self.state.1.wait(state).unwrap();
        }
    }

    /// Returns once `count` workers have come to the gate.
    pub(crate) fn reached(&self, count: u64) {
        let mut state = self.state.0.lock().unwrap();
        while state.waiting < count {
            state = self.state.1.wait(state).unwrap();
        }
    }
}

/// The test agent.
#[derive(Clone, Default)]
pub(crate) struct Obedient {
    pub(crate) gate: Gate,
    pub(crate) runs: Arc<AtomicU64>,
    pub(crate) reactions: Vec<Reaction>,
}

macro_rules! order_skill {
    ($name:ident, $full:literal, $effect:expr) => {
        #[derive(Clone, Default)]
        pub(crate) struct $name(pub(crate) Obedient);

        impl Skill for $name {
            const NAME: &'static str = $full;
            type Input = Order;
            type Output = u64;

            fn spec(&self) -> SkillSpec {
                SkillSpec::of::<Self>("Does as it is told.").effect($effect)
            }
        }

        impl BatchSkill for $name {
            type Model = u64;

            fn run(
                &self,
                served: &mut u64,
                inputs: &[Arc<Order>],
                _: &mut StepContext<'_>,
            ) -> Vec<Result<u64, Fault>> {
                let size = inputs.len() as u64;
                inputs
                    .iter()
                    .map(|order| self.0.obey(order, size, served))
                    .collect()
            }
        }
    };
}

order_skill!(Obey, "test.obey", Effect::Pure);
order_skill!(ObeyOnce, "test.obey_once", Effect::Once);

impl Obedient {
    fn obey(&self, order: &Order, batch: u64, served: &mut u64) -> Result<u64, Fault> {
        *served += 1;
        let run = self.runs.fetch_add(1, Ordering::SeqCst) + 1;
        match order {
            Order::Echo(value) => Ok(*value),
            Order::Panic => panic!("as ordered"),
            Order::FailTimes(times) if run <= *times => Err(Fault::retryable("not yet")),
            Order::FailTimes(_) => Ok(run),
            Order::Reject => Err(Fault::rejected("not like this")),
            Order::AtTheGate(value) => {
                self.gate.pass();
                Ok(*value)
            }
            Order::BatchSize => Ok(batch),
        }
    }
}

/// Counts to its input, an item a step.
#[derive(Clone, Default)]
pub(crate) struct Count;

impl Skill for Count {
    const NAME: &'static str = "test.count";
    type Input = u64;
    type Output = u64;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Counts.").sends::<Self>()
    }
}

impl ServerStreaming for Count {
    type Item = u64;
}

impl ModelSkill for Count {
    type Model = u64;
    type Job = (u64, u64);

    fn begin(
        &self,
        _: &mut u64,
        inputs: Vec<Arc<u64>>,
        _: &mut StepContext<'_>,
    ) -> Result<(u64, u64), Fault> {
        Ok((0, *inputs[0]))
    }

    fn step(
        &self,
        _: &mut u64,
        (at, end): &mut (u64, u64),
        context: &mut StepContext<'_>,
    ) -> Result<Step<u64>, Fault> {
        if *at == *end {
            return Ok(Step::Finished);
        }
        assert!(*at != 13, "thirteen");
        context.emit(Member(0), *at)?;
        *at += 1;
        Ok(Step::Continue)
    }

    fn finish(
        &self,
        _: &mut u64,
        (at, _): (u64, u64),
        _: &mut StepContext<'_>,
    ) -> Vec<(Member, Result<u64, Fault>)> {
        vec![(Member(0), Ok(at))]
    }
}

/// Adds up what it is sent, and says each sum.
#[derive(Clone, Default)]
pub(crate) struct Sum;

impl Skill for Sum {
    const NAME: &'static str = "test.sum";
    type Input = ();
    type Output = u64;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Adds up.")
            .sends::<Self>()
            .takes::<Self>()
    }
}

impl ServerStreaming for Sum {
    type Item = u64;
}

impl ClientStreaming for Sum {
    type Chunk = u64;
}

impl ModelSkill for Sum {
    type Model = u64;
    type Job = u64;

    fn begin(&self, _: &mut u64, _: Vec<Arc<()>>, _: &mut StepContext<'_>) -> Result<u64, Fault> {
        Ok(0)
    }

    fn step(
        &self,
        _: &mut u64,
        sum: &mut u64,
        context: &mut StepContext<'_>,
    ) -> Result<Step<u64>, Fault> {
        match context.next_chunk::<u64>(Member(0))? {
            Chunk::Pending => Ok(Step::Waiting),
            Chunk::End => Ok(Step::Finished),
            Chunk::Item(value) => {
                *sum += value;
                context.emit(Member(0), *sum)?;
                Ok(Step::Continue)
            }
        }
    }

    fn finish(
        &self,
        _: &mut u64,
        sum: u64,
        _: &mut StepContext<'_>,
    ) -> Vec<(Member, Result<u64, Fault>)> {
        vec![(Member(0), Ok(sum))]
    }
}

/// Asks `test.obey` twice; with zero, asks itself.
#[derive(Clone, Default)]
pub(crate) struct Twice;

impl Skill for Twice {
    const NAME: &'static str = "test.twice";
    type Input = u64;
    type Output = u64;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Asks twice.")
    }
}

impl FlowSkill for Twice {
    async fn run(&self, input: Arc<u64>, context: FlowContext) -> Result<u64, Fault> {
        let ask = async {
            if *input == 0 {
                return context.ask(Twice, 0).await;
            }
            let first = context.ask(Obey::default(), Order::Echo(*input)).await?;
            let second = context.ask(Obey::default(), Order::Echo(*input)).await?;
            Ok(first + second)
        };
        ask.await
            .map_err(|error: TaskError| Fault::rejected(error.to_string()))
    }
}

impl Agent for Obedient {
    fn name(&self) -> &str {
        "test"
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        let group = WorkerGroup::new("workers", Fresh(|| 0_u64))
            .skill(Obey(self.clone()))
            .skill(ObeyOnce(self.clone()))
            .skill(Count)
            .skill(Sum);
        let definition = definition.group(group).flow(Twice);
        Ok(self
            .reactions
            .iter()
            .cloned()
            .fold(definition, AgentDefinition::reaction))
    }
}

/// A configuration in which the test agent is easily brought to its limits.
pub(crate) fn tight() -> Config {
    let mut config = Config::default();
    config.defaults.capacity = 16;
    config.defaults.max_batch = 4;
    config.defaults.max_attempts = 2;
    config.defaults.grace = Duration::from_millis(50);
    config.runtime.shutdown_limit = Duration::from_secs(5);
    config
}

/// A runtime with the test agent alone.
pub(crate) async fn start(config: Config, agent: &Obedient) -> Runtime {
    Runtime::builder(config)
        .agent(agent.clone())
        .start()
        .await
        .unwrap()
}
