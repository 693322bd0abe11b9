//! Survive a crash: the program kills its own workers under load, then its own process while the whole team is at work on an episode, and
//! shows that nothing was lost. `cargo run --example survive_crash`, after `aimass models pull minilm silero-vad whisper-base`.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use aimass::{
    Agent, AgentDefinition, BatchSkill, Config, Environment, EnvironmentOptions, Episode,
    EpisodeId, EpisodeReport, FactDraft, FactKind, Fault, Fresh, Reaction, Runtime, Skill,
    SkillSpec, StepContext, WorkerGroup,
};
use serde_json::json;
use tokio::task::JoinSet;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

const FACTS: u64 = 200;
/// How many calls are made while workers die, and how many of them at a time.
const CALLS: u64 = 1000;
const IN_FLIGHT: usize = 64;

/// Squares numbers; every seventh batch kills its worker.
struct Square;

impl Skill for Square {
    const NAME: &'static str = "fragile.square";
    type Input = u64;
    type Output = u64;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Squares a number, if it survives.")
    }
}

impl BatchSkill for Square {
    type Model = u64;

    fn run(
        &self,
        served: &mut u64,
        inputs: &[Arc<u64>],
        _: &mut StepContext<'_>,
    ) -> Vec<Result<u64, Fault>> {
        *served += 1;
        assert!(!served.is_multiple_of(7), "this worker has served enough");
        inputs.iter().map(|input| Ok(**input * **input)).collect()
    }
}

const NUMBER: FactKind = FactKind::constant("number", 1);

struct Fragile;

impl Agent for Fragile {
    fn name(&self) -> &str {
        "fragile"
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        let group = WorkerGroup::new("workers", Fresh(|| 0_u64)).skill(Square);
        Ok(definition
            .group(group)
            .reaction(Reaction::new("square", NUMBER, Square::NAME)))
    }
}

fn open(folder: &Path) -> Outcome<Environment> {
    let options = EnvironmentOptions::from(&Config::default().environment);
    Ok(Environment::open(folder, options)?)
}

async fn start(environment: Environment) -> Outcome<Runtime> {
    let mut config = Config::default();
    // Small batches, so that many of them die.
    config.agent_mut("fragile").max_batch = 4;
    Ok(aimass::team(config)?
        .agent(Fragile)
        .environment(environment)
        .start()
        .await?)
}

/// Workers die under load, with the calls that they work on and many more that wait: each has its one answer all the same. Gives how
/// many workers died.
async fn workers_die(runtime: &Runtime) -> Outcome<u64> {
    let deaths = |runtime: &Runtime| -> u64 {
        let agents = runtime.agents();
        let fragile = agents.iter().filter(|agent| agent.name == "fragile");
        let workers = fragile.flat_map(|agent| &agent.workers);
        workers.map(|worker| worker.restarts).sum()
    };
    let before = deaths(runtime);
    let mut in_flight = JoinSet::new();
    let mut answered = 0;
    for number in 0..CALLS {
        if in_flight.len() == IN_FLIGHT
            && let Some(call) = in_flight.join_next().await
        {
            answered += right(call?)?;
        }
        let call = runtime.ask::<Square>(number).into_future();
        in_flight.spawn(async move { (number, call.await) });
    }
    while let Some(call) = in_flight.join_next().await {
        answered += right(call?)?;
    }
    assert_eq!(answered, CALLS, "each call is to have one answer");
    let died = deaths(runtime) - before;
    assert!(died > 20, "{died} workers died: that is no load");
    Ok(died)
}

/// One answer, if it is the right one.
fn right((number, answer): (u64, Result<u64, aimass::TaskError>)) -> Outcome<u64> {
    assert_eq!(answer?, number * number);
    Ok(1)
}

/// Begins an episode, and dies in the middle of it.
async fn die(folder: &Path, episode: EpisodeId) -> Outcome<()> {
    let runtime = start(open(folder)?).await?;
    let mut work = Episode::from_files(["examples/inbox"]).id(episode);
    for number in 0..FACTS {
        work = work.fact(FactDraft::new(NUMBER, json!(number)));
    }
    runtime.begin_episode(work).await?;
    let mut status = runtime.environment().watch_episode(episode)?;
    status
        .wait_for(|status| status.facts > FACTS + FACTS / 4)
        .await?;
    std::process::abort();
}

/// Every number was squared, every file was worked on by every agent that reads its kind, and nothing was done twice.
fn nothing_lost(report: &EpisodeReport) {
    let of_kind = |kind| {
        report
            .facts
            .iter()
            .filter(move |fact| fact.kind.name() == kind)
    };
    let mut squares: Vec<u64> = of_kind(Square::NAME)
        .filter_map(|fact| fact.value.as_u64())
        .collect();
    squares.sort_unstable();
    let expected: Vec<u64> = (0..FACTS).map(|number| number * number).collect();
    assert_eq!(
        squares, expected,
        "each number is to be squared exactly once"
    );

    let texts = of_kind("file.text").count();
    let recordings = of_kind("file.audio").count();
    let pictures = of_kind("file.image").count();
    let expected = [
        ("speech.transcribe", recordings),
        ("image.describe", pictures),
        ("image.embed", pictures),
        // A transcript is read as a letter is; the photograph has no words whose language could be told.
        ("text.language", texts + recordings),
        ("text.embed", texts + recordings + pictures),
        ("generation.report", 1),
    ];
    for (kind, expected) in expected {
        assert_eq!(of_kind(kind).count(), expected, "facts of {kind}");
    }
}

#[tokio::main]
async fn main() -> Outcome<()> {
    if let [_, folder, episode] = &std::env::args().collect::<Vec<_>>()[..] {
        return die(Path::new(folder), episode.parse()?).await;
    }
    let folder = tempfile::tempdir()?;
    let episode = EpisodeId::random();
    let mut child = Command::new(std::env::current_exe()?)
        .args([folder.path().as_os_str(), episode.to_string().as_ref()])
        .stderr(Stdio::null())
        .spawn()?;
    assert!(
        !child.wait()?.success(),
        "the process was to die in the middle of its episode"
    );

    let environment = open(folder.path())?;
    let status = environment.snapshot()?.episode(episode)?;
    let before = status.map_or(0, |status| status.facts);
    let runtime = start(environment).await?;
    let report = runtime.report(episode).await?;
    let after = report.facts.len() as u64;
    assert_eq!(report.failures, []);
    assert!(
        FACTS < before && before < after,
        "it was to die in the middle: with {before} of {after} facts"
    );
    nothing_lost(&report);
    let died = workers_die(&runtime).await?;
    runtime.shutdown().await;
    let lines = format!(
        "died with {before} facts, finished with {after}: nothing lost, nothing twice\n\
         {CALLS} calls, {IN_FLIGHT} at a time, while {died} workers died: each was answered\n"
    );
    std::io::Write::write_all(&mut std::io::stdout(), lines.as_bytes())?;
    Ok(())
}
