//! Tasks that kill their whole process, and tasks that are merely there when it dies: real processes that abort and are killed.

#![expect(
    clippy::print_stdout,
    reason = "the child speaks to its parent through it"
)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use aimass_config::Config;
use aimass_runtime::{
    Agent, AgentDefinition, BatchSkill, Environment, EnvironmentOptions, Episode, EpisodeId,
    FactDraft, FactKind, Fault, Fresh, Reaction, Runtime, Skill, SkillSpec, StepContext,
    WorkerGroup,
};
use parking_lot::{Condvar, Mutex};
use serde_json::json;

use crate::CHILD;

/// Tasks that do nothing special.
const CALM: u64 = 10;

/// What the tasks of one process know of each other.
#[derive(Default)]
struct Crowd {
    running: AtomicU32,
    slow: Mutex<bool>,
    changed: Condvar,
}

/// `cave.eat`: `poison` aborts the process, `slow` takes long enough to be there then, all else is harmless.
#[derive(Clone)]
struct Eat {
    crowd: Arc<Crowd>,
    /// Slow tasks never end.
    stuck: bool,
}

impl Skill for Eat {
    const NAME: &'static str = "cave.eat";
    type Input = String;
    type Output = String;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Eats, if it does not die of it")
    }
}

impl Eat {
    fn eat(&self, input: &str) {
        let Crowd {
            running,
            slow,
            changed,
        } = &*self.crowd;
        running.fetch_add(1, Ordering::SeqCst);
        let mut slow_is_there = slow.lock();
        if input.starts_with("slow") {
            *slow_is_there = true;
            changed.notify_all();
            println!("begun {input}");
            // Nobody wakes it: it is there for a while, or for ever.
            let a_while = match self.stuck {
                true => Duration::from_secs(3600),
                false => Duration::from_secs(1),
            };
            changed.wait_for(&mut slow_is_there, a_while);
        }
        if input == "poison" {
            let patience = Duration::from_millis(200);
            changed.wait_while_for(&mut slow_is_there, |there| !*there, patience);
            let beside = running.load(Ordering::SeqCst) - 1;
            println!("dies beside {beside}");
            std::process::abort();
        }
        running.fetch_sub(1, Ordering::SeqCst);
    }
}

impl BatchSkill for Eat {
    type Model = ();

    fn run(
        &self,
        (): &mut (),
        inputs: &[Arc<String>],
        _: &mut StepContext<'_>,
    ) -> Vec<Result<String, Fault>> {
        inputs
            .iter()
            .map(|input| {
                self.eat(input);
                Ok(format!("ate {input}"))
            })
            .collect()
    }
}

struct Cave(Eat);

impl Agent for Cave {
    fn name(&self) -> &str {
        "cave"
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        let group = WorkerGroup::new("mouths", Fresh(|| ())).skill(self.0.clone());
        let food = FactKind::new("food", 1).unwrap();
        Ok(definition
            .group(group)
            .reaction(Reaction::new("eat", food, Eat::NAME)))
    }
}

fn options() -> EnvironmentOptions {
    EnvironmentOptions::default()
}

fn episode_id() -> EpisodeId {
    EpisodeId::from_u128(1)
}

/// The child: works on the episode until it is over, or dies of it. It does nothing unless it was started as the child.
#[tokio::test(flavor = "multi_thread")]
async fn cave() {
    let Ok(order) = std::env::var(CHILD) else {
        return;
    };
    let mut words = order.splitn(3, ':');
    let mut word = || words.next().unwrap().to_owned();
    let (stuck, food, folder) = (word() == "stuck", word(), word());
    let environment = Environment::open(Path::new(&folder), options()).unwrap();
    let mut config = Config::default();
    let agent = config.agent_mut("cave");
    agent.replicas = 2;
    agent.max_batch = 1;
    agent.step_limit = Duration::from_secs(3600);
    let crowd = Arc::new(Crowd::default());
    let builder = Runtime::builder(config)
        .agent(Cave(Eat { crowd, stuck }))
        .environment(environment);
    let runtime = builder.start().await.unwrap();
    let mut episode = Episode::new().id(episode_id());
    for food in food.split(',') {
        episode = episode.fact(FactDraft::new(
            FactKind::new("food", 1).unwrap(),
            json!(food),
        ));
    }
    runtime.run(episode).await.unwrap();
    let report = runtime.shutdown().await;
    assert_eq!(report.environment, None);
}

