//! The team with mortal workers: the same models, skills and rules, and in each skill's way a panic at moments that a seed decides.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};

use aimass::generation::{Report, WriteReport};
use aimass::image::{
    ClassifierSource, Classify, Describe, Detect, DetectorSource, Embed as EmbedPicture,
    FaceFeatures, FaceFinderSource, FaceReaderSource, Faces, FindFaces, ImageDescription,
    ImageEmbedding, Read, ReaderSource,
};
use aimass::speech::{
    DetectActivity, Recognize, SileroSource, Transcribe, Transcript, WhisperSource,
};
use aimass::text::{DetectedLanguage, Embed, Embedding, EncoderSource, Language};
use aimass::{
    Agent, AgentDefinition, BatchIndex, BatchKey, Config, Environment, EnvironmentOptions, Fact,
    FactKind, Fault, Fresh, IdleRule, ModelSkill, Reaction, Request, Runtime, Skill, SkillSpec,
    Step, StepContext, Transport, WorkerGroup,
};
use serde_json::{Value, json};

use super::desk::Desk;
use crate::program::cache;

/// How the lines begin that tell of a fact, and of the death of a worker.
const FACT: &str = "fact ";
const DEATH: &str = "death ";
/// The seed and the home of a child.
const CHILD: [&str; 2] = ["AIMASS_TEST_SEED", "AIMASS_TEST_HOME"];

/// A process with such a team, which works on the desk's files, or goes on with its work.
pub(super) fn process(desk: &Desk, seed: u64) -> Command {
    let mut command = desk.child("program::team_crash::mortal::child");
    command
        .env(CHILD[0], seed.to_string())
        .env(CHILD[1], desk.home());
    command
}

pub(super) fn is_fact(line: &str) -> bool {
    line.starts_with(FACT)
}

/// The facts among a process's lines.
pub(super) fn facts<'a>(lines: impl IntoIterator<Item = &'a str>) -> Vec<Value> {
    let lines = lines.into_iter();
    let facts = lines.filter_map(|line| line.strip_prefix(FACT));
    facts
        .map(|fact| serde_json::from_str(fact).unwrap())
        .collect()
}

/// The skills whose workers died, among a process's lines.
pub(super) fn deaths<'a>(lines: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let lines = lines.into_iter();
    let deaths = lines.filter_map(|line| line.strip_prefix(DEATH));
    deaths.map(str::to_owned).collect()
}

/// One write of a whole line, so that lines of several threads do not mix.
fn tell(what: &str, words: &str) {
    let line = format!("{what}{words}\n");
    std::io::stdout().write_all(line.as_bytes()).unwrap();
}

/// The process. It is a test that does nothing unless it was started as the child.
#[tokio::test(flavor = "multi_thread")]
async fn child() {
    let Some(home) = std::env::var_os(CHILD[1]).map(PathBuf::from) else {
        return;
    };
    // The harness has begun a line.
    tell("", "");
    let fate = Fate {
        seed: std::env::var(CHILD[0]).unwrap().parse().unwrap(),
        met: Arc::default(),
        skills: Arc::default(),
    };
    let mut config = Config::default();
    // Each of four processes may kill a task's worker once more while the task runs alone.
    config.defaults.max_attempts = 6;
    let options = EnvironmentOptions::from(&config.environment);
    let environment = Environment::open(&home.join("store"), options).unwrap();
    let begun = environment.snapshot().unwrap().episodes().unwrap();
    let runtime = Runtime::builder(config)
        .agent(Text(fate.clone()))
        .agent(Image(fate.clone()))
        .agent(Speech(fate.clone()))
        .agent(Generation)
        .environment(environment)
        .start()
        .await
        .unwrap();
    let request = match begun.is_empty() {
        true => Request::Run {
            paths: vec![std::env::current_dir().unwrap().join("files")],
            namespace: Default::default(),
            trace: None,
        },
        false => Request::Resume { episode: None },
    };
    let mut call = runtime.call(request);
    while let Some(fact) = call.next().await {
        tell(FACT, &fact.to_string());
    }
    assert_eq!(call.reply().await.unwrap()["failures"], json!([]));
    runtime.shutdown().await;
}

