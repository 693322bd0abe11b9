//! `speech.listen`: live audio, however it is cut, gives the text of a file.

use std::path::Path;

use aimass_agents::speech::{
    ActivityInput, AudioInput, DetectActivity, Heard, Listen, ListenInput, Samples, Segmenter,
    SegmenterOptions, SileroSource, Transcribe, TranscribeInput, Transcript,
};
use aimass_config::Config;
use aimass_models::Store;
use aimass_models::audio::AudioLimits;
use aimass_runtime::{Agent, AgentDefinition, Fault, Runtime, TaskError, WorkerGroup};

use super::recordings::{interleaved_wav, stored, wav};
use super::transcribe::{quick, recording, samples_of, sentence, start, two_windows};

const SECOND: usize = 16_000;

/// What is quick and the same in each run, as `quick` is of files.
pub(super) fn quick_live() -> ListenInput {
    ListenInput {
        beam_size: Some(1),
        temperature: Some(0.0),
        ..ListenInput::default()
    }
}

/// What a caller heard of live audio.
struct Told {
    /// What became certain, one after the other.
    stable: String,
    /// How many items had something that may change.
    tentative: usize,
    transcript: Transcript,
}

async fn listen<'a>(
    runtime: &Runtime,
    input: ListenInput,
    chunks: impl IntoIterator<Item = &'a [f32]>,
) -> Told {
    let (way, mut items) = runtime.open::<Listen>(input).unwrap();
    let speaker = async {
        for chunk in chunks {
            way.send(Samples::new(chunk).unwrap()).await.unwrap();
        }
        drop(way);
    };
    let listener = async {
        let (mut stable, mut tentative) = (String::new(), 0);
        let mut last = Heard::default();
        while let Some(item) = items.next().await {
            last = item.unwrap();
            stable += &last.stable;
            tentative += usize::from(!last.tentative.is_empty());
        }
        assert_eq!(last.tentative, "", "nothing is left open");
        let transcript = items.output().await.unwrap();
        Told {
            stable,
            tentative,
            transcript,
        }
    };
    let ((), told) = tokio::join!(speaker, listener);
    assert_eq!(told.stable, told.transcript.text);
    told
}

/// The transcript of a file of these bytes.
async fn transcribe(runtime: &Runtime, wav: &[u8]) -> Transcript {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.wav");
    std::fs::write(&path, wav).unwrap();
    runtime.ask::<Transcribe>(quick(&path)).await.unwrap()
}

/// Cuts samples into chunks of lengths that have nothing to do with frames, channels or seconds.
fn odd_cuts(samples: &[f32]) -> impl Iterator<Item = &[f32]> {
    let mut lengths = [1, 4_001, 7, 44_099, 30_011, 2, 88_201].into_iter().cycle();
    let mut rest = samples;
    std::iter::from_fn(move || {
        let length = lengths.next()?.min(rest.len());
        let (chunk, later) = rest.split_at(length);
        rest = later;
        Some(chunk).filter(|chunk| !chunk.is_empty())
    })
}

