//! What the tree costs, and what it does not.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use aimass_config::Config;

use crate::{
    Agent, AgentDefinition, BatchSkill, Fault, Fresh, Runtime, Skill, SkillSpec, StepContext,
    WorkerGroup,
};

/// An agent that says it again.
struct Parrot;

impl Agent for Parrot {
    fn name(&self) -> &str {
        "parrot"
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        Ok(definition.group(WorkerGroup::new("beak", Fresh(|| ())).skill(Echo)))
    }
}

/// Gives back what it was given.
struct Echo;

impl Skill for Echo {
    const NAME: &'static str = "parrot.echo";
    type Input = u64;
    type Output = u64;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Gives back what it was given")
    }
}

impl BatchSkill for Echo {
    type Model = ();

    fn run(
        &self,
        (): &mut (),
        inputs: &[Arc<u64>],
        _: &mut StepContext<'_>,
    ) -> Vec<Result<u64, Fault>> {
        inputs.iter().map(|input| Ok(**input)).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_volatile_calls_cost_fewer_than_a_hundred_messages_to_actors() {
    let runtime = Runtime::builder(Config::default()).agent(Parrot);
    let runtime = runtime.start().await.unwrap();
    let mut callers = tokio::task::JoinSet::new();
    for caller in 0..64 {
        let runtime = runtime.clone();
        callers.spawn(async move {
            for call in (caller..100_000).step_by(64) {
                assert_eq!(runtime.ask::<Echo>(call).await.unwrap(), call);
            }
        });
    }
    while let Some(done) = callers.join_next().await {
        done.unwrap();
    }
    let messages = runtime.inner.members().cores[0]
        .driver_messages
        .load(Ordering::Relaxed);
    assert!((1..100).contains(&messages), "{messages} messages");
    runtime.shutdown().await;
}
