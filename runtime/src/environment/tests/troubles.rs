//! What lives on the environment when that fails for a while, and when its writer is gone.

use std::io;
use std::sync::atomic::{AtomicU32, Ordering};

use aimass_config::Config;
use redb::StorageBackend;

use super::super::media::MediaFile;
use super::disk::{Disk, SimulatedFile};
use super::*;
use crate::{
    Agent, AgentDefinition, BatchSkill, Episode, Fault, Fresh, QuietRule, Reaction, Runtime, Skill,
    SkillSpec, StepContext, TaskError, WorkerGroup,
};

/// A disk on which something happens while certain words are written into its journal.
#[derive(Debug, Clone)]
struct Troubled {
    disk: Disk,
    word: &'static str,
    trouble: Trouble,
    times: Arc<AtomicU32>,
}

#[derive(Debug, Clone, Copy)]
enum Trouble {
    NoSpace,
    Panic,
}

#[derive(Debug)]
struct TroubledFile(Troubled, Arc<SimulatedFile>);

impl Troubled {
    fn open(word: &'static str, trouble: Trouble, times: u32) -> Environment {
        let disk = Self {
            disk: Disk::new(),
            word,
            trouble,
            times: Arc::new(AtomicU32::new(times)),
        };
        let place = PathBuf::from("troubled");
        let options = EnvironmentOptions::default();
        Environment::start(Box::new(disk), place, Blobs::in_memory(), options, None).unwrap()
    }
}

impl Media for Troubled {
    fn tables(&self) -> io::Result<MediaFile> {
        self.disk.tables()
    }

    fn journal(&self) -> io::Result<Option<MediaFile>> {
        let file = TroubledFile(self.clone(), Arc::clone(&self.disk.journal));
        Ok(Some(MediaFile(Arc::new(file))))
    }

    fn free_bytes(&self) -> io::Result<Option<u64>> {
        Ok(None)
    }
}

impl StorageBackend for TroubledFile {
    fn len(&self) -> io::Result<u64> {
        self.1.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.1.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.1.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.1.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let Troubled {
            word,
            trouble,
            times,
            ..
        } = &self.0;
        let word = word.as_bytes();
        let is_there = data.windows(word.len()).any(|part| part == word);
        let once_less = |times: u32| times.checked_sub(1);
        let (set, read) = (Ordering::SeqCst, Ordering::SeqCst);
        if is_there && times.fetch_update(set, read, once_less).is_ok() {
            match trouble {
                Trouble::NoSpace => return Err(io::Error::from(io::ErrorKind::StorageFull)),
                Trouble::Panic => panic!("the disk is on fire"),
            }
        }
        self.1.write(offset, data)
    }
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
            .when_quiet(QuietRule::new("goodbye", "parrot.echo")))
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
        let environment = Troubled::open(word, Trouble::NoSpace, 2);
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
    let environment = Troubled::open(r#""outcome":"#, Trouble::NoSpace, 3);
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
    let environment = Troubled::open("blaze", Trouble::Panic, 1);
    let mut config = Config::default();
    config.runtime.supervision.max_restarts = 0;
    let runtime = start_with(config, &environment).await;
    let mut pending = Episode::new().fact(draft(1));
    pending = pending.id(EpisodeId::from_u128(7));
    let episode = runtime.run(pending).await.unwrap().episode;
    let never_settled = Transaction {
        accepted: vec![task(5, Some(episode))],
        ..Transaction::default()
    };
    environment.commit(never_settled).await.unwrap();
    let on_fire = FactDraft::new(kind("note@1"), json!("blaze"));
    let breaks = async { environment.commit(saying([on_fire])).await.unwrap_err() };
    let (report, failure, error) = tokio::join!(runtime.report(episode), runtime.failure(), breaks);
    assert!(error.to_string().contains("the disk is on fire"), "{error}");
    let (name, why) = failure;
    assert_eq!((&*name, &*why), ("environment", "the disk is on fire"));
    let error = report.unwrap_err();
    assert!(matches!(error, TaskError::Environment { .. }), "{error}");
    let error = runtime.report(episode).await.unwrap_err();
    assert!(error.to_string().contains("the disk is on fire"), "{error}");
    let error = runtime.ask_durable(Echo, json!(1)).await.unwrap_err();
    assert!(error.to_string().contains("the disk is on fire"), "{error}");
    // What was written can be read, and what needs no store goes on.
    assert!(!all(&environment).is_empty());
    assert_eq!(runtime.ask(Echo, json!(2)).await.unwrap(), json!(2));
    let ended = runtime.shutdown().await.environment.unwrap();
    assert!(ended.contains("the disk is on fire"), "{ended}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_panics_at_one_thing_is_started_again_and_loses_nothing_else() {
    let environment = Troubled::open("blaze", Trouble::Panic, 1);
    let runtime = start(&environment).await;
    let on_fire = || FactDraft::new(kind("note@1"), json!("blaze"));
    let error = environment.commit(saying([on_fire()])).await.unwrap_err();
    assert!(error.to_string().contains("the disk is on fire"), "{error}");
    let report = runtime.run(Episode::new().fact(draft(1))).await.unwrap();
    assert_eq!(report.failures, vec![]);
    environment.commit(saying([on_fire()])).await.unwrap();
    assert_eq!(runtime.shutdown().await.environment, None);
}

/// The queue is full of them when it is given up.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_for_a_writer_that_is_given_up_is_told() {
    let environment = Troubled::open("blaze", Trouble::Panic, u32::MAX);
    let mut config = Config::default();
    config.runtime.supervision.max_restarts = 3;
    config.runtime.supervision.backoff_initial = std::time::Duration::from_millis(1);
    let runtime = start_with(config, &environment).await;
    let mut commits = tokio::task::JoinSet::new();
    for _ in 0..2000 {
        let environment = environment.clone();
        commits.spawn(async move {
            let on_fire = FactDraft::new(kind("note@1"), json!("blaze"));
            environment.commit(saying([on_fire])).await
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
