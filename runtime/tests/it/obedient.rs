//! An agent for tests of episodes and of the transport, whose inputs are JSON: it does as its input says.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aimass_config::Config;
use aimass_runtime::{
    Agent, AgentDefinition, BatchIndex, BatchSkill, Fault, Fresh, ModelSkill, Reaction,
    ServerStreaming, Skill, SkillSpec, Step, StepContext, WorkerGroup,
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
    /// The input is at fault.
    Reject,
    /// Wait until the gate opens.
    AtTheGate(u64),
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

/// Does as it is told.
#[derive(Clone, Default)]
pub(crate) struct Obey(Obedient);

impl Skill for Obey {
    const NAME: &'static str = "test.obey";
    type Input = Order;
    type Output = u64;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Does as it is told.")
    }
}

impl BatchSkill for Obey {
    type Model = ();

    fn run(
        &self,
        (): &mut (),
        inputs: &[Arc<Order>],
        _: &mut StepContext<'_>,
    ) -> Vec<Result<u64, Fault>> {
        inputs.iter().map(|order| self.0.obey(order)).collect()
    }
}

impl Obedient {
    fn obey(&self, order: &Order) -> Result<u64, Fault> {
        self.runs.fetch_add(1, Ordering::SeqCst);
        match order {
            Order::Echo(value) => Ok(*value),
            Order::Panic => panic!("as ordered"),
            Order::Reject => Err(Fault::rejected("not like this")),
            Order::AtTheGate(value) => {
                self.gate.pass();
                Ok(*value)
            }
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
    type Model = ();
    type Job = (u64, u64);

    fn begin(
        &self,
        (): &mut (),
        inputs: Vec<Arc<u64>>,
        _: &mut StepContext<'_>,
    ) -> Result<(u64, u64), Fault> {
        Ok((0, *inputs[0]))
    }

    fn step(
        &self,
        (): &mut (),
        (at, end): &mut (u64, u64),
        context: &mut StepContext<'_>,
    ) -> Result<Step<u64>, Fault> {
        if *at == *end {
            return Ok(Step::Finished);
        }
        assert!(*at != 13, "thirteen");
        context.emit(BatchIndex(0), *at)?;
        *at += 1;
        Ok(Step::Continue)
    }

    fn finish(
        &self,
        (): &mut (),
        (at, _): (u64, u64),
        _: &mut StepContext<'_>,
    ) -> Vec<(BatchIndex, Result<u64, Fault>)> {
        vec![(BatchIndex(0), Ok(at))]
    }
}

impl Agent for Obedient {
    fn name(&self) -> &str {
        "test"
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        let group = WorkerGroup::new("workers", Fresh(|| ()))
            .skill(Obey(self.clone()))
            .skill(Count);
        let definition = definition.group(group);
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
