//! `aimass ask speech.detect`: what needs no model.

use super::harness::Place;

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
