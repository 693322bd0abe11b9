//! Idle rules: asked once an episode has nothing under way, at most once in each round.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aimass_config::{Config, EnvironmentConfig, ReactionConfig};
use aimass_runtime::{
    Agent, AgentDefinition, Environment, EnvironmentOptions, Episode, EpisodeId, Fact, FactDraft,
    FactFilter, FactKind, Fault, FlowContext, FlowSkill, IdleRule, Provenance, Runtime, Skill,
    SkillSpec, Transaction,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::Semaphore;

/// Counts the facts of an episode at its end, once there is a permit for it.
#[derive(Clone)]
struct Clerk {
    permits: Arc<Semaphore>,
    asked: Arc<AtomicU64>,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
struct About {
    #[schemars(with = "String")]
    episode: EpisodeId,
}

impl Skill for Clerk {
    const NAME: &'static str = "clerk.count";
    type Input = About;
    type Output = u64;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Counts the facts of an episode.")
    }
}

impl FlowSkill for Clerk {
    async fn run(&self, about: Arc<About>, context: FlowContext) -> Result<u64, Fault> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let permit = self.permits.acquire().await;
        permit
            .map_err(|error| Fault::bug(error.to_string()))?
            .forget();
        let filter = FactFilter {
            episode: Some(about.episode),
            ..FactFilter::default()
        };
        let facts = context
            .environment()
            .snapshot()
            .and_then(|snapshot| snapshot.facts(filter));
        Ok(facts
            .map_err(|error| Fault::bug(error.to_string()))?
            .count() as u64)
    }
}

impl Agent for Clerk {
    fn name(&self) -> &str {
        "clerk"
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        Ok(definition
            .flow(self.clone())
            .on_idle(IdleRule::new("count", "clerk.count")))
    }
}

fn clerk(permits: usize) -> Clerk {
    Clerk {
        permits: Arc::new(Semaphore::new(permits)),
        asked: Arc::default(),
    }
}

fn in_memory() -> Environment {
    Environment::in_memory(EnvironmentOptions::from(&EnvironmentConfig::default())).unwrap()
}

async fn start(clerk: &Clerk, environment: &Environment, config: Config) -> Runtime {
    let builder = Runtime::builder(config).agent(clerk.clone());
    builder
        .environment(environment.clone())
        .start()
        .await
        .unwrap()
}

fn note() -> FactDraft {
    FactDraft::new(FactKind::new("note", 1).unwrap(), json!("hello"))
}

fn counts(facts: &[Fact]) -> Vec<u64> {
    let counts = facts
        .iter()
        .filter(|fact| fact.kind.name() == "clerk.count");
    counts.filter_map(|fact| fact.value.as_u64()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_for_quiet_is_asked_once_in_each_round() {
    let (clerk, environment) = (clerk(9), in_memory());
    let runtime = start(&clerk, &environment, Config::default()).await;
    let report = runtime.run(Episode::new().fact(note())).await.unwrap();
    assert_eq!(counts(&report.facts), [1]);
    let again = runtime.report(report.episode).await.unwrap();
    assert_eq!((again.facts, again.failures), (report.facts, vec![]));

    let input = Transaction {
        episode: Some(report.episode),
        facts: vec![(note(), Provenance::default())],
        ..Transaction::default()
    };
    environment.commit(input).await.unwrap();
    let report = runtime.report(report.episode).await.unwrap();
    assert_eq!(counts(&report.facts), [1, 3]);
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_needs_to_wait_for_an_end_that_a_rule_is_asked_about() {
    let (clerk, environment) = (clerk(1), in_memory());
    let runtime = start(&clerk, &environment, Config::default()).await;
    let filter = FactFilter {
        kind: Some("clerk.count".to_owned()),
        ..FactFilter::default()
    };
    let mut counted = environment.subscribe_from(Default::default(), filter);
    runtime
        .begin_episode(Episode::new().fact(note()))
        .await
        .unwrap();
    assert_eq!(counted.next().await.unwrap().value, json!(1));
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_was_cut_off_is_counted_once_by_the_next_process() {
    let (first, environment) = (clerk(0), in_memory());
    let runtime = start(&first, &environment, Config::default()).await;
    let episode = runtime
        .begin_episode(Episode::new().fact(note()))
        .await
        .unwrap()
        .id;
    let mut status = environment.watch_episode(episode).unwrap();
    status
        .wait_for(|status| status.outstanding == 1)
        .await
        .unwrap();
    drop(runtime);
    let second = clerk(9);
    let runtime = start(&second, &environment, Config::default()).await;
    let report = runtime.report(episode).await.unwrap();
    assert_eq!(counts(&report.facts), [1]);
    assert_eq!(second.asked.load(Ordering::SeqCst), 1);
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_episode_without_facts_and_a_rule_that_is_switched_off_ask_nobody() {
    let (clerk, environment) = (clerk(9), in_memory());
    let runtime = start(&clerk, &environment, Config::default()).await;
    let report = runtime.run(Episode::new()).await.unwrap();
    assert_eq!(report.facts, []);
    drop(runtime);
    let off = ReactionConfig {
        name: "count".to_owned(),
        kind: "note@1".to_owned(),
        skill: "clerk.count".to_owned(),
        enabled: false,
    };
    let config = Config {
        reactions: vec![off],
        ..Config::default()
    };
    let runtime = start(&clerk, &in_memory(), config).await;
    let report = runtime.run(Episode::new().fact(note())).await.unwrap();
    assert_eq!(report.facts.len(), 1);
    assert_eq!(clerk.asked.load(Ordering::SeqCst), 0);
    runtime.shutdown().await;
}
