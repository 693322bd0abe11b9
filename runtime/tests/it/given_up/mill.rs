//! A mill: rules and readers that panic, a skill that is poisoned until it is cured, and flows above it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aimass_runtime::{
    Agent, AgentDefinition, BatchSkill, EpisodeId, FactFilter, FactKind, Fault, FlowContext,
    FlowSkill, Fresh, IdleRule, Reaction, Skill, SkillSpec, StepContext, WorkerGroup,
};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

/// What the mill panics at until it is cured.
pub(super) const POISON: u64 = 13;

/// How many meals the mill cannot count until it is cured.
pub(super) const NOON: u64 = 3;

pub(super) fn kind(name: &str) -> FactKind {
    FactKind::new(name, 1).unwrap()
}

/// The agent `mill`.
#[derive(Clone, Default)]
pub(super) struct Mill(Arc<AtomicBool>);

impl Mill {
    /// What was poison is not any more.
    pub(super) fn cure(&self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Agent for Mill {
    fn name(&self) -> &str {
        "mill"
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        let group = WorkerGroup::new("stones", Fresh(|| ()))
            .skill(Grind(self.clone()))
            .skill(Touch);
        let taste = Reaction::new("taste", kind("plate"), "mill.grind").input(|fact| {
            assert!(fact.value.is_u64(), "{} is not a number", fact.value);
            fact.value.clone()
        });
        let bake = Reaction::new("bake", kind("grain"), "mill.bake");
        Ok(definition
            .group(group)
            .flow(Bake)
            .flow(Feast)
            .flow(Manage)
            .flow(Count(self.clone()))
            .reaction(taste.produces(kind("meal")))
            .reaction(bake.produces(kind("bread")))
            .reaction(Reaction::new("touch", kind("vase"), "mill.touch"))
            .on_idle(IdleRule::new("count", "mill.count")))
    }
}

/// `mill.grind`: one more, or a panic.
struct Grind(Mill);

impl Skill for Grind {
    const NAME: &'static str = "mill.grind";
    type Input = u64;
    type Output = u64;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("One more")
    }
}

impl BatchSkill for Grind {
    type Model = ();

    fn run(
        &self,
        (): &mut (),
        inputs: &[Arc<u64>],
        _: &mut StepContext<'_>,
    ) -> Vec<Result<u64, Fault>> {
        let cured = self.0.0.load(Ordering::SeqCst);
        let grind = |number: &Arc<u64>| {
            assert!(cured || **number != POISON, "poison");
            Ok(**number + 1)
        };
        inputs.iter().map(grind).collect()
    }
}

/// `mill.touch`: gives back what can be touched.
struct Touch;

/// A thing whose reader panics where it is fragile.
#[derive(Debug, Clone, Serialize, JsonSchema)]
struct Thing(String);

impl<'de> Deserialize<'de> for Thing {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        assert_ne!(name, "fragile");
        Ok(Self(name))
    }
}

impl fmt::Display for Thing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Skill for Touch {
    const NAME: &'static str = "mill.touch";
    type Input = Thing;
    type Output = String;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Gives back what can be touched")
    }

    fn input_bytes(&self, thing: &Thing) -> u64 {
        assert_ne!(thing.0, "heavy");
        1
    }
}

impl BatchSkill for Touch {
    type Model = ();

    fn run(
        &self,
        (): &mut (),
        inputs: &[Arc<Thing>],
        _: &mut StepContext<'_>,
    ) -> Vec<Result<String, Fault>> {
        inputs.iter().map(|thing| Ok(thing.to_string())).collect()
    }
}

/// `mill.bake`: asks for the flour.
struct Bake;

impl Skill for Bake {
    const NAME: &'static str = "mill.bake";
    type Input = u64;
    type Output = u64;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Asks for the flour")
    }
}

impl FlowSkill for Bake {
    async fn run(&self, number: Arc<u64>, context: FlowContext) -> Result<u64, Fault> {
        let flour = context.ask_json("mill.grind", (*number).into()).await;
        // As an author may do it who does not know better.
        let flour = flour.map_err(|error| Fault::unavailable(error.to_string()))?;
        Ok(flour.as_u64().unwrap())
    }
}

/// `mill.feast`: asks for bread.
struct Feast;

impl Skill for Feast {
    const NAME: &'static str = "mill.feast";
    type Input = u64;
    type Output = u64;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Asks for bread")
    }
}

impl FlowSkill for Feast {
    async fn run(&self, number: Arc<u64>, context: FlowContext) -> Result<u64, Fault> {
        Ok(context.ask::<Bake>(*number).await?)
    }
}

/// `mill.manage`: makes do with nothing.
struct Manage;

impl Skill for Manage {
    const NAME: &'static str = "mill.manage";
    type Input = u64;
    type Output = u64;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Asks for the flour, and makes do without it")
    }
}

impl FlowSkill for Manage {
    async fn run(&self, number: Arc<u64>, context: FlowContext) -> Result<u64, Fault> {
        let flour = context.ask_json("mill.grind", (*number).into()).await;
        Ok(flour.ok().and_then(|flour| flour.as_u64()).unwrap_or(0))
    }
}

/// `mill.count`: counts the meals of an episode, and panics at noon.
struct Count(Mill);

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
struct About {
    #[schemars(with = "String")]
    episode: EpisodeId,
}

impl Skill for Count {
    const NAME: &'static str = "mill.count";
    type Input = About;
    type Output = u64;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Counts the meals of an episode")
    }
}

impl FlowSkill for Count {
    async fn run(&self, about: Arc<About>, context: FlowContext) -> Result<u64, Fault> {
        let filter = FactFilter {
            episode: Some(about.episode),
            kind: Some("meal".to_owned()),
            ..FactFilter::default()
        };
        let snapshot = context.environment().snapshot();
        let meals = snapshot.and_then(|snapshot| snapshot.facts(filter));
        let meals = meals.map_err(|error| Fault::unavailable(error.to_string()))?;
        let count = meals.count() as u64;
        let cured = self.0.0.load(Ordering::SeqCst);
        assert!(cured || count < NOON, "noon");
        Ok(count)
    }
}
