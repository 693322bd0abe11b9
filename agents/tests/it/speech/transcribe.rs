//! `speech.transcribe` and `speech.translate`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use aimass_agents::speech::{
    AudioInput, DetectActivity, Recognize, RecognizeInput, RecognizedWindow, Samples, Segment,
    SileroSource, SpeechAgent, Transcribe, TranscribeInput, Transcript, WhisperModel,
    WhisperSource,
};
use aimass_config::Config;
use aimass_models::audio::AudioFile;
use aimass_models::whisper::recognition::Recognition;
use aimass_models::{Silent, Store};
use aimass_runtime::{
    Agent, AgentDefinition, Fault, ModelSkill, Runtime, Skill, SkillSpec, Step, StepContext,
    WorkerGroup,
};
use serde_json::{Value, json};

use super::recordings::{self, wav};
use super::reference::normalized;

const SECOND: usize = 16_000;

/// The cache, with both models in it.
pub(super) async fn store() -> Store {
    let store = super::store().await;
    let pulling = store.clone();
    tokio::task::spawn_blocking(move || pulling.pull("whisper-base", &mut Silent).unwrap())
        .await
        .unwrap();
    store
}

pub(super) async fn start() -> Runtime {
    Runtime::builder(Config::default())
        .agent(SpeechAgent::new(store().await, None))
        .start()
        .await
        .unwrap()
}

pub(super) fn goldens() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/goldens/whisper")
}

pub(super) fn recording(name: &str) -> PathBuf {
    goldens().join("recordings").join(name)
}

pub(super) fn sentence() -> PathBuf {
    recording("sense_and_sensibility_01_austen_64kb-0930.flac")
}

pub(super) fn samples_of(path: &Path) -> Vec<f32> {
    let mut file = AudioFile::open(path).unwrap();
    let mut samples = Vec::new();
    while let Some(block) = file.next_block().unwrap() {
        samples.extend(block);
    }
    samples
}

