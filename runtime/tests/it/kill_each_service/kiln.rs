//! A kiln: fires what is brought in, by a reaction, and counts the pots once nothing more is brought.

use std::sync::Arc;

use aimass_runtime::{
    Agent, AgentDefinition, BatchSkill, EpisodeId, FactFilter, FactKind, Fault, FlowContext,
    FlowSkill, Fresh, IdleRule, Reaction, Skill, SkillSpec, StepContext, WorkerGroup,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) fn kind(name: &str) -> FactKind {
    FactKind::new(name, 1).unwrap()
}

/// The agent `kiln`.
pub(super) struct Kiln;

impl Agent for Kiln {
    fn name(&self) -> &str {
        "kiln"
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        let group = WorkerGroup::new("fires", Fresh(|| ())).skill(Fire);
        let glaze = Reaction::new("glaze", kind("clay"), "kiln.glaze").produces(kind("pot"));
        Ok(definition
            .group(group)
            .flow(Glaze)
            .flow(Count)
            .reaction(glaze)
            .on_idle(IdleRule::new("count", "kiln.count")))
    }
}

/// `kiln.fire`: makes a pot of clay.
pub(super) struct Fire;

impl Skill for Fire {
    const NAME: &'static str = "kiln.fire";
    type Input = u64;
    type Output = u64;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Makes a pot of clay")
    }
}

impl BatchSkill for Fire {
    type Model = ();

    fn run(
        &self,
        (): &mut (),
        inputs: &[Arc<u64>],
        _: &mut StepContext<'_>,
    ) -> Vec<Result<u64, Fault>> {
        inputs.iter().map(|clay| Ok(**clay + 1000)).collect()
    }
}

/// `kiln.glaze`: has a pot made.
struct Glaze;

impl Skill for Glaze {
    const NAME: &'static str = "kiln.glaze";
    type Input = u64;
    type Output = u64;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Has a pot made")
    }
}

impl FlowSkill for Glaze {
    async fn run(&self, clay: Arc<u64>, context: FlowContext) -> Result<u64, Fault> {
        Ok(context.ask::<Fire>(*clay).await?)
    }
}

/// `kiln.count`: counts the pots of an episode.
struct Count;

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
struct About {
    #[schemars(with = "String")]
    episode: EpisodeId,
}

impl Skill for Count {
    const NAME: &'static str = "kiln.count";
    type Input = About;
    type Output = u64;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Counts the pots of an episode")
    }
}

impl FlowSkill for Count {
    async fn run(&self, about: Arc<About>, context: FlowContext) -> Result<u64, Fault> {
        let filter = FactFilter {
            episode: Some(about.episode),
            kind: Some("pot".to_owned()),
            ..FactFilter::default()
        };
        let snapshot = context.environment().snapshot();
        let pots = snapshot.and_then(|snapshot| snapshot.facts(filter));
        let pots = pots.map_err(|error| Fault::unavailable(error.to_string()))?;
        Ok(pots.count() as u64)
    }
}
