//! Whisper base beside faster-whisper with the same weights, on recordings: texts, and when their
//! words are said.

use std::collections::BTreeSet;
use std::path::Path;

use aimass_agents::speech::{AudioInput, Samples, Transcribe, TranscribeInput};
use serde::Deserialize;

use super::transcribe::{goldens, quick, recording, samples_of, start};

/// The one recording that is not committed by itself: it is the beginning of another.
const WITHIN_READING: &str = "librivox/sense_and_sensibility_01_austen_64kb-0870.wav";

/// What faster-whisper hears in a recording; see `models/goldens/whisper/pocketsphinx.py`.
#[derive(Deserialize)]
struct Heard {
    file: String,
    duration: f64,
    text: String,
    language: String,
    segments: Vec<Timed>,
    words: Vec<Timed>,
}

#[derive(Deserialize)]
struct Timed {
    start: f64,
    end: f64,
    text: String,
}

#[derive(Deserialize)]
struct Goldens {
    recordings: Vec<Heard>,
}

fn heard_by_the_reference() -> Vec<Heard> {
    let text = std::fs::read_to_string(goldens().join("pocketsphinx.json")).unwrap();
    let goldens: Goldens = serde_json::from_str(&text).unwrap();
    assert_eq!(goldens.recordings.len(), 10);
    goldens.recordings
}

impl Heard {
    fn committed(&self) -> String {
        let stem = Path::new(&self.file).file_stem().unwrap();
        format!("{}.flac", stem.to_str().unwrap())
    }

    /// The recording, which must be there.
    fn input(&self) -> TranscribeInput {
        if self.file != WITHIN_READING {
            let path = recording(&self.committed());
            assert!(path.exists(), "{} is missing", path.display());
            return quick(path);
        }
        let reading = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/inbox/reading.flac");
        let mut samples = samples_of(&reading);
        samples.truncate((self.duration * 16_000.0).round() as usize);
        let audio = AudioInput::samples(Samples::new(samples).unwrap(), 16_000);
        TranscribeInput {
            beam_size: Some(1),
            temperature: Some(0.0),
            ..TranscribeInput::of(audio)
        }
    }
}

/// Words as they are compared everywhere: in lower case, without punctuation, numbers up to ten as
/// words.
pub(super) fn normalized(text: &str) -> Vec<String> {
    const NUMBERS: [&str; 11] = [
        "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    ];
    let plain = text.replace('-', " ").to_lowercase();
    let plain: String = plain
        .chars()
        .filter(|letter| letter.is_alphanumeric() || letter.is_whitespace())
        .collect();
    let words = plain.split_whitespace().map(|word| {
        let number = word.parse::<usize>().ok();
        let number = number.and_then(|number| NUMBERS.get(number));
        number.copied().unwrap_or(word).to_owned()
    });
    words.collect()
}

#[test]
fn every_committed_recording_has_an_answer_of_the_reference() {
    let expected: BTreeSet<String> = heard_by_the_reference()
        .iter()
        .filter(|heard| heard.file != WITHIN_READING)
        .map(Heard::committed)
        .collect();
    let there = std::fs::read_dir(recording("")).unwrap();
    let there: BTreeSet<String> = there
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".flac"))
        .collect();
    assert_eq!(there, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_recording_is_heard_as_the_reference_hears_it() {
    let runtime = start().await;
    let mut others = Vec::new();
    for heard in heard_by_the_reference() {
        let found = runtime.ask::<Transcribe>(heard.input()).await.unwrap();
        assert_eq!(found.language, Some(heard.language.clone()), "{found:?}");
        if normalized(&found.text) != normalized(&heard.text) {
            others.push(format!(
                "{}: {:?} for {:?}",
                heard.file, found.text, heard.text
            ));
        }
    }
    assert!(others.is_empty(), "{}", others.join("\n"));
    runtime.shutdown().await;
}

/// How far apart two times are, in seconds, of all words or segments that both have.
fn apart<'a>(ours: impl Iterator<Item = (&'a str, f64, f64)>, theirs: &[Timed]) -> Vec<f64> {
    let mut far = Vec::new();
    let mut count = 0;
    for ((text, start, end), timed) in ours.zip(theirs) {
        assert_eq!(normalized(text), normalized(&timed.text));
        far.extend([(start - timed.start).abs(), (end - timed.end).abs()]);
        count += 1;
    }
    assert_eq!(count, theirs.len());
    far
}

pub(super) fn within(far: &[f64], seconds: f64) -> f64 {
    let near = far.iter().filter(|far| **far <= seconds + 1e-9).count();
    near as f64 / far.len() as f64
}

#[tokio::test(flavor = "multi_thread")]
async fn words_and_segments_begin_and_end_when_the_reference_says() {
    let runtime = start().await;
    let (mut words, mut segments) = (Vec::new(), Vec::new());
    for heard in heard_by_the_reference() {
        let found = runtime.ask::<Transcribe>(heard.input()).await.unwrap();
        let all = found.segments.iter().flat_map(|segment| &segment.words);
        let all = all.map(|word| (word.text.as_str(), word.start, word.end));
        words.extend(apart(all, &heard.words));
        let all = found.segments.iter();
        let all = all.map(|segment| (segment.text.as_str(), segment.start, segment.end));
        let mut expected = heard.segments;
        for segment in &mut expected {
            // The reference lets a segment end behind its recording.
            segment.end = segment.end.min(heard.duration);
        }
        segments.extend(apart(all, &expected));
    }
    assert!(words.len() > 150, "{} times", words.len());
    assert!(within(&words, 0.1) >= 0.9, "{words:?}");
    assert!(within(&words, 0.5) >= 1.0, "{words:?}");
    assert!(within(&segments, 0.1) >= 0.9, "{segments:?}");
    assert!(within(&segments, 0.25) >= 1.0, "{segments:?}");
    runtime.shutdown().await;
}