/// Samples of 16 kHz at another rate, by straight lines between them.
fn at_rate(samples: &[f32], rate: usize) -> Vec<f32> {
    let count = samples.len() * rate / SECOND;
    let at = |place: usize| {
        let exact = place as f32 * SECOND as f32 / rate as f32;
        let (before, part) = (exact as usize, exact.fract());
        let value = |at: usize| samples.get(at).copied().unwrap_or(0.0);
        value(before) * (1.0 - part) + value(before + 1) * part
    };
    (0..count).map(at).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn live_audio_gives_the_text_of_the_file_and_says_what_is_certain_once() {
    let runtime = start().await;
    let samples = two_windows();
    let offline = transcribe(&runtime, &wav(&samples, 16_000)).await;
    assert_eq!(offline.segments.len(), 2);
    let live = listen(&runtime, quick_live(), stored(&samples).chunks(4000)).await;
    assert_eq!(live.transcript, offline);
    // How many looks there are is a matter of how long they take here.
    assert!(live.tentative > 0, "a look at a window that grew");
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn live_audio_in_stereo_at_a_rate_that_fits_nothing_gives_the_text_of_the_file() {
    let runtime = start().await;
    let left = at_rate(&samples_of(&sentence()), 44_100);
    // The other microphone stands further away.
    let both: Vec<f32> = left
        .iter()
        .flat_map(|sample| [*sample, sample * 0.5])
        .collect();
    let offline = transcribe(&runtime, &interleaved_wav(&both, 44_100, 2)).await;
    assert!(offline.text.contains("amiable"), "{offline:?}");
    let input = ListenInput {
        sample_rate: Some(44_100),
        channels: Some(2),
        ..quick_live()
    };
    let live = listen(&runtime, input, odd_cuts(&stored(&both))).await;
    assert_eq!(live.transcript, offline);
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chunk_that_is_longer_than_a_minute_at_its_rate_is_heard_whole() {
    let runtime = start().await;
    let pause = vec![0.0; 60 * SECOND];
    let spoken = samples_of(&sentence());
    let all = [&spoken[..], &pause, &spoken].concat();
    let all = at_rate(&all, 8_000);
    let offline = transcribe(&runtime, &wav(&all, 8_000)).await;
    assert_eq!(offline.segments.len(), 2, "{offline:?}");
    let input = ListenInput {
        sample_rate: Some(8_000),
        ..quick_live()
    };
    let live = listen(&runtime, input, [&stored(&all)[..]]).await;
    assert_eq!(live.transcript, offline);
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn live_audio_without_speech_and_without_sound_gives_what_a_file_gives() {
    let runtime = start().await;
    for samples in [vec![], vec![0.25], vec![0.0; 35 * SECOND + 77]] {
        let recording = AudioInput::samples(Samples::new(&samples[..]).unwrap(), 16_000);
        let offline = runtime.ask::<Transcribe>(TranscribeInput::of(recording));
        let live = listen(&runtime, quick_live(), odd_cuts(&samples)).await;
        assert_eq!(live.transcript, offline.await.unwrap());
        assert_eq!((live.stable.as_str(), live.tentative), ("", 0));
    }
    runtime.shutdown().await;
}

/// The recording without what is quiet at its ends.
fn trimmed(path: &Path) -> Vec<f32> {
    let samples = samples_of(path);
    let is_loud = |sample: &f32| sample.abs() > 0.02;
    let from = samples.iter().position(is_loud).unwrap();
    let to = samples.iter().rposition(is_loud).unwrap();
    samples[from..=to].to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn live_speech_without_a_pause_is_cut_as_in_a_file() {
    let runtime = start().await;
    let other = recording("sense_and_sensibility_01_austen_64kb-0880.flac");
    let both = [trimmed(&sentence()), trimmed(&other)].concat();
    let samples = both.repeat(7);
    assert!(samples.len() > 35 * SECOND);
    // It is a case of a window that is full while somebody speaks.
    let input = ActivityInput {
        state: None,
        samples: Samples::new(&samples[..]).unwrap(),
    };
    let activity = runtime.ask::<DetectActivity>(input).await.unwrap();
    let mut segmenter = Segmenter::new(SegmenterOptions::default());
    let mut windows = segmenter.push(&samples, &activity.probabilities);
    windows.extend(segmenter.finish());
    assert_eq!(windows[0].end_sample(), windows[1].start_sample);

    let offline = transcribe(&runtime, &wav(&samples, 16_000)).await;
    // Few looks at what grows: each costs a window.
    let live = listen(
        &runtime,
        quick_live(),
        stored(&samples).chunks(7 * SECOND + 5),
    )
    .await;
    assert_eq!(live.transcript, offline);
    assert!(live.tentative > 0);
    runtime.shutdown().await;
}

/// An agent that listens for two seconds.
struct Impatient(Store);

impl Agent for Impatient {
    fn name(&self) -> &str {
        "speech"
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        let activity =
            WorkerGroup::new("activity", SileroSource::new(self.0.clone(), "silero-vad")?);
        let limits = AudioLimits { max_seconds: 2 };
        Ok(definition
            .group(activity.skill(DetectActivity))
            .flow(Listen::within(limits)))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_does_not_end_is_refused_when_it_is_longer_than_a_file_may_be() {
    let agent = Impatient(super::store().await);
    let runtime = Runtime::builder(Config::default()).agent(agent);
    let runtime = runtime.start().await.unwrap();
    let silence = vec![0.0; 2 * SECOND];
    let live = listen(&runtime, quick_live(), silence.chunks(999)).await;
    assert_eq!(live.transcript.duration, 2.0);

    let (chunks, items) = runtime.open::<Listen>(quick_live()).unwrap();
    // It would go on for ever.
    while chunks.send(Samples::new([0.0; 999]).unwrap()).await.is_ok() {}
    let error = items.output().await.unwrap_err();
    assert!(matches!(error, TaskError::Rejected { .. }), "{error:?}");
    assert!(error.to_string().contains("at most 2 seconds"), "{error}");
    assert_eq!(error.exit_code(), 65);
    runtime.shutdown().await;
}
