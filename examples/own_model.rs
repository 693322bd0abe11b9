//! An agent with weights of its own, a setting, a stream and a new version, and what becomes of work that fails. `docs/own-model.md` explains it.
//!
//! `cargo run --example own_model`

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aimass::text::TextAgent;
use aimass::{
    Agent, AgentDefinition, BatchSkill, Config, DeviceName, Fault, FlowContext, FlowSkill,
    ModelSource, ModelVersion, ServerStreaming, Skill, SkillSpec, StepContext, TaskError,
    WorkerGroup,
};
use aimass_conformance::Conformance;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// What the model has learned: each word has a row, and each row says how much its word complains.
#[derive(Debug, Deserialize)]
struct Weights {
    rows: HashMap<String, usize>,
    scores: Vec<f32>,
}

/// Where one version of the weights lies.
#[derive(Debug, Clone)]
struct WeightsFile(PathBuf);

/// No file of weights is larger.
const MAX_BYTES: u64 = 64 << 20;

impl ModelSource for WeightsFile {
    /// Read once for each device, and shared by the workers there.
    type Weights = Weights;
    /// What each worker has for itself. A network has its buffers here.
    type Model = Arc<Weights>;

    fn version(&self) -> ModelVersion {
        let name = self.0.file_stem().unwrap_or_default();
        ModelVersion::new(&name.to_string_lossy())
    }

    fn memory_bytes(&self) -> u64 {
        fs::metadata(&self.0).map_or(0, |file| file.len())
    }

    fn weights_bytes(&self, weights: &Weights) -> Option<u64> {
        let words = weights.rows.keys().map(String::len).sum::<usize>();
        let rows = weights.rows.len() * size_of::<(String, usize)>();
        let scores = weights.scores.len() * size_of::<f32>();
        Some((words + rows + scores) as u64)
    }

    fn load(&self, _: &DeviceName) -> Result<Weights, Fault> {
        let path = self.0.display();
        let missing = |error: &dyn std::error::Error| {
            Fault::unavailable(format!("cannot read the weights `{path}`: {error}"))
        };
        let mut bytes = Vec::new();
        let file = File::open(&self.0).map_err(|error| missing(&error))?;
        let mut file = file.take(MAX_BYTES);
        file.read_to_end(&mut bytes)
            .map_err(|error| missing(&error))?;
        serde_json::from_slice(&bytes).map_err(|error| missing(&error))
    }

    fn build(&self, weights: &Arc<Weights>, _: &DeviceName) -> Result<Arc<Weights>, Fault> {
        Ok(weights.clone())
    }
}

/// Scores sentences.
struct Score;

impl Skill for Score {
    const NAME: &'static str = "tone.score";
    type Input = String;
    type Output = f32;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Scores how much a sentence complains.")
    }
}

impl BatchSkill for Score {
    type Model = Arc<Weights>;

    fn run(
        &self,
        weights: &mut Arc<Weights>,
        sentences: &[Arc<String>],
        _: &mut StepContext<'_>,
    ) -> Vec<Result<f32, Fault>> {
        let score = |sentence: &Arc<String>| {
            let words = sentence.split(|sign: char| !sign.is_alphanumeric());
            let rows = words.filter_map(|word| weights.rows.get(&word.to_lowercase()));
            // Panics where a file names a row that it does not have.
            Ok(rows.map(|row| weights.scores[*row]).sum())
        };
        sentences.iter().map(score).collect()
    }
}

/// Finds the sentences of a letter that complain, and sends each as soon as it is found.
struct Find {
    threshold: f32,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
struct Letter {
    text: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
struct Complaint {
    sentence: String,
    score: f32,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
struct Found {
    sentences: usize,
    complaints: usize,
}

impl Skill for Find {
    const NAME: &'static str = "tone.find";
    type Input = Letter;
    type Output = Found;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Finds the sentences of an English letter that complain.")
            .main_field("text")
            .sends::<Self>()
            .continues()
    }
}

impl ServerStreaming for Find {
    type Item = Complaint;
}

impl FlowSkill for Find {
    async fn run(&self, letter: Arc<Letter>, context: FlowContext) -> Result<Found, Fault> {
        let about = json!({ "text": letter.text });
        let found = context.ask_json("text.language", about).await?;
        if found["language"] != "en" {
            let language = &found["language"];
            return Err(Fault::rejected(format!(
                "expected a letter in English, got {language}; translate it first"
            )));
        }
        let (mut sentences, mut complaints) = (0, 0);
        for sentence in letter.text.split_inclusive(['.', '!', '?']) {
            let sentence = sentence.trim().to_owned();
            let score = context.ask::<Score>(sentence.clone()).await?;
            sentences += 1;
            if score >= self.threshold {
                complaints += 1;
                context.emit(Complaint { sentence, score }).await?;
            }
        }
        Ok(Found {
            sentences,
            complaints,
        })
    }
}

/// What can be set below `[agents.tone.settings]`.
#[derive(Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// The score from which a sentence counts as a complaint.
    threshold: f32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { threshold: 0.5 }
    }
}