/// Decides which jobs a worker dies over, by a seed and by what the job is about.
#[derive(Clone)]
struct Fate {
    seed: u64,
    /// The jobs that were met before.
    met: Arc<Mutex<HashSet<u64>>>,
    /// The skills that were.
    skills: Arc<Mutex<HashSet<&'static str>>>,
}

impl Fate {
    /// After how many steps the worker dies over this job; never, where none is given. It dies over the same job once at most.
    fn of<S: Skill>(&self, inputs: &[Arc<S::Input>]) -> Option<u64> {
        let mut hasher = DefaultHasher::new();
        (self.seed, S::NAME, inputs.len()).hash(&mut hasher);
        for input in inputs {
            serde_json::to_string(input).unwrap().hash(&mut hasher);
        }
        let fate = hasher.finish();
        let is_first = self.met.lock().unwrap().insert(fate);
        // Of each skill one for sure, whatever jobs its tasks happen to share.
        if self.skills.lock().unwrap().insert(S::NAME) {
            return Some(0);
        }
        // Some at once, some when they have come a long way.
        let within = [1, 3, 12, 50][(fate >> 8) as usize % 4];
        (is_first && !fate.is_multiple_of(4)).then(|| (fate >> 16) % within)
    }
}

/// A skill whose workers die as their fate has it.
struct Mortal<S> {
    skill: S,
    fate: Fate,
}

/// The job of a mortal worker, and how many of its steps are left to it.
struct Doomed<J> {
    job: J,
    left: Option<u64>,
}

impl<S: Skill> Skill for Mortal<S> {
    const NAME: &'static str = S::NAME;
    type Input = S::Input;
    type Output = S::Output;

    fn spec(&self) -> SkillSpec {
        self.skill.spec()
    }

    fn input_bytes(&self, input: &S::Input) -> u64 {
        self.skill.input_bytes(input)
    }
}

impl<S: ModelSkill> ModelSkill for Mortal<S> {
    type Model = S::Model;
    type Job = Doomed<S::Job>;

    fn batch_key(&self, input: &S::Input) -> BatchKey {
        self.skill.batch_key(input)
    }

    fn begin(
        &self,
        model: &mut S::Model,
        inputs: Vec<Arc<S::Input>>,
        context: &mut StepContext<'_>,
    ) -> Result<Doomed<S::Job>, Fault> {
        let left = self.fate.of::<S>(&inputs);
        let job = self.skill.begin(model, inputs, context)?;
        Ok(Doomed { job, left })
    }

    fn join(
        &self,
        model: &mut S::Model,
        doomed: &mut Doomed<S::Job>,
        inputs: Vec<Arc<S::Input>>,
        context: &mut StepContext<'_>,
    ) -> Result<(), Vec<Arc<S::Input>>> {
        self.skill.join(model, &mut doomed.job, inputs, context)
    }

    fn step(
        &self,
        model: &mut S::Model,
        doomed: &mut Doomed<S::Job>,
        context: &mut StepContext<'_>,
    ) -> Result<Step<S::Output>, Fault> {
        if doomed.left == Some(0) {
            tell(DEATH, S::NAME);
            panic!("a worker was to die over {}", S::NAME);
        }
        doomed.left = doomed.left.map(|left| left - 1);
        self.skill.step(model, &mut doomed.job, context)
    }

    fn finish(
        &self,
        model: &mut S::Model,
        doomed: Doomed<S::Job>,
        context: &mut StepContext<'_>,
    ) -> Vec<(BatchIndex, Result<S::Output, Fault>)> {
        self.skill.finish(model, doomed.job, context)
    }
}

impl Fate {
    fn over<S: ModelSkill>(&self, skill: S) -> Mortal<S> {
        let fate = self.clone();
        Mortal { skill, fate }
    }
}

struct Text(Fate);

