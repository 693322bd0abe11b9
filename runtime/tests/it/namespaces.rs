//! Namespaces: what belongs to a tenant stays with it, from the input of an episode to its last fact.

use std::sync::Arc;

use aimass_config::Config;
use aimass_runtime::{
    Agent, AgentDefinition, Episode, FactDraft, FactKind, Fault, FlowContext, FlowSkill, Namespace,
    Reaction, Runtime, Skill, SkillSpec,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// An agent that says whose work it does.
struct Clerk;

/// `clerk.ask`: says whose work it is, and whose the clerk's who is asked.
struct Ask;

/// `clerk.answer`: says whose work it is.
struct Answer;

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Question {}

fn kind(name: &str) -> FactKind {
    FactKind::new(name, 1).unwrap()
}

impl Agent for Clerk {
    fn name(&self) -> &str {
        "clerk"
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        let reaction = Reaction::new("questions", kind("question"), Ask::NAME);
        Ok(definition.flow(Ask).flow(Answer).reaction(reaction))
    }
}

impl Skill for Ask {
    const NAME: &'static str = "clerk.ask";
    type Input = Question;
    type Output = Vec<String>;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Says whose work it is, and what another says to that")
    }
}

impl FlowSkill for Ask {
    async fn run(&self, _: Arc<Question>, context: FlowContext) -> Result<Vec<String>, Fault> {
        context.publish(FactDraft::new(kind("published"), json!(null)))?;
        let other = context.ask::<Answer>(Question {}).await?;
        Ok(vec![context.namespace().to_string(), other])
    }
}

impl Skill for Answer {
    const NAME: &'static str = "clerk.answer";
    type Input = Question;
    type Output = String;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Says whose work it is")
    }
}

impl FlowSkill for Answer {
    async fn run(&self, _: Arc<Question>, context: FlowContext) -> Result<String, Fault> {
        Ok(context.namespace().to_string())
    }
}

async fn start() -> Runtime {
    let mut config = Config::default();
    config.environment.namespace = "house".to_owned();
    Runtime::builder(config).agent(Clerk).start().await.unwrap()
}

/// What the episode found belongs to this tenant, and so did the work on it.
async fn assert_belongs(runtime: &Runtime, episode: Episode, tenant: &str) {
    let question = FactDraft::new(kind("question"), json!({}));
    let report = runtime.run(episode.fact(question)).await.unwrap();
    assert_eq!(report.failures, []);
    let found: Vec<(&str, &str)> = report
        .facts
        .iter()
        .map(|fact| (fact.kind.name(), &*fact.namespace.0))
        .collect();
    let expected = ["question", "published", "clerk.ask"].map(|kind| (kind, tenant));
    assert_eq!(found, expected);
    let said = &report.facts.last().unwrap().value;
    assert_eq!(said, &json!([tenant, tenant]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_its_reactions_and_their_facts_stay_in_the_namespace_of_the_input() {
    let runtime = start().await;
    let acme = || Namespace("acme".into());
    assert_belongs(&runtime, Episode::new().namespace(acme()), "acme").await;
    let asked = runtime.ask::<Ask>(Question {}).namespace(acme()).await;
    assert_eq!(asked.unwrap(), ["acme", "acme"]);
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn work_that_names_no_namespace_has_the_configured_one() {
    let runtime = start().await;
    assert_belongs(&runtime, Episode::new(), "house").await;
    assert_eq!(
        runtime.ask::<Ask>(Question {}).await.unwrap(),
        ["house", "house"]
    );
    runtime.shutdown().await;
}
