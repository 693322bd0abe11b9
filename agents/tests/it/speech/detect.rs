//! `speech.detect`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use aimass_agents::speech::{
    Activity, ActivityInput, AudioInput, Detect, DetectActivity, DetectInput, DetectedSpeech,
    Samples, SileroSource, SpeechAgent, SpeechSpan,
};
use aimass_config::Config;
use aimass_conformance::Conformance;
use aimass_models::{Catalogue, Silero, Store, StoreOptions};
use aimass_runtime::{
    Agent, AgentDefinition, BatchSkill, Fault, Runtime, Skill, SkillSpec, StepContext, WorkerGroup,
};
use serde_json::{Value, json};

use super::recordings::{self, wav};
use super::{start, store};

const SECOND: usize = 16_000;

async fn detect(runtime: &Runtime, input: AudioInput) -> DetectedSpeech {
    runtime.ask::<Detect>(DetectInput::of(input)).await.unwrap()
}

async fn detect_samples(runtime: &Runtime, samples: &[f32]) -> DetectedSpeech {
    let input = AudioInput::samples(Samples::new(samples).unwrap(), 16_000);
    detect(runtime, input).await
}

/// Beginning and end to a tenth of a second.
fn places(found: &DetectedSpeech) -> Vec<(f64, f64)> {
    let tenth = |seconds: f64| (seconds * 10.0).round() / 10.0;
    let spans = found.speech.iter();
    spans
        .map(|span| (tenth(span.start), tenth(span.end)))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn speech_is_found_in_files_and_in_samples() {
    let runtime = start().await;
    let file = detect(&runtime, AudioInput::path(recordings::speech_file())).await;
    assert_eq!(places(&file), [(0.2, 2.9), (4.0, 5.2)]);
    assert!((file.duration - 5.744).abs() < 1e-9);
    assert!(
        file.speech
            .iter()
            .all(|span| (0.7..=1.0).contains(&span.probability))
    );
    assert_eq!(detect_samples(&runtime, &recordings::speech()).await, file);
    // Played at another rate, and in the words of a file of that rate.
    let samples = recordings::speech();
    let slow: Vec<f32> = samples.iter().flat_map(|sample| [*sample; 3]).collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fast.wav");
    std::fs::write(&path, wav(&slow, 48_000)).unwrap();
    let fast = detect(&runtime, AudioInput::path(path)).await;
    assert_eq!(places(&fast), places(&file));
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_noise_and_music_hold_no_speech() {
    let runtime = start().await;
    let noise: Vec<f32> = recordings::white_noise(30 * SECOND);
    let faint: Vec<f32> = noise.iter().map(|sample| sample * 0.01).collect();
    for samples in [
        vec![0.0; 30 * SECOND],
        noise,
        faint,
        recordings::music(30 * SECOND),
    ] {
        let found = detect_samples(&runtime, &samples).await;
        assert_eq!((found.speech.len(), found.duration), (0, 30.0));
    }
    for few in [0, 1, 511] {
        let found = detect_samples(&runtime, &vec![0.1; few]).await;
        assert_eq!(
            (found.speech.len(), found.duration),
            (0, few as f64 / 16_000.0)
        );
    }
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn options_say_what_counts_as_speech() {
    let runtime = start().await;
    let ask = async |options: Value| {
        let mut input = json!({ "path": recordings::speech_file() });
        input
            .as_object_mut()
            .unwrap()
            .extend(options.as_object().unwrap().clone());
        let found = runtime
            .ask_json("speech.detect", input, Default::default())
            .await;
        found.unwrap()["speech"].as_array().unwrap().len()
    };
    assert_eq!(ask(json!({})).await, 2);
    assert_eq!(ask(json!({ "min_silence": 2 })).await, 1);
    assert_eq!(ask(json!({ "min_speech": 2 })).await, 1);
    assert!(ask(json!({ "threshold": 0.95, "min_silence": 0 })).await > 2);
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_span_is_sent_when_it_has_ended() {
    let runtime = start().await;
    let input = DetectInput::of(AudioInput::path(recordings::speech_file()));
    let mut stream = runtime.stream::<Detect>(input).unwrap();
    let mut items: Vec<SpeechSpan> = Vec::new();
    while let Some(item) = stream.next().await {
        items.push(item.unwrap());
    }
    let output = stream.output().await.unwrap();
    assert_eq!((items.len(), &items), (2, &output.speech));
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_that_is_none_is_refused_in_one_line() {
    let runtime = start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        json!({ "path": path })
    };
    let whole = wav(&recordings::speech(), 16_000);
    for (input, word) in [
        (file("empty.wav", b""), "empty.wav"),
        (
            file("letter.wav", b"Dear Sir, the parcel came late."),
            "letter.wav",
        ),
        (file("header.wav", &whole[..30]), "header.wav"),
        (json!({ "path": "no/such/file.wav" }), "no/such/file.wav"),
        (json!({ "path": folder.path() }), "folder"),
        (json!({}), "neither"),
        (json!({ "samples": [0], "path": "x.wav" }), "both"),
        (json!({ "samples": [0], "sample_rate": 3 }), "3 Hz"),
        (json!({ "samples": [0], "threshold": 7 }), "threshold"),
        (json!({ "samples": [0], "thresold": 0.5 }), "thresold"),
    ] {
        let asked = runtime.ask_json("speech.detect", input, Default::default());
        let error = asked.await.unwrap_err();
        let line = error.to_string();
        assert!(line.contains(word) && !line.contains('\n'), "{line}");
        assert_eq!(error.exit_code(), 65, "{line}");
    }
    // A recording that breaks off is heard as far as it goes.
    let input = file("half.wav", &whole[..whole.len() / 2]);
    let half = runtime.ask_json("speech.detect", input, Default::default());
    let half = half.await.unwrap();
    assert_eq!(half["speech"].as_array().unwrap().len(), 1);
    assert_eq!(half["incomplete"], "it breaks off after 2.9 s");
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_model_says_what_to_type() {
    let cache = tempfile::tempdir().unwrap();
    let options = StoreOptions {
        offline: true,
        hub_endpoint: String::new(),
        hub_token: None,
        ..StoreOptions::default()
    };
    let store = Store::new(cache.path(), Catalogue::with(&[]).unwrap(), options);
    let runtime = Runtime::builder(Config::default())
        .agent(SpeechAgent::new(store, None))
        .start()
        .await
        .unwrap();
    let input = DetectInput::of(AudioInput::path(recordings::speech_file()));
    let error = runtime.ask::<Detect>(input).await.unwrap_err();
    assert!(
        error.to_string().contains("aimass models pull silero-vad"),
        "{error}"
    );
    assert_eq!(error.exit_code(), 69);
    runtime.shutdown().await;
}

/// `speech.activity`, with a worker that dies of its second piece, and of its third, and so on: of
/// each once.
#[derive(Clone, Default)]
struct Dying {
    calls: Arc<AtomicU32>,
}

impl Skill for Dying {
    const NAME: &'static str = DetectActivity::NAME;
    type Input = ActivityInput;
    type Output = Activity;

    fn spec(&self) -> SkillSpec {
        DetectActivity.spec()
    }
}

impl BatchSkill for Dying {
    type Model = Silero;

    fn run(
        &self,
        model: &mut Silero,
        inputs: &[Arc<ActivityInput>],
        context: &mut StepContext<'_>,
    ) -> Vec<Result<Activity, Fault>> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        assert!(call.is_multiple_of(2), "a planted panic");
        DetectActivity.run(model, inputs, context)
    }
}

struct DyingAgent(Store, Dying);

impl Agent for DyingAgent {
    fn name(&self) -> &str {
        "speech"
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        let group = WorkerGroup::new("activity", SileroSource::new(self.0.clone(), "silero-vad")?);
        Ok(definition.group(group.skill(self.1.clone())).flow(Detect))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_that_die_while_a_recording_is_heard_lose_nothing_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long.wav");
    std::fs::write(&path, wav(&recordings::speech().repeat(20), 16_000)).unwrap();
    let whole = start().await;
    let expected = detect(&whole, AudioInput::path(&path)).await;
    assert_eq!(expected.speech.len(), 40);
    whole.shutdown().await;

    let dying = Dying::default();
    let agent = DyingAgent(store().await, dying.clone());
    let runtime = Runtime::builder(Config::default()).agent(agent);
    let runtime = runtime.start().await.unwrap();
    let input = DetectInput::of(AudioInput::path(&path));
    let mut stream = runtime.stream::<Detect>(input).unwrap();
    let mut items = Vec::new();
    while let Some(item) = stream.next().await {
        items.push(item.unwrap());
    }
    assert_eq!(stream.output().await.unwrap(), expected);
    assert_eq!(items, expected.speech);
    // Six pieces of 20 s: each after the first is asked twice.
    assert_eq!(dying.calls.load(Ordering::SeqCst), 11);
    runtime.shutdown().await;
}

/// The kernel's own suite: panics, hangs, cancellation, overload, a new version, a process that is
/// gone, on the real model.
#[tokio::test(flavor = "multi_thread")]
async fn the_speech_agent_conforms() {
    let store = super::transcribe::store().await;
    // Quick: one hypothesis, temperature 0, little silence behind the window.
    let options = json!({ "beam_size": 1, "temperature": 0, "silence": 1, "language": "en" });
    let transcribe = || {
        let mut input = json!({ "path": recordings::speech_file() });
        let fields = options.as_object().unwrap().clone();
        input.as_object_mut().unwrap().extend(fields);
        input
    };
    let chunks = recordings::speech();
    let chunks = chunks[..40_000].chunks(10_000);
    let chunks: Vec<Value> = chunks
        .map(|chunk| json!(Samples::new(chunk).unwrap()))
        .collect();
    let speech = recordings::speech();
    let samples = |count: usize| Samples::new(&speech[8000..8000 + count]).unwrap();
    let report = Conformance::new(move || SpeechAgent::new(store.clone(), None))
        .example("speech.activity", json!({ "samples": samples(512) }))
        .example("speech.activity", json!({ "samples": samples(20_000) }))
        .example(
            "speech.detect",
            json!({ "path": recordings::speech_file() }),
        )
        .example(
            "speech.detect",
            json!({ "samples": samples(20_000), "sample_rate": 16_000 }),
        )
        .example(
            "speech.recognize",
            json!({ "samples": samples(32_000), "options": options }),
        )
        .example("speech.transcribe", transcribe())
        .example("speech.translate", transcribe())
        .example_with_chunks("speech.listen", options.clone(), chunks)
        .refuses(
            "speech.recognize",
            json!({ "samples": vec![0; 30 * 16_000 + 1] }),
        )
        .refuses("speech.transcribe", json!({}))
        .refuses("speech.activity", json!({ "samples": [1e30] }))
        .refuses(
            "speech.detect",
            json!({ "path": "there/is/no/such/file.wav" }),
        )
        .refuses("speech.detect", json!({}))
        .tolerance(1e-4)
        .run()
        .await;
    assert!(report.passed(), "{report}");
}