fn child(stuck: &str, food: &str, folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "poison::cave", "--nocapture", "--test-threads=1"])
        .env(CHILD, format!("{stuck}:{food}:{}", folder.display()))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Lets a child come to its end. Gives how it ended, and beside how many others a task of it died.
fn lived(mut child: Child) -> (ExitStatus, Option<u32>) {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let beside = lines
        .map_while(Result::ok)
        .filter_map(|line| Some(line.split_once("dies beside ")?.1.parse().unwrap()))
        .last();
    (child.wait().unwrap(), beside)
}

/// Kills a child as soon as a slow task runs in it.
fn killed_while_slow(mut child: Child) {
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let begun = lines.any(|line| line.unwrap().contains("begun slow"));
    assert!(begun, "the child ended before a slow task began");
    child.kill().unwrap();
    assert!(!child.wait().unwrap().success());
}

/// What the episode came to: the outputs, and the causes of what was given up.
fn outcome(folder: &Path) -> (Vec<String>, Vec<String>) {
    let environment = Environment::open(folder, options()).unwrap();
    let snapshot = environment.snapshot().unwrap();
    assert_eq!(snapshot.unsettled().unwrap(), []);
    let facts = snapshot
        .facts(aimass_runtime::FactFilter::default())
        .unwrap();
    let mut eaten: Vec<String> = facts
        .map(Result::unwrap)
        .filter(|fact| fact.kind.name() == Eat::NAME)
        .map(|fact| fact.value.as_str().unwrap().to_owned())
        .collect();
    eaten.sort();
    let letters = snapshot.dead_letters().unwrap();
    let given_up = letters
        .iter()
        .map(|letter| format!("{}: {}", letter.task.input, letter.cause))
        .collect();
    (eaten, given_up)
}

#[test]
fn g3_a_task_that_kills_its_process_is_given_up_and_costs_nobody_else_anything() {
    let folder = tempfile::tempdir().unwrap();
    let mut food: Vec<String> = (0..CALM).map(|number| format!("calm {number}")).collect();
    food.insert(3, "poison".to_owned());
    food.insert(4, "slow".to_owned());
    let food = food.join(",");
    let mut deaths = Vec::new();
    loop {
        let (status, beside) = lived(child("ends", &food, folder.path()));
        if status.success() {
            break;
        }
        deaths.push(beside.expect("only the poison kills"));
        assert!(deaths.len() <= 6, "it is taken up for ever: {deaths:?}");
    }
    assert!(deaths.len() >= 5, "given up too soon: {deaths:?}");
    assert!(deaths[0] > 0, "somebody ran beside it at first: {deaths:?}");
    assert_eq!(
        deaths[deaths.len() - 2..],
        [0, 0],
        "it was alone: {deaths:?}"
    );
    let (eaten, given_up) = outcome(folder.path());
    let calm = (0..CALM).map(|number| format!("ate calm {number}"));
    let expected: Vec<String> = calm.chain(["ate slow".to_owned()]).collect();
    assert_eq!(eaten, expected, "each once");
    assert_eq!(given_up.len(), 1, "{given_up:?}");
    assert!(given_up[0].contains("poison"), "{given_up:?}");
    assert!(
        given_up[0].contains("while nothing else ran"),
        "{given_up:?}"
    );
}

#[test]
fn g3_tasks_that_are_there_when_their_process_is_killed_are_never_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let food = "slow 1,slow 2,calm";
    for _ in 0..4 {
        killed_while_slow(child("stuck", food, folder.path()));
    }
    let (status, _) = lived(child("ends", food, folder.path()));
    assert!(status.success(), "{status}");
    let (eaten, given_up) = outcome(folder.path());
    assert_eq!(eaten, ["ate calm", "ate slow 1", "ate slow 2"]);
    assert_eq!(given_up, [] as [String; 0]);
}
