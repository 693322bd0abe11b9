//! A transcription goes on behind what was delivered: when the task itself dies, not only a worker of it, and in the next process.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use aimass_agents::speech::{
    DetectActivity, Recognize, Segment, SileroSource, SpeechAgent, Transcribe, TranscribeInput,
    Transcript, WhisperSource,
};
use aimass_config::Config;
use aimass_models::Store;
use aimass_runtime::{
    Agent, AgentDefinition, Environment, EnvironmentOptions, Fault, Observer, Record, Runtime,
    Skill, TaskStream, WorkerGroup,
};
use tempfile::NamedTempFile;

use super::recordings::wav;
use super::transcribe::{quick, recording, samples_of, sentence, store};
use crate::mortal::{Mortal, Reaper};

const SECOND: usize = 16_000;

/// The speech agent, whose transcription dies as the reaper says.
struct MortalAgent(Store, Reaper);

impl Agent for MortalAgent {
    fn name(&self) -> &str {
        "speech"
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        let activity = SileroSource::new(self.0.clone(), "silero-vad")?;
        let whisper = WhisperSource::new(self.0.clone(), "whisper-base")?;
        Ok(definition
            .group(WorkerGroup::new("activity", activity).skill(DetectActivity))
            .group(WorkerGroup::new("whisper", whisper).skill(Recognize))
            .flow(Mortal(Transcribe, self.1.clone())))
    }
}

/// Counts the windows that were recognized.
#[derive(Clone, Default)]
struct Windows(Arc<AtomicU32>);

impl Observer for Windows {
    fn observe(&mut self, record: &Record) {
        if let Record::Task(task) = record
            && *task.skill == *Recognize::NAME
        {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// A recording of sentences with pauses that close a window after each, in English, since the language that a window finds is not what matters here.
struct Sentences {
    file: NamedTempFile,
}

impl Sentences {
    fn new(count: usize) -> Self {
        let other = recording("sense_and_sensibility_01_austen_64kb-0880.flac");
        let sentences = [samples_of(&sentence()), samples_of(&other)];
        let pause = vec![0.0; 3 * SECOND];
        let all = sentences.iter().cycle().take(count);
        let samples = all.flat_map(|sentence| [sentence.clone(), pause.clone()].concat());
        let samples: Vec<f32> = samples.collect();
        let file = NamedTempFile::with_suffix(".wav").unwrap();
        std::fs::write(file.path(), wav(&samples, SECOND as u32)).unwrap();
        Self { file }
    }

    fn input(&self) -> TranscribeInput {
        TranscribeInput {
            language: Some("en".to_owned()),
            silence: Some(0.5),
            words: Some(false),
            ..quick(self.file.path())
        }
    }
}

/// All segments and the transcript, of a task that dies after each segment until it has died so often.
async fn read(
    mut stream: TaskStream<Transcribe>,
    reaper: &Reaper,
    deaths: u32,
) -> (Vec<Segment>, Transcript) {
    let mut segments = Vec::new();
    while let Some(segment) = stream.next().await.transpose().unwrap() {
        segments.push(segment);
        if reaper.deaths() < deaths {
            reaper.strike();
        }
    }
    (segments, stream.output().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transcription_that_dies_again_and_again_loses_no_segment_and_gives_none_twice() {
    let (count, deaths, least) = match std::env::var_os("AIMASS_LONG") {
        Some(_) => (40, 20, 20),
        None => (7, 5, 2),
    };
    let (reaper, windows) = (Reaper::default(), Windows::default());
    let agent = MortalAgent(store().await, reaper.clone());
    // One window after the other, so that there is time to die between them.
    let mut config = Config::default();
    config.agent_mut("speech").max_batch = 1;
    let builder = Runtime::builder(config).agent(agent);
    let runtime = builder.observer(windows.clone()).start().await.unwrap();
    let sentences = Sentences::new(count);
    let input = sentences.input();
    let undisturbed = runtime.stream::<Transcribe>(input.clone()).unwrap();
    let undisturbed = read(undisturbed, &reaper, 0).await;
    assert!(undisturbed.0.len() >= count, "{undisturbed:?}");
    runtime.flush_observers().await;
    let needed = windows.0.swap(0, Ordering::SeqCst);

    let disturbed = runtime.stream::<Transcribe>(input).unwrap();
    let disturbed = read(disturbed, &reaper, deaths).await;
    assert_eq!(disturbed, undisturbed);
    // Where segments come together, one death does for several of them.
    assert!(reaper.deaths() >= least, "{} deaths", reaper.deaths());
    runtime.flush_observers().await;
    let asked = windows.0.load(Ordering::SeqCst);
    // Eight windows are under way at once, and are asked again when the task dies, and so is that of the last segment; what was delivered before is not.
    assert!(asked <= needed + deaths * 9, "{asked} windows of {needed}");
    runtime.shutdown().await;
}

async fn process(folder: &Path, store: Store) -> (Runtime, Environment) {
    let config = Config::default();
    let options = EnvironmentOptions::from(&config.environment);
    let environment = Environment::open(folder, options).unwrap();
    let builder = Runtime::builder(config).agent(SpeechAgent::new(store, None));
    let runtime = builder.environment(environment.clone()).start().await;
    (runtime.unwrap(), environment)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_durable_transcription_goes_on_in_the_next_process() {
    let folder = tempfile::tempdir().unwrap();
    let store = store().await;
    let sentences = Sentences::new(4);
    let input = sentences.input();
    let (runtime, environment) = process(folder.path(), store.clone()).await;
    let undisturbed = runtime.ask::<Transcribe>(input.clone()).await.unwrap();
    let asked = runtime.ask_durable::<Transcribe>(input).stream_durable();
    let mut stream = asked.await.unwrap();
    let task = stream.task();
    let mut segments = vec![stream.next().await.unwrap().unwrap()];
    // As in a crash: nothing is drained, nothing is settled.
    drop((stream, runtime));
    environment.close().await.unwrap();
    drop(environment);

    let (runtime, _environment) = process(folder.path(), store).await;
    let mut stream = runtime.resume_stream::<Transcribe>(task, 1).await.unwrap();
    while let Some(segment) = stream.next().await.transpose().unwrap() {
        segments.push(segment);
    }
    assert_eq!(segments, undisturbed.segments);
    assert_eq!(stream.output().await.unwrap(), undisturbed);
    runtime.shutdown().await;
}
