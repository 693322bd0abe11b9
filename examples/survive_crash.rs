//! Survive a crash: the program kills its own workers under load, then its own process while the whole team is at work on an episode, and
//! shows that nothing was lost. `cargo run --example survive_crash`, after `aimass models pull minilm silero-vad whisper-base smollm2`.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use aimass::{
    Agent, AgentDefinition, BatchSkill, Config, Environment, EnvironmentOptions, Episode,
    EpisodeId, EpisodeReport, FactDraft, FactKind, Fault, Fresh, Reaction, Runtime, Skill,
    SkillSpec, StepContext, TaskError, WorkerGroup,
};
use serde_json::json;

const FACTS: u64 = 200;

/// Squares numbers; every seventh one kills its worker the first time.
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

struct Fragile;

impl Agent for Fragile {
    fn name(&self) -> &str {
        "fragile"
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        let group = WorkerGroup::new("workers", Fresh(|| 0_u64)).skill(Square);
        let number = FactKind::new("number", 1).map_err(|error| Fault::bug(error.to_string()))?;
        Ok(definition
            .group(group)
            .reaction(Reaction::new("square", number, Square::NAME)))
    }
}

async fn start(folder: &Path) -> Result<Runtime, Box<dyn std::error::Error>> {
    let config = Config::default();
    let environment = Environment::open(folder, EnvironmentOptions::from(&config.environment))?;
    let cache = aimass::cache_folder().ok_or("set AIMASS_CACHE to the folder of the models")?;
    Ok(aimass::builder(config, &cache)?
        .agent(Fragile)
        .environment(environment)
        .start()
        .await?)
}

/// Workers die under load: every task has its answer all the same.
async fn workers_die(runtime: &Runtime) -> Result<(), TaskError> {
    for number in 0..FACTS {
        assert_eq!(runtime.ask(Square, number).await?, number * number);
    }
    let agents = runtime.agents();
    let fragile = agents.iter().filter(|agent| agent.name == "fragile");
    let workers = fragile.flat_map(|agent| &agent.workers);
    let restarts: u64 = workers.map(|worker| worker.restarts).sum();
    assert!(
        restarts > 10,
        "the workers did not die: {restarts} restarts"
    );
    Ok(())
}

/// Begins an episode, and dies in the middle of it.
async fn die(folder: &Path, episode: EpisodeId) -> Result<(), Box<dyn std::error::Error>> {
    let runtime = start(folder).await?;
    let mut work = Episode::from_files(["examples/inbox"]).id(episode);
    for number in 0..FACTS {
        work = work.fact(FactDraft::new(FactKind::new("number", 1)?, json!(number)));
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
    let expected = [
        ("speech.transcribe", recordings),
        // A transcript is read as a letter is.
        ("text.language", texts + recordings),
        ("text.embed", texts + recordings),
        ("generation.report", 1),
    ];
    for (kind, expected) in expected {
        assert_eq!(of_kind(kind).count(), expected, "facts of {kind}");
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
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

    let runtime = start(folder.path()).await?;
    let before = runtime.report_now(episode)?.facts.len() as u64;
    let report = runtime.report(episode).await?;
    assert_eq!(report.failures, []);
    nothing_lost(&report);
    workers_die(&runtime).await?;
    runtime.shutdown().await;
    let line = format!(
        "died with {before} facts, finished with {}: nothing lost, nothing twice\n",
        report.facts.len()
    );
    std::io::Write::write_all(&mut std::io::stdout(), line.as_bytes())?;
    Ok(())
}
