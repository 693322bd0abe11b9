//! G1: a durable flow whose runtime goes is not completed with what it made of that. The next process does it.

use std::sync::Arc;

use aimass_config::EnvironmentConfig;
use aimass_runtime::{
    Agent, AgentDefinition, Environment, EnvironmentOptions, Fault, FlowContext, FlowSkill,
    Runtime, Skill, SkillSpec, TaskId,
};

use crate::obedient::{Obedient, Obey, Order, tight};

/// Flows that are under way when their runtime goes.
const FLOWS: u64 = 8;

/// How often each of them asks.
const ASKS: usize = 50;

/// How often their runtime goes: whose end a flow hears of first is up to the scheduler.
const ENDS: usize = 20;

struct Relay;

impl Agent for Relay {
    fn name(&self) -> &str {
        "relay"
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        Ok(definition.flow(Pass).flow(Guess))
    }
}

/// Fails when what it asks for fails.
struct Pass;

impl Skill for Pass {
    const NAME: &'static str = "relay.pass";
    type Input = u64;
    type Output = u64;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Asks another agent.")
    }
}

impl FlowSkill for Pass {
    async fn run(&self, value: Arc<u64>, context: FlowContext) -> Result<u64, Fault> {
        for _ in 0..ASKS {
            context.ask::<Obey>(Order::Echo(*value)).await?;
        }
        Ok(*value)
    }
}

/// Makes do when what it asks for fails.
struct Guess;

impl Skill for Guess {
    const NAME: &'static str = "relay.guess";
    type Input = u64;
    type Output = u64;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Asks another agent, and guesses where that fails.")
    }
}

impl FlowSkill for Guess {
    async fn run(&self, value: Arc<u64>, context: FlowContext) -> Result<u64, Fault> {
        for _ in 0..ASKS {
            if context.ask::<Obey>(Order::Echo(*value)).await.is_err() {
                return Ok(0);
            }
        }
        Ok(*value)
    }
}

async fn start(environment: &Environment) -> Runtime {
    // What a flow asks for is dismissed before the flow's own agent is.
    let builder = Runtime::builder(tight())
        .agent(Obedient::default())
        .agent(Relay)
        .environment(environment.clone());
    builder.start().await.unwrap()
}

async fn asked<S: Skill<Input = u64>>(runtime: &Runtime, value: u64) -> (TaskId, u64) {
    let ask = runtime.ask_durable::<S>(value);
    (ask.detach().await.unwrap(), value)
}

#[tokio::test(flavor = "multi_thread")]
async fn g1_a_durable_flow_that_the_end_of_its_runtime_cuts_off_is_kept_for_the_next() {
    let mut kept = 0;
    for _ in 0..ENDS {
        let options = EnvironmentOptions::from(&EnvironmentConfig::default());
        let environment = Environment::in_memory(options).unwrap();
        let runtime = start(&environment).await;
        let mut tasks = Vec::new();
        for value in 1..=FLOWS / 2 {
            tasks.push(asked::<Pass>(&runtime, value).await);
            tasks.push(asked::<Guess>(&runtime, value).await);
        }
        let ended = runtime.threads_ended();
        drop(runtime);
        ended.await;
        kept += environment.snapshot().unwrap().unsettled().unwrap().len();

        let runtime = start(&environment).await;
        for (task, value) in tasks {
            let outcome = loop {
                match runtime.outcome_json(task).unwrap() {
                    Some(outcome) => break outcome,
                    None => tokio::task::yield_now().await,
                }
            };
            assert_eq!(outcome.unwrap(), value);
        }
        runtime.shutdown().await;
    }
    assert_ne!(kept, 0, "none was cut off");
}