struct Tone {
    weights: WeightsFile,
}

impl Agent for Tone {
    fn name(&self) -> &str {
        "tone"
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        let Settings { threshold } = definition.settings()?;
        Ok(definition
            .group(WorkerGroup::new("scorers", self.weights.clone()).skill(Score))
            .flow(Find { threshold }))
    }
}

const CONFIG: &str = "
[agents.tone]
replicas = 2        # two workers share the weights

[agents.tone.settings]
threshold = 0.75
";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut out = std::io::stdout();
    let folder = std::env::temp_dir().join(format!("own-model-{}", std::process::id()));
    let [first, second] = write_weights(&folder)?;

    let config = Config::parse(CONFIG, "aimass.toml", &BTreeMap::new())?;
    let team = aimass::team(config)?.store(folder.join("store"))?;
    let weights = first.clone();
    let runtime = team.agent(Tone { weights }).start().await?;

    let text = "The cup came broken. I like the colour. And it came late, too late!".to_owned();
    let mut complaints = runtime.stream::<Find>(Letter { text })?;
    while let Some(complaint) = complaints.next().await {
        let Complaint { sentence, score } = complaint?;
        writeln!(out, "{score:.1}  {sentence}")?;
    }
    let Found {
        sentences,
        complaints,
    } = complaints.output().await?;
    writeln!(out, "{complaints} of {sentences} sentences complain")?;

    for agent in runtime.agents().iter().filter(|agent| agent.name == "tone") {
        let (workers, weights) = (agent.workers.len(), &agent.workers[0]);
        let (version, bytes) = (&weights.model, weights.model_bytes);
        writeln!(out, "{workers} workers share {version}, {bytes} bytes")?;
    }

    let wish = "I want a refund.".to_owned();
    let Err(TaskError::DeadLettered { task, attempts, .. }) =
        runtime.ask_durable::<Score>(wish).await
    else {
        return Err("the first version has no row for `refund`".into());
    };
    for letter in runtime.dead_letters()? {
        let (skill, input, cause) = (&letter.task.skill, &letter.task.input, &letter.cause);
        writeln!(out, "{skill} {input} failed {attempts} times: {cause}")?;
    }

    let version = runtime.swap("tone", "scorers", second).await?;
    let (_, answer) = runtime.redrive(task).await?;
    writeln!(out, "{version} answers {answer}")?;
    runtime.remove_dead_letter(task).await?;

    let report = runtime.shutdown().await;
    writeln!(out, "{} tasks were cut off", report.cut_off)?;

    keeps_the_guarantees(first).await?;
    fs::remove_dir_all(folder)?;
    Ok(())
}

/// Writes two versions of the weights. The first one is damaged: it has no row 3.
fn write_weights(folder: &Path) -> Result<[WeightsFile; 2], Box<dyn std::error::Error>> {
    fs::create_dir_all(folder)?;
    let rows = json!({ "broken": 0, "late": 1, "like": 2, "refund": 3 });
    let write = |name: &str, scores: &[f32]| {
        let path = folder.join(name);
        let weights = json!({ "rows": rows, "scores": scores });
        fs::write(&path, weights.to_string()).map(|()| WeightsFile(path))
    };
    Ok([
        write("tone-1.json", &[1.0, 0.5, -0.75])?,
        write("tone-2.json", &[1.0, 0.5, -0.75, 0.75])?,
    ])
}

/// In a package of your own this is a test.
async fn keeps_the_guarantees(weights: WeightsFile) -> Result<(), Box<dyn std::error::Error>> {
    let cache = aimass::cache_dir().unwrap_or_else(std::env::temp_dir);
    let models = aimass::model_store(&Config::default().models, &cache)?;
    let tone = move || Tone {
        weights: weights.clone(),
    };
    let report = Conformance::new(tone)
        // The agent that `tone.find` asks. It needs no model for `text.language`.
        .beside(move || TextAgent::new(models.clone(), None))
        .example("tone.score", json!("It came late."))
        .example("tone.score", json!("It came broken, and late."))
        .example(
            "tone.find",
            json!({ "text": "The cup came broken. The rest of the order is fine, thank you." }),
        )
        .refuses(
            "tone.find",
            json!({ "text": "Guten Morgen, wie geht es Ihnen?" }),
        )
        .run()
        .await;
    match report.passed() {
        true => Ok(()),
        false => Err(report.to_string().into()),
    }
}
