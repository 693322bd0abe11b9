//! `aimass ask` of live sound on standard input.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::symlink;
use std::process::Stdio;

use super::harness::{Ended, Place};
use super::node;
use super::speech::{QUICK, cache, hear};

const RECORDING: &str = "silero/speech.wav";
const QUICK_LIVE: [&str; 4] = ["--set", "beam_size=1", "--set", "language=en"];
const RAW: [&str; 4] = ["--set", "sample_rate=16000", "--set", "channels=1"];

/// The bytes of the recording: wav of 16 bits at 16 kHz, with a header of 44 bytes.
fn wav() -> Vec<u8> {
    let goldens = crate::repository_root().join("models/goldens");
    fs::read(goldens.join(RECORDING)).unwrap()
}

fn listen(place: &Place, more: &[&str], sound: &[u8]) -> Ended {
    let arguments = [&["ask", "speech.listen", "-"], &QUICK_LIVE[..], more].concat();
    place.run_with_input(&arguments, sound)
}

/// A place with the models of speech.
fn with_models() -> Place {
    let place = Place::new();
    fs::remove_dir(place.cache()).unwrap();
    symlink(cache(), place.cache()).unwrap();
    place
}

#[test]
fn piped_sound_gives_the_text_of_the_file_with_a_header_and_without() {
    let place = with_models();
    let json = [&QUICK[..], &["--json"]].concat();
    let file = hear(&place, "speech.transcribe", RECORDING, &json).document();
    let text = file["text"].as_str().unwrap();
    assert!(!text.is_empty());

    let plain = listen(&place, &RAW, &wav()[44..]);
    assert_eq!(plain.assert_ok().stdout, format!("{text}\n"));
    let document = listen(&place, &["--json"], &wav()).assert_ok().document();
    assert_eq!(document, file);

    // As it was said before there was a field for each.
    let nested = ["--set", r#"speaking={"beam_size":1,"language":"en"}"#];
    let arguments = [&["ask", "speech.listen", "-", "--json"], &nested[..]].concat();
    let before = place.run_with_input(&arguments, &wav());
    assert_eq!(before.assert_ok().document(), file);

    let mut node = node::start(&place);
    let through = listen(&place, &["--json"], &wav());
    assert_eq!(through.assert_ok().document(), file);
    assert_eq!(node::end(&mut node), Some(0));
}

#[test]
fn text_is_printed_as_soon_as_it_is_certain() {
    let place = with_models();
    let arguments = [&["ask", "speech.listen", "-"], &QUICK_LIVE[..]].concat();
    let mut command = place.command(&arguments);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut sound = child.stdin.take().unwrap();
    sound.write_all(&wav()[44..]).unwrap();
    sound.write_all(&[0; 2 * 16_000 * 4]).unwrap();
    sound.flush().unwrap();
    // Nobody has said yet that this was all.
    let mut first = [0; 8];
    let mut text = child.stdout.take().unwrap();
    text.read_exact(&mut first).unwrap();
    drop(sound);
    let mut rest = String::new();
    text.read_to_string(&mut rest).unwrap();
    assert!(
        rest.ends_with('\n') && rest.lines().count() == 1,
        "{rest:?}"
    );
    assert!(child.wait().unwrap().success());
}

#[test]
fn sound_without_speech_prints_nothing() {
    let place = with_models();
    for sound in [&[0; 2 * 16_000][..], &[], &[7]] {
        assert_eq!(listen(&place, &[], sound).assert_ok().stdout, "");
    }
    let document = listen(&place, &["--json"], &[]).assert_ok().document();
    assert_eq!(document["text"], "");
}

#[test]
fn what_cannot_be_heard_is_refused_in_one_line() {
    let place = Place::new();
    place
        .run(&["ask", "speech.listen", "call.wav"])
        .assert_fails(64, &["arecord", "speech.listen"]);
    listen(&place, &["--set", "rate=8000"], &[]).assert_fails(64, &["rate", "sample_rate"]);
    listen(&place, &RAW, &wav()).assert_fails(64, &["--set sample_rate", "16000"]);
    listen(&place, &["--set", "sample_rate=3"], &[0; 9]).assert_fails(65, &["3 Hz"]);
    let mut other = wav();
    other[34] = 24;
    listen(&place, &[], &other).assert_fails(65, &["24 bits", "ffmpeg"]);
    // The models are not here.
    listen(&place, &[], &wav()).assert_fails(69, &["aimass models pull silero-vad"]);
}
