//! `aimass ask` of the speech agent: what it refuses without a model, and how a person reads what it heard.

use std::path::PathBuf;

use aimass_models::Silent;

use super::cache;
use super::harness::{Ended, Place};

/// A wav file of silence, 16 kHz.
fn silence(samples: u32) -> Vec<u8> {
    let mut file = b"RIFF".to_vec();
    file.extend((36 + 2 * samples).to_le_bytes());
    file.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0\x80\x3e\0\0\0\x7d\0\0\x02\0\x10\0data");
    file.extend((2 * samples).to_le_bytes());
    file.resize(file.len() + 2 * samples as usize, 0);
    file
}

#[test]
fn a_model_that_is_not_here_is_69_and_says_what_to_type() {
    let place = Place::new();
    place.file("silence.wav", silence(16_000));
    place
        .run(&["ask", "speech.detect", "silence.wav", "--json"])
        .assert_fails(69, &["aimass models pull silero-vad"]);
}

#[test]
fn a_recording_that_is_none_is_one_line_and_65() {
    let place = Place::new();
    place.file("empty.wav", "");
    place.file("letter.wav", "Dear Sir, the parcel came late.");
    for (input, word) in [
        ("empty.wav", "empty.wav"),
        ("letter.wav", "letter.wav"),
        ("missing.wav", "missing.wav"),
        (".", "folder"),
    ] {
        place
            .run(&["ask", "speech.detect", input])
            .assert_fails(65, &[word]);
    }
    place.file("silence.wav", silence(16_000));
    for (set, word) in [
        ("threshold=2", "threshold"),
        ("min_speech=-1", "min_speech"),
    ] {
        place
            .run(&["ask", "speech.detect", "silence.wav", "--set", set])
            .assert_fails(65, &[word]);
    }
}

/// The cache, with the models of speech in it.
pub(super) fn cache() -> PathBuf {
    let store = cache::store();
    for model in ["silero-vad", "whisper-base"] {
        store.pull(model, &mut Silent).unwrap();
    }
    std::path::absolute(store.derived("")).unwrap()
}

/// Asks about a recording, with the real weights.
pub(super) fn hear(place: &Place, skill: &str, recording: &str, more: &[&str]) -> Ended {
    let goldens = crate::repository_root().join("models/goldens");
    let recording = goldens.join(recording).display().to_string();
    let mut command = place.command(&[&["ask", skill, &recording], more].concat());
    Ended::from(command.env("AIMASS_CACHE", cache()).output().unwrap())
}

/// `[00:00:01.20 - 00:00:03.40] text` as the two times, in hundredths of a second, and the text.
fn parse(line: &str) -> (u64, u64, &str) {
    let (times, text) = line
        .strip_prefix('[')
        .and_then(|line| line.split_once("] "))
        .unwrap_or_else(|| panic!("{line:?}"));
    let (start, end) = times.split_once(" - ").unwrap();
    let hundredths = |time: &str| {
        assert_eq!(time.len(), "00:00:01.20".len(), "{time}");
        let parts = time.split([':', '.']).map(|part| part.parse().unwrap());
        let parts: Vec<u64> = parts.collect();
        ((parts[0] * 60 + parts[1]) * 60 + parts[2]) * 100 + parts[3]
    };
    (hundredths(start), hundredths(end), text)
}

const SENTENCE: &str = "whisper/recordings/sense_and_sensibility_01_austen_64kb-0930.flac";
pub(super) const QUICK: [&str; 4] = ["--set", "beam_size=1", "--set", "language=en"];

#[test]
fn a_transcript_is_a_line_for_each_segment_and_each_comes_once() {
    let place = Place::new();
    let ended = hear(&place, "speech.transcribe", SENTENCE, &QUICK);
    let lines: Vec<_> = ended.assert_ok().stdout.lines().map(parse).collect();
    let json = [&QUICK[..], &["--json"]].concat();
    let document = hear(&place, "speech.transcribe", SENTENCE, &json).document();
    let segments = document["segments"].as_array().unwrap();
    assert!(!segments.is_empty());
    let expected: Vec<_> = segments
        .iter()
        .map(|segment| {
            let hundredths = |name: &str| (segment[name].as_f64().unwrap() * 100.0).round() as u64;
            let text = segment["text"].as_str().unwrap().trim();
            (hundredths("start"), hundredths("end"), text)
        })
        .collect();
    assert_eq!(lines, expected);
}

#[test]
fn words_are_lines_when_they_are_asked_for_by_name() {
    let place = Place::new();
    let more = [&QUICK[..], &["--set", "words=true"]].concat();
    let ended = hear(&place, "speech.transcribe", SENTENCE, &more);
    let (words, segments): (Vec<&str>, Vec<&str>) = ended
        .assert_ok()
        .stdout
        .lines()
        .partition(|line| line.starts_with("    ["));
    let said: Vec<&str> = words.iter().map(|line| parse(line.trim()).2).collect();
    let text: Vec<&str> = segments.iter().map(|line| parse(line).2).collect();
    assert!(said.len() >= 8, "{ended:?}");
    assert_eq!(said.join(" "), text.join(" "));
}

#[test]
fn a_format_that_was_asked_for_is_all_that_is_printed() {
    let place = Place::new();
    let more = [&QUICK[..], &["--set", "format=srt"]].concat();
    let ended = hear(&place, "speech.transcribe", SENTENCE, &more);
    let lines: Vec<&str> = ended.assert_ok().stdout.lines().collect();
    assert_eq!(lines[0], "1");
    assert!(
        lines[1].starts_with("00:00:0") && lines[1].contains(" --> "),
        "{lines:?}"
    );
    assert!(lines[2].contains("amiable"), "{lines:?}");
}

#[test]
fn a_recording_that_breaks_off_is_heard_as_far_as_it_goes_with_a_warning() {
    let place = Place::new();
    let mut half = silence(32_000);
    half.truncate(half.len() / 2);
    let half = place.file("half.wav", half).display().to_string();
    let ended = hear(&place, "speech.transcribe", &half, &[]);
    let why = "it breaks off after 1.0 s";
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), ""));
    assert_eq!(
        ended.stderr,
        format!("aimass: not all of the input could be read: {why}\n")
    );
    let json = hear(&place, "speech.transcribe", &half, &["--json"]);
    assert_eq!(json.assert_ok().document()["incomplete"], why);
}

#[test]
fn stretches_of_speech_are_lines_with_their_probability() {
    let place = Place::new();
    let ended = hear(&place, "speech.detect", "silero/speech.wav", &[]);
    let lines: Vec<_> = ended.assert_ok().stdout.lines().map(parse).collect();
    assert_eq!(lines.len(), 2, "{ended:?}");
    assert!(
        lines
            .iter()
            .all(|(start, end, rest)| start < end && rest.starts_with("probability 0."))
    );
    place.file("silence.wav", silence(16_000));
    let quiet = place.here().join("silence.wav").display().to_string();
    assert_eq!(
        hear(&place, "speech.detect", &quiet, &[])
            .assert_ok()
            .stdout,
        ""
    );
}
