//! A skill that got another name is found by the old one, and told by the new one.

use std::collections::BTreeMap;
use std::sync::Arc;

use aimass_config::Config;
use aimass_runtime::{
    Agent, AgentDefinition, BatchSkill, Fault, Fresh, Recorder, Runtime, Skill, SkillSpec,
    StepContext, TaskError, TaskOptions, WorkerGroup,
};
use serde_json::json;

struct Double;

impl Skill for Double {
    const NAME: &'static str = "mint.double";
    type Input = u64;
    type Output = u64;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Doubles a number").alias("mint.twofold")
    }
}

impl BatchSkill for Double {
    type Model = ();

    fn run(&self, (): &mut (), numbers: &[Arc<u64>], _: &mut StepContext<'_>) -> Doubled {
        numbers.iter().map(|number| Ok(2 * **number)).collect()
    }
}

type Doubled = Vec<Result<u64, Fault>>;

struct Mint;

impl Agent for Mint {
    fn name(&self) -> &str {
        "mint"
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        Ok(definition.group(WorkerGroup::new("presses", Fresh(|| ())).skill(Double)))
    }
}

#[tokio::test]
async fn a_skill_is_found_by_its_old_name_and_told_by_its_own() {
    let rule = "[[reactions]]\nname = 'doubled'\nkind = 'number@1'\nskill = 'mint.twofold'\n";
    let config = Config::parse(rule, "aimass.toml", &BTreeMap::new()).unwrap();
    let recorder = Recorder::default();
    let builder = Runtime::builder(config).agent(Mint);
    let runtime = builder.observer(recorder.clone()).start().await.unwrap();

    let answer = runtime.ask_json("mint.twofold", json!(21), TaskOptions::default());
    assert_eq!(answer.await.unwrap(), json!(42));
    let names: Vec<String> = runtime.skills().into_iter().map(|spec| spec.name).collect();
    assert_eq!(names, ["mint.double"]);
    assert_eq!(runtime.skills()[0].aliases, ["mint.twofold"]);
    let unknown = runtime.ask_json("mint.twofoldd", json!(1), TaskOptions::default());
    let Err(TaskError::UnknownSkill { nearest, .. }) = unknown.await else {
        panic!("it was found");
    };
    assert_ne!(nearest.as_deref(), Some("mint.twofold"));

    runtime.shutdown().await;
    let told = recorder
        .tasks()
        .into_iter()
        .map(|task| task.skill.to_string());
    assert_eq!(told.collect::<Vec<_>>(), ["mint.double"]);
}
