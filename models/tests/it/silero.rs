//! Silero VAD on its real weights, beside the probabilities of silero-vad with onnxruntime.

use std::path::Path;
use std::sync::Arc;

use aimass_models::{Silent, Silero, SileroState, SileroWeights, device};
use serde::Deserialize;

use crate::cache;

const FRAME: usize = 512;
/// A wav file's header as the script of the goldens writes it.
const WAV_HEADER: usize = 44;

#[derive(Deserialize)]
struct Golden {
    probabilities: Vec<f32>,
}

fn silero() -> Silero {
    let folder = cache::store().pull("silero-vad", &mut Silent).unwrap();
    let weights = SileroWeights::load(&folder, &device::open("cpu").unwrap()).unwrap();
    assert!((1 << 20..2 << 20).contains(&weights.memory_bytes()));
    Silero::new(Arc::new(weights))
}

/// A recording with two stretches of speech, to whole frames.
fn speech() -> Vec<f32> {
    let file = include_bytes!("../../goldens/silero/speech.wav");
    let (samples, _) = file[WAV_HEADER..].as_chunks::<2>();
    let samples = samples.iter();
    let mut samples: Vec<f32> = samples
        .map(|sample| f32::from(i16::from_le_bytes(*sample)) / 32_768.0)
        .collect();
    samples.resize(samples.len().next_multiple_of(FRAME), 0.0);
    samples
}

fn furthest(one: &[f32], other: &[f32]) -> f32 {
    assert_eq!(one.len(), other.len());
    let pairs = one.iter().zip(other);
    pairs
        .map(|(one, other)| (one - other).abs())
        .fold(0.0, f32::max)
}

#[test]
fn it_agrees_with_the_reference_frame_by_frame() {
    let golden = include_str!("../../goldens/silero/probabilities.json");
    let golden: Golden = serde_json::from_str(golden).unwrap();
    let got = silero()
        .probabilities(&mut SileroState::default(), &speech())
        .unwrap();
    let apart = furthest(&got, &golden.probabilities);
    assert!(apart < 1e-4, "{apart}");
}

#[test]
fn it_does_not_matter_how_a_recording_is_cut() {
    let (silero, speech) = (silero(), speech());
    let whole = silero
        .probabilities(&mut SileroState::default(), &speech)
        .unwrap();
    for frames in [1, 7, 65] {
        let mut state = SileroState::default();
        let pieces = speech.chunks(frames * FRAME);
        let probabilities =
            pieces.flat_map(|piece| silero.probabilities(&mut state, piece).unwrap());
        let apart = furthest(&probabilities.collect::<Vec<_>>(), &whole);
        assert!(apart < 1e-5, "{frames} frames: {apart}");
    }
}

#[test]
fn silence_noise_and_a_tone_are_no_speech() {
    let silero = silero();
    let mut seed = 1_u64;
    let noise = |_| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        ((seed >> 40) as f32 / (1 << 23) as f32 - 1.0) * 0.1
    };
    let count = 10 * 16_000 / FRAME * FRAME;
    let tone = |at: usize| (at as f32 * 0.1).sin() * 0.3;
    for samples in [
        vec![0.0; count],
        (0..count).map(noise).collect(),
        (0..count).map(tone).collect::<Vec<f32>>(),
    ] {
        let probabilities = silero
            .probabilities(&mut SileroState::default(), &samples)
            .unwrap();
        assert!(probabilities.iter().all(|probability| *probability < 0.5));
    }
}

#[test]
fn what_is_no_audio_is_refused_and_leaves_the_state_as_it_was() {
    let silero = silero();
    let mut state = SileroState::default();
    silero.probabilities(&mut state, &speech()).unwrap();
    let before = state.clone();
    let mut refused = |samples: &[f32], expected: &str| {
        let error = silero.probabilities(&mut state, samples).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(state, before);
    };
    refused(&[0.0; 500], "whole frames of 512 samples, found 500");
    let mut samples = vec![0.0; 2 * FRAME];
    samples[700] = f32::NAN;
    refused(&samples, "found NaN at 700");
    samples[700] = f32::INFINITY;
    refused(&samples, "inf at 700");
    samples[700] = -32_768.0;
    refused(&samples, "1 / 32,768");
    samples[700] = 100.0;
    let loud = silero.probabilities(&mut SileroState::default(), &samples);
    let loud = loud.unwrap();
    assert!(
        loud.iter()
            .all(|probability| (0.0..=1.0).contains(probability))
    );
    assert_eq!(silero.probabilities(&mut state, &[]).unwrap(), [0.0; 0]);
}

#[test]
fn damaged_and_other_weights_are_refused_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("silero_vad_16k_sequence.onnx");
    let load = |folder: &Path| SileroWeights::load(folder, &device::open("cpu").unwrap());
    let message = load(folder.path()).unwrap_err().to_string();
    assert!(message.contains("silero_vad_16k"), "{message}");
    let sound = cache::store().pull("silero-vad", &mut Silent).unwrap();
    let sound = std::fs::read(sound.join("silero_vad_16k_sequence.onnx")).unwrap();
    for length in [0, 7, 100, sound.len() / 2, sound.len() - 1] {
        std::fs::write(&place, &sound[..length]).unwrap();
        let message = load(folder.path()).unwrap_err().to_string();
        assert!(
            !message.contains('\n') && message.contains("silero_vad_16k"),
            "{message}"
        );
    }
    let other = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/goldens/bert/multilingual/model.safetensors"
    );
    std::fs::copy(other, &place).unwrap();
    let message = load(folder.path()).unwrap_err().to_string();
    assert!(message.contains("silero_vad_16k"), "{message}");
}
