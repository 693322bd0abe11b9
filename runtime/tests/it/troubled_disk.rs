//! What lives on the environment when that fails for a while, and when its writer is gone.

use std::sync::Arc;

use aimass_config::Config;
use aimass_runtime::{
    Agent, AgentDefinition, BatchSkill, Environment, EnvironmentError, Episode, EpisodeId, Fact,
    FactDraft, FactFilter, FactKind, Fault, Fresh, IdleRule, Provenance, Reaction, Runtime, Skill,
    SkillSpec, Snapshot, StepContext, TaskError, TaskId, TaskRecord, Transaction, Trouble,
    WorkerGroup,
};
use serde_json::json;

fn kind(text: &str) -> FactKind {
    text.parse().unwrap()
}

fn draft(number: u64) -> FactDraft {
    FactDraft::new(kind("note@1"), json!({ "number": number }))
}

/// A transaction that appends this as the user's own word.
fn saying(draft: FactDraft) -> Transaction {
    Transaction {
        facts: vec![(draft, Provenance::default())],
        ..Transaction::default()
    }
}

fn all(environment: &Environment) -> Vec<Fact> {
    let snapshot = environment.snapshot().unwrap();
    let facts = snapshot.facts(FactFilter::default()).unwrap();
    facts.collect::<Result<_, EnvironmentError>>().unwrap()
}

/// The agent `parrot`.
struct Parrot;

impl Agent for Parrot {
    fn name(&self) -> &str {
        "parrot"
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        let group = WorkerGroup::new("parrots", Fresh(|| ())).skill(Echo);
        let echo = Reaction::new("echo", kind("note@1"), "parrot.echo");
        Ok(definition
            .group(group)
            .reaction(echo)
            .on_idle(IdleRule::new("goodbye", "parrot.echo")))
    }
}

struct Echo;

impl Skill for Echo {
    const NAME: &'static str = "parrot.echo";
    type Input = serde_json::Value;
    type Output = serde_json::Value;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Says the same")
    }
}

impl BatchSkill for Echo {
    type Model = ();

    fn run(
        &self,
        (): &mut (),
        inputs: &[Arc<serde_json::Value>],
        _: &mut StepContext<'_>,
    ) -> Vec<Result<serde_json::Value, Fault>> {
        inputs.iter().map(|said| Ok((**said).clone())).collect()
    }
}

fn troubled(word: &'static str, trouble: Trouble, times: u32) -> Environment {
    Environment::troubled(word, trouble, times).unwrap()
}

async fn start(environment: &Environment) -> Runtime {
    start_with(Config::default(), environment).await
}