/// What is quick and the same in each run: one hypothesis, temperature 0.
pub(super) fn quick(path: impl Into<PathBuf>) -> TranscribeInput {
    TranscribeInput {
        beam_size: Some(1),
        temperature: Some(0.0),
        ..TranscribeInput::of(AudioInput::path(path))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn segments_and_words_have_times_within_the_recording_and_give_the_text() {
    let runtime = start().await;
    let mut stream = runtime.stream::<Transcribe>(quick(sentence())).unwrap();
    let mut items: Vec<Segment> = Vec::new();
    while let Some(item) = stream.next().await {
        items.push(item.unwrap());
    }
    let found = stream.output().await.unwrap();
    assert_eq!(items, found.segments);
    assert_eq!(
        normalized(&found.text),
        normalized("He might even have been made amiable himself")
    );
    let all: Vec<_> = found
        .segments
        .iter()
        .flat_map(|segment| &segment.words)
        .collect();
    let joined: String = all.iter().map(|word| word.text.as_str()).collect();
    assert_eq!(joined.trim(), found.text);
    assert!(
        all.iter()
            .all(|word| word.start <= word.end && word.end <= found.duration + 0.5)
    );
    assert!(all.windows(2).all(|pair| pair[0].start <= pair[1].start));
    assert!(
        all.iter()
            .all(|word| (0.0..=1.0).contains(&word.probability))
    );
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_noise_and_music_give_nothing() {
    let runtime = start().await;
    for samples in [
        vec![0.0; 40 * SECOND],
        recordings::white_noise(40 * SECOND),
        recordings::music(40 * SECOND),
        vec![0.5],
        vec![],
    ] {
        let input = AudioInput::samples(Samples::new(samples).unwrap(), 16_000);
        let found = runtime
            .ask::<Transcribe>(TranscribeInput::of(input))
            .await
            .unwrap();
        assert_eq!(
            (found.text.as_str(), found.segments.len(), found.language),
            ("", 0, None)
        );
    }
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transcript_comes_in_the_form_that_was_asked_for() {
    let runtime = start().await;
    let ask = async |more: Value| {
        let mut input = json!({ "path": sentence(), "beam_size": 1, "language": "en" });
        let fields = more.as_object().unwrap().clone();
        input.as_object_mut().unwrap().extend(fields);
        runtime
            .ask_json("speech.transcribe", input, Default::default())
            .await
    };
    let srt = ask(json!({ "format": "srt", "words": false }))
        .await
        .unwrap();
    assert!(
        srt["formatted"].as_str().unwrap().starts_with("1\n00:00:0"),
        "{srt}"
    );
    assert!(srt["segments"][0].get("words").is_none());
    let plain = ask(json!({})).await.unwrap();
    assert!(plain.get("formatted").is_none());
    for (more, word) in [
        (json!({ "language": "tlh" }), "tlh"),
        (json!({ "beam_size": 99 }), "beam_size"),
        (json!({ "format": "docx" }), "docx"),
        (json!({ "beam": 1 }), "beam"),
        (json!({ "path": "no/such.wav" }), "no/such.wav"),
    ] {
        let error = ask(more).await.unwrap_err();
        let line = error.to_string();
        assert!(line.contains(word) && !line.contains('\n'), "{line}");
        assert_eq!(error.exit_code(), 65, "{line}");
    }
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transcript_says_what_of_a_damaged_file_could_not_be_heard() {
    let runtime = start().await;
    let folder = tempfile::tempdir().unwrap();
    let whole = std::fs::read(sentence()).unwrap();
    let path = folder.path().join("sentence.flac");
    let hear = async |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        runtime.ask::<Transcribe>(quick(&path)).await.unwrap()
    };
    let complete = hear(&whole).await;
    assert_eq!(complete.incomplete, None);
    let json = serde_json::to_value(&complete).unwrap();
    assert!(json.get("incomplete").is_none(), "{json}");

    let half = hear(&whole[..whole.len() / 2]).await;
    let said = format!("it breaks off after {:.1} s", half.duration);
    assert_eq!(half.incomplete, Some(said));
    assert!(half.duration < complete.duration && !half.text.is_empty());

    // Two frames of an mp3 that say nothing sensible.
    let goldens = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/goldens");
    let mut damaged = std::fs::read(goldens.join("audio/cbr_44k_stereo.mp3")).unwrap();
    let is_frame = |at: &usize| damaged[*at] == 0xff && damaged[at + 1] & 0xfe == 0xfa;
    let frames: Vec<usize> = (0..damaged.len() - 1).filter(is_frame).collect();
    for frame in &frames[3..5] {
        damaged[frame + 4..frame + 36].fill(0xff);
    }
    let said = hear(&damaged).await.incomplete.unwrap();
    assert!(
        said.ends_with("damaged pieces were heard as silence"),
        "{said}"
    );
    runtime.shutdown().await;
}

/// Two sentences with a pause between them that closes a window.
pub(super) fn two_windows() -> Vec<f32> {
    let other = recording("sense_and_sensibility_01_austen_64kb-0880.flac");
    let pause = vec![0.0; 3 * SECOND];
    [
        samples_of(&sentence()),
        pause.clone(),
        samples_of(&other),
        pause,
    ]
    .concat()
}

/// `speech.recognize`, whose worker dies in every second job after some steps.
#[derive(Clone, Default)]
struct Dying {
    steps: Arc<AtomicU32>,
    deaths: Arc<AtomicU32>,
}

impl Skill for Dying {
    const NAME: &'static str = Recognize::NAME;
    type Input = RecognizeInput;
    type Output = RecognizedWindow;

    fn spec(&self) -> SkillSpec {
        Recognize.spec()
    }
}

impl ModelSkill for Dying {
    type Model = WhisperModel;
    type Job = Recognition;

    fn begin(
        &self,
        model: &mut WhisperModel,
        inputs: Vec<Arc<RecognizeInput>>,
        context: &mut StepContext<'_>,
    ) -> Result<Recognition, Fault> {
        Recognize.begin(model, inputs, context)
    }

    fn step(
        &self,
        model: &mut WhisperModel,
        job: &mut Recognition,
        context: &mut StepContext<'_>,
    ) -> Result<Step<RecognizedWindow>, Fault> {
        // A window takes about ten steps: the worker dies in the middle of one, again and again.
        if self.steps.fetch_add(1, Ordering::SeqCst) % 15 == 7 {
            self.deaths.fetch_add(1, Ordering::SeqCst);
            panic!("a planted panic");
        }
        Recognize.step(model, job, context)
    }
}

struct DyingAgent(Store, Dying);

impl Agent for DyingAgent {
    fn name(&self) -> &str {
        "speech"
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        let activity =
            WorkerGroup::new("activity", SileroSource::new(self.0.clone(), "silero-vad")?);
        let whisper = WhisperSource::new(self.0.clone(), "whisper-base")?;
        let whisper = WorkerGroup::new("whisper", whisper);
        Ok(definition
            .group(activity.skill(DetectActivity))
            .group(whisper.skill(self.1.clone()))
            .flow(Transcribe))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_that_die_while_a_recording_is_heard_cost_no_segment_and_double_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("two.wav");
    std::fs::write(&path, wav(&two_windows(), 16_000)).unwrap();
    let calm = start().await;
    let expected: Transcript = calm.ask::<Transcribe>(quick(&path)).await.unwrap();
    calm.shutdown().await;

    let dying = Dying::default();
    let mut config = Config::default();
    // What is shown is that nothing is lost; how many panics an agent may have is another matter.
    config.defaults.max_attempts = 10;
    let agent = DyingAgent(store().await, dying.clone());
    let runtime = Runtime::builder(config).agent(agent).start().await.unwrap();
    let mut stream = runtime.stream::<Transcribe>(quick(&path)).unwrap();
    let mut items = Vec::new();
    while let Some(item) = stream.next().await {
        items.push(item.unwrap());
    }
    assert_eq!(stream.output().await.unwrap(), expected);
    assert_eq!(items, expected.segments);
    assert!(dying.deaths.load(Ordering::SeqCst) >= 2);
    runtime.shutdown().await;
}
