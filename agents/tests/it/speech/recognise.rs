//! What may be set of decoding, on the real weights.

use std::sync::Arc;

use aimass_models::device;
use aimass_models::whisper::decoding::{Decoded, Decoding, DecodingOptions, Strategy, Task};
use aimass_models::whisper::{EncodedAudio, EncoderPass, WhisperWeights};

use super::transcribe::{recording, samples_of, store};

async fn weights() -> WhisperWeights {
    let folder = store().await.path("whisper-base").unwrap();
    WhisperWeights::load(&folder, &device::open("cpu").unwrap()).unwrap()
}

/// A decoding, and how many steps it took.
fn decode(weights: &WhisperWeights, audio: &Arc<EncodedAudio>, patience: f32) -> (Decoded, usize) {
    let options = DecodingOptions {
        task: Task::Transcribe,
        language: weights.vocabulary().language("en"),
        strategy: Strategy::Beam { size: 3, patience },
        prompt: Vec::new(),
        latest_start: 1.0,
        seed: 0,
    };
    let mut decoding = Decoding::new(weights, audio.clone(), options);
    let mut steps = 0;
    while !decoding.is_done() {
        Decoding::advance(weights, &mut [&mut decoding]).unwrap();
        steps += 1;
    }
    (decoding.result(), steps)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patient_search_goes_on_longer_and_finds_nothing_worse() {
    let weights = weights().await;
    for name in ["003.flac", "005.flac"] {
        let samples = samples_of(&recording(name));
        let spectrogram = weights.filters().log_mel(&samples, 30 * 16_000);
        let mut pass = EncoderPass::begin(&weights, &[spectrogram]).unwrap();
        while pass.advance(&weights).unwrap() {}
        let audio = EncodedAudio::of(&weights, &pass).unwrap();
        let audio = Arc::new(audio.into_iter().next().unwrap());
        let (hasty, few) = decode(&weights, &audio, 1.0);
        let (patient, many) = decode(&weights, &audio, 4.0);
        assert!(few < many, "{few} and {many} steps");
        let likely = |decoded: &Decoded| {
            let tokens = decoded.tokens.len() as f32;
            decoded.mean_log_probability * (tokens + 1.0) / tokens
        };
        assert!(likely(&patient) >= likely(&hasty), "{patient:?}; {hasty:?}");
    }
}