async fn start_with(config: Config, environment: &Environment) -> Runtime {
    let builder = Runtime::builder(config).agent(Parrot);
    let builder = builder.environment(environment.clone());
    builder.start().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_go_on_once_a_full_disk_has_room_again() {
    for word in [r#""rule":"echo""#, r#""rule":"goodbye""#] {
        let environment = troubled(word, Trouble::NoSpace, 2);
        let runtime = start(&environment).await;
        let running = runtime.begin_episode(Episode::new().fact(draft(1))).await;
        let episode = running.unwrap().id;
        // Whoever waits for the end of an episode hears of a full disk; the rules need nobody who waits.
        let both = |all: Snapshot| {
            let filter = FactFilter {
                kind: Some("parrot.echo".to_owned()),
                episode: Some(episode),
                ..FactFilter::default()
            };
            all.facts(filter).unwrap().count() == 2
        };
        while !both(environment.snapshot().unwrap()) {
            tokio::task::yield_now().await;
        }
        let report = runtime.report(episode).await.unwrap();
        assert_eq!((report.facts.len(), report.failures), (3, vec![]), "{word}");
        runtime.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_episode_ends_once_a_full_disk_has_room_for_what_became_of_its_task() {
    // Neither the answer is taken, nor that there is none.
    let environment = troubled(r#""outcome":"#, Trouble::NoSpace, 3);
    let runtime = start(&environment).await;
    let running = runtime.begin_episode(Episode::new().fact(draft(1))).await;
    let episode = running.unwrap().id;
    let report = runtime.report(episode).await.unwrap();
    assert_eq!(report.failures.len(), 1);
    assert_eq!(report.failures[0].error["error"], "unavailable");
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_panics_is_told_and_nobody_waits_for_it_for_ever() {
    let environment = troubled("blaze", Trouble::Panic, 1);
    let mut config = Config::default();
    config.runtime.supervision.max_restarts = 0;
    let runtime = start_with(config, &environment).await;
    let mut pending = Episode::new().fact(draft(1));
    pending = pending.id(EpisodeId::from_u128(7));
    let episode = runtime.run(pending).await.unwrap().episode;
    let never_settled = Transaction {
        accepted: vec![TaskRecord {
            episode: Some(episode),
            ..TaskRecord::new(TaskId::from_u128(5), "text.embed", json!("hello"))
        }],
        ..Transaction::default()
    };
    environment.commit(never_settled).await.unwrap();
    let on_fire = FactDraft::new(kind("note@1"), json!("blaze"));
    let breaks = async { environment.commit(saying(on_fire)).await.unwrap_err() };
    let (report, failure, error) = tokio::join!(runtime.report(episode), runtime.failure(), breaks);
    assert!(error.to_string().contains("the disk is on fire"), "{error}");
    let (name, why) = failure;
    assert_eq!((&*name, &*why), ("environment", "the disk is on fire"));
    let error = report.unwrap_err();
    assert!(matches!(error, TaskError::Environment { .. }), "{error}");
    let error = runtime.report(episode).await.unwrap_err();
    assert!(error.to_string().contains("the disk is on fire"), "{error}");
    let error = runtime.ask_durable::<Echo>(json!(1)).await.unwrap_err();
    assert!(error.to_string().contains("the disk is on fire"), "{error}");
    // What was written can be read, and what needs no store goes on.
    assert!(!all(&environment).is_empty());
    assert_eq!(runtime.ask::<Echo>(json!(2)).await.unwrap(), json!(2));
    let ended = runtime.shutdown().await.environment.unwrap();
    assert!(ended.contains("the disk is on fire"), "{ended}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_panics_at_one_thing_is_started_again_and_loses_nothing_else() {
    let environment = troubled("blaze", Trouble::Panic, 1);
    let runtime = start(&environment).await;
    let on_fire = || FactDraft::new(kind("note@1"), json!("blaze"));
    let error = environment.commit(saying(on_fire())).await.unwrap_err();
    assert!(error.to_string().contains("the disk is on fire"), "{error}");
    let report = runtime.run(Episode::new().fact(draft(1))).await.unwrap();
    assert_eq!(report.failures, vec![]);
    environment.commit(saying(on_fire())).await.unwrap();
    assert_eq!(runtime.shutdown().await.environment, None);
}

/// The queue is full of them when it is given up.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_for_a_writer_that_is_given_up_is_told() {
    let environment = troubled("blaze", Trouble::Panic, u32::MAX);
    let mut config = Config::default();
    config.runtime.supervision.max_restarts = 3;
    config.runtime.supervision.backoff_initial = std::time::Duration::from_millis(1);
    let runtime = start_with(config, &environment).await;
    let mut commits = tokio::task::JoinSet::new();
    for _ in 0..2000 {
        let environment = environment.clone();
        commits.spawn(async move {
            let on_fire = FactDraft::new(kind("note@1"), json!("blaze"));
            environment.commit(saying(on_fire)).await
        });
    }
    let limit = std::time::Duration::from_secs(60);
    let all = async {
        assert_eq!(runtime.failure().await.0, "environment");
        while let Some(commit) = commits.join_next().await {
            let error = commit.unwrap().unwrap_err();
            assert!(error.to_string().contains("the disk is on fire"), "{error}");
        }
        let ended = runtime.shutdown().await.environment.unwrap();
        assert!(ended.contains("the disk is on fire"), "{ended}");
    };
    let ended = tokio::time::timeout(limit, all).await;
    assert!(ended.is_ok(), "somebody waits for ever");
}
