//! Any bytes as each of the three JSON files beside sound weights of Whisper: loaded and used, or refused.

#![no_main]

use std::fs;
use std::panic;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use aimass_models::whisper::decoding::{Decoding, DecodingOptions, Strategy, Task};
use aimass_models::whisper::{EncodedAudio, EncoderPass, WhisperWeights};
use aimass_models::{ModelError, Precision, device};
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

const FILES: [&str; 3] = ["config.json", "generation_config.json", "tokenizer.json"];

fn golden(name: &str) -> PathBuf {
    let goldens = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/goldens/whisper/shapes");
    goldens.join("turbo").join(name)
}

/// For each of the files a folder where all others are sound.
static FOLDERS: LazyLock<[TempDir; 3]> = LazyLock::new(|| {
    FILES.map(|_| {
        let folder = TempDir::new().expect("a folder");
        for name in FILES.into_iter().chain(["model.safetensors"]) {
            fs::copy(golden(name), folder.path().join(name)).expect("a golden");
        }
        folder
    })
});

// By default libFuzzer's hook ends the process at every panic, those which are caught and refused among them.
fuzz_target!(init: drop(panic::take_hook()), |bytes: &[u8]| {
    for (folder, name) in FOLDERS.iter().zip(FILES) {
        fs::write(folder.path().join(name), bytes).expect("room");
        if let Ok(weights) = load(folder.path()) {
            // Sizes that are contradicted later, such as too few tokens, may be refused as well.
            let _ = decode(&weights);
        }
    }
});

fn load(folder: &Path) -> Result<WhisperWeights, ModelError> {
    WhisperWeights::load(folder, &device::open("cpu")?, Precision::Exact)
}

/// Some steps, so that tokens with a meaning of their own are looked at.
fn decode(weights: &WhisperWeights) -> Result<(), ModelError> {
    let spectrogram = weights.filters().log_mel(&[0.0; 1600], 0);
    let mut pass = EncoderPass::begin(weights, &[spectrogram])?;
    while pass.advance(weights)? {}
    for audio in EncodedAudio::of(weights, &pass)? {
        let options = DecodingOptions {
            task: Task::Transcribe,
            language: None,
            strategy: Strategy::Beam {
                size: 2,
                patience: 1.0,
            },
            prompt: Vec::new(),
            latest_start: 1.0,
            seed: 0,
        };
        let mut decoding = Decoding::new(weights, Arc::new(audio), options);
        for _ in 0..4 {
            Decoding::advance(weights, &mut [&mut decoding])?;
        }
        let _ = weights.vocabulary().decode(&decoding.result().tokens);
    }
    Ok(())
}