impl Agent for Text {
    fn name(&self) -> &str {
        "text"
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        let encoder = EncoderSource::new(cache::store(), "minilm")?;
        let encoder = WorkerGroup::new("encoder", encoder).skill(self.0.over(Embed));
        let language = WorkerGroup::new("language", Fresh(|| ())).skill(self.0.over(Language));
        let text = || FactKind::new("file.text", 1).unwrap();
        let transcript = || FactKind::new("speech.transcribe", 1).unwrap();
        let picture = || FactKind::new("image.describe", 1).unwrap();
        let said = |transcript: &Fact| transcript.value["text"].clone();
        // As the agent has it: of two words the language is the one that was heard.
        let said_at_length = |transcript: &Fact| {
            let text = transcript.value["text"].as_str().unwrap_or_default();
            match text.split_whitespace().count() < 4 {
                true => Value::Null,
                false => text.into(),
            }
        };
        Ok(definition
            .view::<Embed>(Embedding::view)
            .view::<Language>(DetectedLanguage::view)
            .group(encoder)
            .group(language)
            .reaction(Reaction::new("text-embed", text(), "text.embed"))
            .reaction(Reaction::new("text-language", text(), "text.language"))
            .reaction(Reaction::new("picture-embed", picture(), "text.embed").input(described))
            .reaction(Reaction::new("picture-language", picture(), "text.language").input(written))
            .reaction(Reaction::new("said-embed", transcript(), "text.embed").input(said))
            .reaction(
                Reaction::new("said-language", transcript(), "text.language").input(said_at_length),
            ))
    }
}

/// As the agent has it: what a picture shows, and its words.
fn described(picture: &Fact) -> Value {
    let said = picture.value["text"].as_str().unwrap();
    let words = words_in(picture);
    [said, &words].join("\n").trim_end().into()
}

/// As the agent has it: the words in a picture, where there are enough to tell their language.
fn written(picture: &Fact) -> Value {
    let words = words_in(picture);
    match words.is_empty() {
        true => Value::Null,
        false => words.into(),
    }
}

fn words_in(picture: &Fact) -> String {
    let lines = picture.value["lines"].as_array().unwrap().iter();
    let lines: Vec<&str> = lines.map(|line| line["text"].as_str().unwrap()).collect();
    lines.join("\n")
}

struct Image(Fate);

impl Agent for Image {
    fn name(&self) -> &str {
        "image"
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        let store = cache::store;
        let detector = DetectorSource::new(store(), "ssd-mobilenet-v2")?;
        let classifier = ClassifierSource::new(store(), "efficientnet-lite0")?;
        let classifier = WorkerGroup::new("classifier", classifier)
            .skill(self.0.over(Classify))
            .skill(self.0.over(EmbedPicture));
        let faces = WorkerGroup::new("faces", FaceFinderSource::new(store(), "mtcnn")?);
        let features = FaceReaderSource::new(store(), "face-api")?;
        let features = WorkerGroup::new("face-features", features);
        let reader = WorkerGroup::new("reader", ReaderSource::new(store(), "pp-ocr-v4")?);
        let picture = || FactKind::new("file.image", 1).unwrap();
        Ok(definition
            .view::<Describe>(ImageDescription::view)
            .view::<EmbedPicture>(ImageEmbedding::view)
            .group(WorkerGroup::new("detector", detector).skill(self.0.over(Detect)))
            .group(classifier)
            .group(faces.skill(self.0.over(FindFaces)))
            .group(features.skill(self.0.over(FaceFeatures)))
            .group(reader.skill(self.0.over(Read)))
            .flow(Faces::new(cache::store(), "face-api"))
            .flow(Describe)
            .reaction(Reaction::new("image-describe", picture(), "image.describe"))
            .reaction(Reaction::new("image-embed", picture(), "image.embed")))
    }
}

struct Speech(Fate);

impl Agent for Speech {
    fn name(&self) -> &str {
        "speech"
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        let activity =
            WorkerGroup::new("activity", SileroSource::new(cache::store(), "silero-vad")?);
        let whisper = WhisperSource::new(cache::store(), "whisper-base")?;
        let whisper = WorkerGroup::new("whisper", whisper).skill(self.0.over(Recognize));
        let recording = FactKind::new("file.audio", 1).unwrap();
        Ok(definition
            .view::<Transcribe>(Transcript::view)
            .group(activity.skill(self.0.over(DetectActivity)))
            .group(whisper)
            .flow(Transcribe)
            .reaction(Reaction::new("transcribe", recording, "speech.transcribe")))
    }
}

struct Generation;

impl Agent for Generation {
    fn name(&self) -> &str {
        "generation"
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        Ok(definition
            .view::<WriteReport>(Report::view)
            .flow(WriteReport)
            .on_idle(IdleRule::new("report", "generation.report")))
    }
}
