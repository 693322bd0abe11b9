//! Each fact names the versions of the models that its task used.

use std::sync::Arc;

use aimass_config::Config;
use aimass_runtime::{
    Agent, AgentDefinition, BatchSkill, DeviceName, Episode, FactDraft, FactKind, Fault,
    FlowContext, FlowSkill, ModelSource, ModelVersion, Reaction, Runtime, Skill, SkillSpec,
    StepContext, WorkerGroup,
};
use serde_json::json;

fn kind(name: &str) -> FactKind {
    FactKind::new(name, 1).unwrap()
}

/// A model that is nothing but its version.
#[derive(Clone)]
struct Named(&'static str);

impl ModelSource for Named {
    type Weights = ();
    type Model = ();

    fn version(&self) -> ModelVersion {
        ModelVersion::new(self.0)
    }

    fn load(&self, _: &DeviceName) -> Result<(), Fault> {
        Ok(())
    }

    fn build(&self, _: &Arc<()>, _: &DeviceName) -> Result<(), Fault> {
        Ok(())
    }
}

/// The agent `kitchen`: one model cuts, another one cooks.
struct Kitchen;

impl Agent for Kitchen {
    fn name(&self) -> &str {
        "kitchen"
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        Ok(definition
            .group(WorkerGroup::new("knife", Named("knife@1")).skill(Cut))
            .group(WorkerGroup::new("pot", Named("pot@1")).skill(Cook))
            .flow(Serve)
            .flow(Feast)
            .reaction(Reaction::new("cut", kind("carrot"), Cut::NAME).produces(kind("pieces")))
            .reaction(Reaction::new("feast", kind("guest"), Feast::NAME).produces(kind("feast"))))
    }
}

struct Cut;
struct Cook;
/// Has something cut and cooked.
struct Serve;
/// Has something served, twice.
struct Feast;

impl Skill for Cut {
    const NAME: &'static str = "kitchen.cut";
    type Input = u64;
    type Output = u64;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Cuts")
    }
}

impl Skill for Cook {
    const NAME: &'static str = "kitchen.cook";
    type Input = u64;
    type Output = u64;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Cooks")
    }
}

impl Skill for Serve {
    const NAME: &'static str = "kitchen.serve";
    type Input = u64;
    type Output = u64;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Serves")
    }
}

impl Skill for Feast {
    const NAME: &'static str = "kitchen.feast";
    type Input = u64;
    type Output = u64;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Gives a feast")
    }
}

impl BatchSkill for Cut {
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

impl BatchSkill for Cook {
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

impl FlowSkill for Serve {
    async fn run(&self, input: Arc<u64>, context: FlowContext) -> Result<u64, Fault> {
        let cooked = context
            .ask::<Cook>(context.ask::<Cut>(*input).await?)
            .await?;
        Ok(cooked)
    }
}

impl FlowSkill for Feast {
    async fn run(&self, input: Arc<u64>, context: FlowContext) -> Result<u64, Fault> {
        context.publish(FactDraft::new(kind("toast"), json!(*input)))?;
        for _ in 0..2 {
            context.ask::<Serve>(*input).await?;
        }
        Ok(*input)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fact_names_the_models_of_its_task_and_of_all_that_this_asked() {
    let runtime = Runtime::builder(Config::default()).agent(Kitchen);
    let runtime = runtime.start().await.unwrap();
    let inputs = [kind("carrot"), kind("guest")].map(|kind| FactDraft::new(kind, json!(1)));
    let episode = inputs.into_iter().fold(Episode::new(), Episode::fact);
    let report = runtime.run(episode).await.unwrap();
    assert_eq!(report.failures, vec![]);
    for (name, expected) in [
        ("carrot", &[][..]),
        ("pieces", &["knife@1"]),
        ("toast", &["knife@1", "pot@1"]),
        ("feast", &["knife@1", "pot@1"]),
    ] {
        let mut facts = report.facts.iter();
        let fact = facts.find(|fact| fact.kind == kind(name)).unwrap();
        let models: Vec<&str> = fact
            .provenance
            .models
            .iter()
            .map(ModelVersion::as_str)
            .collect();
        assert_eq!(models, expected, "{name}");
    }
    runtime.shutdown().await;
}
