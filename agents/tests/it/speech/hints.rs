//! Prompt and vocabulary: what was said before, and which words are likely to come, decide how what sounds alike is written.

use std::path::PathBuf;

use aimass_agents::speech::{Transcribe, TranscribeInput};

use super::transcribe::{quick, recording, start};

fn plain(path: PathBuf) -> TranscribeInput {
    TranscribeInput {
        language: Some("en".to_owned()),
        words: Some(false),
        ..quick(path)
    }
}

/// What is heard in recordings, in order.
async fn heard<const N: usize>(inputs: [TranscribeInput; N]) -> [String; N] {
    let runtime = start().await;
    let mut texts = Vec::new();
    for input in inputs {
        texts.push(runtime.ask::<Transcribe>(input).await.unwrap().text);
    }
    runtime.shutdown().await;
    texts.try_into().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn words_that_are_likely_to_come_decide_how_a_name_is_spelt() {
    let dashwood = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../examples/inbox/reading.flac");
    let with = |vocabulary: &str, path: PathBuf| TranscribeInput {
        vocabulary: Some(vocabulary.to_owned()),
        ..plain(path)
    };
    let amiable = recording("sense_and_sensibility_01_austen_64kb-0930.flac");
    let [usual, hinted, kind, kinder] = heard([
        plain(dashwood.clone()),
        with("Jon Dashwoode", dashwood),
        plain(amiable.clone()),
        with("aimiable", amiable),
    ])
    .await;
    assert!(usual.contains("Mr. John Dashwood had"), "{usual}");
    assert!(hinted.contains("Mr. Jon Dashwoode had"), "{hinted}");
    // What the hint does not speak of is heard as before.
    let rest = |text: &str| text.split_once(" had ").unwrap().1.to_owned();
    assert_eq!(rest(&usual), rest(&hinted));
    assert_eq!(kind, "He might even have been made amiable himself.");
    assert_eq!(kinder, "He might even have been made aimiable himself.");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_shows_how_numbers_are_written_and_which_word_was_meant() {
    let with = |prompt: &str, name: &str| TranscribeInput {
        prompt: Some(prompt.to_owned()),
        ..plain(recording(name))
    };
    let [digits, letters, misheard, understood] = heard([
        plain(recording("003.flac")),
        with("seven", "003.flac"),
        plain(recording("005.flac")),
        with(
            "queen of clubs, ace of clubs. queen of clubs, ace of clubs.",
            "005.flac",
        ),
    ])
    .await;
    assert_eq!(digits, "7 of clubs.");
    assert_eq!(letters, "Seven of clubs.");
    // Its speaker says "four of clubs"; the reference hears the same without a hint.
    assert_eq!(misheard, "8 of spades, 4 of close, 7 of hearts.");
    assert_eq!(understood, "8 of spades, 4 of clubs, 7 of hearts.");
}
