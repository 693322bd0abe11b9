//! Whisper against transformers, on a tiny checkpoint of random weights.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use aimass_models::Precision;
use aimass_models::weights::TensorFile;
use aimass_models::whisper::decoding::{Decoding, DecodingOptions, Strategy, Task};
use aimass_models::whisper::{EncodedAudio, EncoderPass, LogMel, MelFilters, WhisperWeights};
use candle_core::Device;
use serde::Deserialize;

/// What `goldens/whisper/make.py` wrote beside the tensors.
#[derive(Deserialize)]
struct Goldens {
    encoder_rows: Vec<usize>,
    generated: Vec<u32>,
    language: BTreeMap<String, f32>,
    encoded: Encoded,
}

#[derive(Deserialize)]
struct Encoded {
    text: String,
    tokens: Vec<u32>,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("goldens/whisper")
}

fn goldens() -> Goldens {
    let text = std::fs::read_to_string(folder().join("goldens.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn tensor(name: &str, shape: &[usize]) -> Vec<f32> {
    let file = TensorFile::open(&folder().join("goldens.safetensors")).unwrap();
    let tensor = file.read(name, shape, &Device::Cpu).unwrap();
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

pub(crate) fn apart(one: &[f32], other: &[f32]) -> f32 {
    assert_eq!(one.len(), other.len());
    let pairs = one.iter().zip(other);
    pairs
        .map(|(one, other)| (one - other).abs())
        .fold(0.0, f32::max)
}

/// The model in a folder.
pub(crate) fn load(folder: &Path) -> WhisperWeights {
    WhisperWeights::load(folder, &Device::Cpu, Precision::Exact).unwrap()
}

fn weights() -> WhisperWeights {
    load(&folder())
}

/// 0.8 s of tones, silence and noise.
pub(crate) fn waveform() -> Vec<f32> {
    tensor("waveform", &[12_800])
}

fn spectrogram(weights: &WhisperWeights) -> LogMel {
    weights.filters().log_mel(&waveform(), 30 * 16_000)
}

fn encode(weights: &WhisperWeights) -> EncoderPass {
    let mut pass = EncoderPass::begin(weights, &[spectrogram(weights)]).unwrap();
    while pass.advance(weights).unwrap() {}
    pass
}

#[test]
fn the_spectrogram_agrees_with_the_reference() {
    for (name, mels) in [("mel", 80), ("mel_128", 128)] {
        let expected = tensor(name, &[mels, 120]);
        let filters = MelFilters::new(mels);
        let got = filters.log_mel(&waveform(), 30 * 16_000);
        assert_eq!(got.frames(), 3000);
        let rows = got.values().chunks_exact(mels).take(120).enumerate();
        for (frame, row) in rows {
            let expected: Vec<f32> = expected[frame..].iter().step_by(120).copied().collect();
            assert!(apart(row, &expected) < 1e-3, "{name}, frame {frame}");
        }
    }
}

#[test]
fn the_encoder_agrees_with_the_reference() {
    let weights = weights();
    let output = encode(&weights).output().to_vec2::<f32>().unwrap();
    assert_eq!(output.len(), 1500);
    let goldens = goldens();
    let expected = tensor("encoder", &[goldens.encoder_rows.len(), 64]);
    for (row, expected) in goldens.encoder_rows.iter().zip(expected.chunks(64)) {
        assert!(apart(&output[*row], expected) < 2e-3, "row {row}");
    }
}

#[test]
fn two_spectrograms_in_a_batch_are_encoded_as_each_alone() {
    let weights = weights();
    let long = spectrogram(&weights);
    let short = weights.filters().log_mel(&waveform(), 0);
    let mut pass = EncoderPass::begin(&weights, &[short.clone(), long]).unwrap();
    while pass.advance(&weights).unwrap() {}
    let mut alone = EncoderPass::begin(&weights, &[short]).unwrap();
    while alone.advance(&weights).unwrap() {}
    let both = pass.output().to_vec2::<f32>().unwrap();
    let first = alone.output().to_vec2::<f32>().unwrap();
    assert_eq!((first.len(), both.len()), (40, 1540));
    assert!(apart(&both[..40].concat(), &first.concat()) < 1e-5);
    let second = encode(&weights).output().to_vec2::<f32>().unwrap();
    assert!(apart(&both[40..].concat(), &second.concat()) < 1e-5);
}

#[test]
fn greedy_decoding_follows_the_rules_as_the_reference_does() {
    let weights = weights();
    let goldens = goldens();
    let audio = EncodedAudio::of(&weights, &encode(&weights)).unwrap();
    let options = DecodingOptions {
        task: Task::Transcribe,
        language: weights.vocabulary().language("en"),
        strategy: Strategy::Beam {
            size: 1,
            patience: 1.0,
        },
        prompt: Vec::new(),
        latest_start: 1.0,
        seed: 0,
    };
    let audio = std::sync::Arc::new(audio.into_iter().next().unwrap());
    let mut decoding = Decoding::new(&weights, audio, options);
    // The reference begins anew behind a pair of times.
    let is_time = |token: &u32| weights.vocabulary().seconds(*token).is_some();
    let pair = goldens
        .generated
        .windows(2)
        .skip(1)
        .position(|pair| pair.iter().all(is_time));
    let expected = &goldens.generated[..pair.unwrap() + 3];
    while !decoding.is_done() && decoding.result().tokens.len() < expected.len() {
        Decoding::advance(&weights, &mut [&mut decoding]).unwrap();
    }
    assert_eq!(decoding.result().tokens, expected);
}

#[test]
fn the_language_is_found_as_the_reference_finds_it() {
    let weights = weights();
    let audio = EncodedAudio::of(&weights, &encode(&weights)).unwrap();
    let audio = std::sync::Arc::new(audio.into_iter().next().unwrap());
    let options = DecodingOptions {
        task: Task::Transcribe,
        language: None,
        strategy: Strategy::Beam {
            size: 1,
            patience: 1.0,
        },
        prompt: Vec::new(),
        latest_start: 1.0,
        seed: 0,
    };
    let mut decoding = Decoding::new(&weights, audio, options);
    Decoding::advance(&weights, &mut [&mut decoding]).unwrap();
    let likeliest = goldens().language.into_iter();
    let likeliest = likeliest.max_by(|one, other| one.1.total_cmp(&other.1));
    let (code, probability) = likeliest.unwrap();
    let result = decoding.result();
    let code = code
        .trim_start_matches("<|")
        .trim_end_matches("|>")
        .to_owned();
    assert_eq!(
        weights.vocabulary().language_of(result.language),
        Some(code.as_str())
    );
    assert!((result.language_probability - probability).abs() < 1e-3);
}

#[test]
fn a_text_has_the_tokens_that_the_reference_gives_it() {
    let weights = weights();
    let Encoded { text, tokens } = goldens().encoded;
    assert_eq!(weights.vocabulary().encode(&text).unwrap(), tokens);
    assert_eq!(weights.vocabulary().decode(&tokens), text);
}
