//! Imported models at work: what was converted from another form hears what it heard before.

use std::path::Path;
use std::sync::Arc;

use aimass_models::Importer;
use aimass_models::whisper::alignment::{Spoken, Word, align};
use aimass_models::whisper::decoding::Task;
use aimass_models::whisper::{EncodedAudio, EncoderPass, WhisperWeights};
use serde::Deserialize;

use crate::import::{convert, ctranslate2, from_ctranslate2, from_gguf, gguf, goldens};
use crate::whisper::{apart, load, waveform};

/// The model that an importer makes of a folder.
fn imported(importer: &Importer, folder: &Path) -> WhisperWeights {
    load(convert(importer, folder).unwrap().path())
}

fn encode(weights: &WhisperWeights, samples: &[f32]) -> EncoderPass {
    let spectrogram = weights.filters().log_mel(samples, 0);
    let mut pass = EncoderPass::begin(weights, &[spectrogram]).unwrap();
    while pass.advance(weights).unwrap() {}
    pass
}

fn output(pass: &EncoderPass) -> Vec<f32> {
    pass.output().flatten_all().unwrap().to_vec1().unwrap()
}

/// The words of English tokens, each with how many of them it takes.
fn words(weights: &WhisperWeights, pass: &EncoderPass, tokens: &[u32]) -> Vec<(Word, usize)> {
    let audio = EncodedAudio::of(weights, pass).unwrap();
    let audio = Arc::new(audio.into_iter().next().unwrap());
    let spoken = Spoken {
        tokens,
        language: weights.vocabulary().language("en"),
        task: Task::Transcribe,
    };
    align(weights, &audio, audio.positions(), &spoken).unwrap()
}

/// What `goldens/whisper/ctranslate2/make.py` wrote: CTranslate2's own answers.
#[derive(Deserialize)]
struct Answers {
    text: Vec<u32>,
    probabilities: Vec<f32>,
    /// Token and position, in order; the token before the text is number 0.
    alignments: Vec<(usize, usize)>,
    encoder: Vec<Vec<f32>>,
}

impl Answers {
    /// When the token of this number is first heard.
    fn time(&self, token: usize) -> f64 {
        let first = self.alignments.iter().find(|(row, _)| *row == token);
        first.unwrap().1 as f64 * 0.02
    }
}

#[test]
fn ctranslate2_models_hear_what_ctranslate2_hears_with_them() {
    let text = std::fs::read_to_string(goldens("whisper/ctranslate2/answers.json")).unwrap();
    let answers: Answers = serde_json::from_str(&text).unwrap();
    // Rounded weights say nearly the same: how near, was measured.
    for (kind, encoder, likely) in [
        ("float32", 1e-3, 1e-3),
        ("float16", 1e-3, 1e-3),
        ("bfloat16", 0.2, 0.2),
        ("int8", 0.2, 0.2),
    ] {
        let weights = imported(from_ctranslate2(), ctranslate2(kind).path());
        let pass = encode(&weights, &waveform()[..9600]);
        let far = apart(&output(&pass), &answers.encoder.concat());
        assert!(far < encoder, "{kind}: the encoder is {far} apart");
        let mut first = 0;
        for (word, count) in words(&weights, &pass, &answers.text) {
            let all = &answers.probabilities[first..first + count];
            let expected = all.iter().sum::<f32>() / count as f32;
            let far = (word.probability / expected - 1.0).abs();
            assert!(far < likely, "{kind}: {far} of {word:?}");
            // A position is a hair's breadth for weights of eight bits.
            if matches!(kind, "float32" | "float16") {
                let times = (answers.time(first), answers.time(first + count));
                assert!((word.start - times.0).abs() < 1e-9, "{times:?}: {word:?}");
                assert!((word.end - times.1).abs() < 1e-9, "{times:?}: {word:?}");
            }
            first += count;
        }
        assert_eq!(first, answers.text.len());
    }
}

#[test]
fn gguf_models_hear_what_the_checkpoint_hears_that_they_were_made_from() {
    let hub = load(&goldens("whisper"));
    let weights = imported(from_gguf(), gguf().path());
    let (ours, theirs) = (encode(&weights, &waveform()), encode(&hub, &waveform()));
    let far = apart(&output(&ours), &output(&theirs));
    // Eight bits a weight, in blocks of 32: not the same, and near.
    assert!(far > 0.0 && far < 0.5, "{far}");
    let tokens = hub.vocabulary().encode("The parcel came").unwrap();
    let found = words(&weights, &ours, &tokens);
    let expected = words(&hub, &theirs, &tokens);
    assert_eq!(found.len(), 3);
    for ((word, _), (expected, _)) in found.iter().zip(&expected) {
        assert_eq!(word.text, expected.text);
        let far = (word.probability / expected.probability - 1.0).abs();
        assert!(far < 0.5, "{far}: {word:?} for {expected:?}");
    }
}
