//! Whisper of other shapes than the one in `whisper.rs`, on tiny checkpoints of random weights,
//! against transformers and openai/whisper: English only, 128 channels with 100 languages, unequal
//! depths of encoder and decoder, and a checkpoint that names no alignment heads.

use std::path::PathBuf;
use std::sync::Arc;

use aimass_models::weights::TensorFile;
use aimass_models::whisper::alignment::{Spoken, align};
use aimass_models::whisper::decoding::{Decoded, Decoding, DecodingOptions, Strategy, Task};
use aimass_models::whisper::{
    EncodedAudio, EncoderPass, GenerationConfig, Vocabulary, WhisperWeights,
};
use candle_core::Device;
use serde::Deserialize;

use crate::whisper::{apart, load, waveform};

const SHAPES: [&str; 3] = ["english", "large-v3", "turbo"];
/// What the networks hear at once: 0.6 s.
const SAMPLES: usize = 9600;
const POSITIONS: usize = 30;

/// What `goldens/whisper/shapes/make.py` wrote beside the tensors.
#[derive(Deserialize)]
struct Goldens {
    greedy: Answer,
    beam: Answer,
    language: Option<Language>,
    text: Vec<u32>,
    alignment: Vec<Word>,
}

#[derive(Deserialize)]
struct Answer {
    tokens: Vec<u32>,
    mean_log_probability: f32,
    no_speech: f32,
}

#[derive(Deserialize)]
struct Language {
    code: String,
    probability: f32,
}

#[derive(Deserialize)]
struct Word {
    text: String,
    start: f64,
    end: f64,
    probability: f32,
}

fn folder(shape: &str) -> PathBuf {
    let goldens = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("goldens/whisper/shapes");
    goldens.join(shape)
}

fn goldens(shape: &str) -> Goldens {
    let text = std::fs::read_to_string(folder(shape).join("goldens.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn encode(weights: &WhisperWeights) -> EncoderPass {
    let spectrogram = weights.filters().log_mel(&waveform()[..SAMPLES], 0);
    let mut pass = EncoderPass::begin(weights, &[spectrogram]).unwrap();
    while pass.advance(weights).unwrap() {}
    pass
}

fn audio(weights: &WhisperWeights) -> Arc<EncodedAudio> {
    let audio = EncodedAudio::of(weights, &encode(weights)).unwrap();
    Arc::new(audio.into_iter().next().unwrap())
}

fn decode(weights: &WhisperWeights, size: usize, language: Option<&str>) -> Decoded {
    let options = DecodingOptions {
        task: Task::Transcribe,
        language: language.and_then(|code| weights.vocabulary().language(code)),
        strategy: Strategy::Beam {
            size,
            patience: 1.0,
        },
        prompt: Vec::new(),
        latest_start: 0.2,
        seed: 0,
    };
    let mut decoding = Decoding::new(weights, audio(weights), options);
    while !decoding.is_done() {
        Decoding::advance(weights, &mut [&mut decoding]).unwrap();
    }
    decoding.result()
}

#[test]
fn the_encoder_of_each_shape_agrees_with_the_reference() {
    for shape in SHAPES {
        let output = encode(&load(&folder(shape))).output().to_vec2().unwrap();
        let file = TensorFile::open(&folder(shape).join("goldens.safetensors")).unwrap();
        let expected = file
            .read("encoder", &[POSITIONS, 16], &Device::Cpu)
            .unwrap();
        let expected = expected.to_vec2::<f32>().unwrap();
        assert!(
            apart(&output.concat(), &expected.concat()) < 1e-3,
            "{shape}"
        );
    }
}

#[test]
fn one_hypothesis_and_three_give_the_tokens_of_the_reference_and_are_as_likely() {
    for shape in SHAPES {
        let (weights, goldens) = (load(&folder(shape)), goldens(shape));
        for (size, expected) in [(1, goldens.greedy), (3, goldens.beam)] {
            let found = decode(&weights, size, Some("en"));
            assert_eq!(found.tokens, expected.tokens, "{shape}, {size}");
            let likely = found.mean_log_probability - expected.mean_log_probability;
            assert!(likely.abs() < 1e-3, "{shape}, {size}: {likely}");
            assert!(
                (found.no_speech - expected.no_speech).abs() < 1e-5,
                "{shape}"
            );
        }
    }
}

#[test]
fn the_language_is_found_where_there_are_several() {
    for shape in SHAPES {
        let weights = load(&folder(shape));
        let found = decode(&weights, 1, None);
        let code = weights.vocabulary().language_of(found.language);
        match goldens(shape).language {
            Some(expected) => {
                assert_eq!(code, Some(expected.code.as_str()), "{shape}");
                let apart = found.language_probability - expected.probability;
                assert!(apart.abs() < 1e-3, "{shape}: {apart}");
            }
            None => assert_eq!((code, found.language_probability), (None, 1.0), "{shape}"),
        }
    }
}

#[test]
fn words_have_the_times_and_the_probabilities_of_the_reference() {
    for shape in SHAPES {
        let (weights, goldens) = (load(&folder(shape)), goldens(shape));
        let spoken = Spoken {
            tokens: &goldens.text,
            language: weights.vocabulary().language("en"),
            task: Task::Transcribe,
        };
        let words = align(&weights, &audio(&weights), POSITIONS, &spoken).unwrap();
        assert_eq!(words.len(), goldens.alignment.len(), "{shape}: {words:?}");
        for ((word, _), expected) in words.iter().zip(&goldens.alignment) {
            assert_eq!(word.text, expected.text, "{shape}");
            let apart = [word.start - expected.start, word.end - expected.end];
            // Times are whole positions.
            assert!(
                apart.iter().all(|apart| apart.abs() < 1e-9),
                "{shape}: {word:?}"
            );
            let likely = (word.probability / expected.probability - 1.0).abs();
            assert!(likely < 1e-2, "{shape}: {word:?}");
        }
    }
}

#[test]
fn without_alignment_heads_those_of_the_upper_half_of_the_layers_are_taken() {
    assert!(
        load(&folder("large-v3"))
            .generation()
            .alignment_heads
            .is_empty()
    );
    let upper = [(1, 0), (1, 1), (2, 0), (2, 1)];
    assert_eq!(load(&folder("large-v3")).alignment_heads(), upper);
    assert_eq!(load(&folder("turbo")).alignment_heads(), [(0, 1)]);
}

#[test]
fn a_vocabulary_has_the_languages_of_its_size() {
    let silent = GenerationConfig::default();
    let multilingual: GenerationConfig =
        serde_json::from_str(r#"{"is_multilingual": true}"#).unwrap();
    for (shape, size, generation, count) in [
        // Without a word about it, the size tells the models that know English only from the
        // others.
        ("english", 51_864, &silent, 0),
        ("english", 51_865, &silent, 99),
        ("large-v3", 51_866, &silent, 100),
        ("large-v3", 439, &silent, 0),
        ("large-v3", 439, &multilingual, 100),
    ] {
        let tokenizer = folder(shape).join("tokenizer.json");
        let vocabulary = Vocabulary::read(&tokenizer, size, generation).unwrap();
        let languages = &vocabulary.special().languages;
        assert_eq!(languages.len(), count, "{shape}, {size}");
        let cantonese = vocabulary.language("yue").is_some();
        assert_eq!(cantonese, count == 100, "{shape}, {size}");
        assert_eq!(vocabulary.language("haw").is_some(), count > 0);
    }
}
