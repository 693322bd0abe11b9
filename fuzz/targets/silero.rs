//! Any bytes as Silero's ONNX file: loaded and used, or refused. `onnx_seed.py` makes one that is loaded.

#![no_main]

use std::fs;
use std::sync::{Arc, LazyLock};

use aimass_models::device;
use aimass_models::silero::{FRAME, Silero, SileroState, SileroWeights};
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| TempDir::new().expect("a folder"));

fuzz_target!(|bytes: &[u8]| {
    fs::write(FOLDER.path().join("silero_vad_16k_sequence.onnx"), bytes).expect("room");
    let cpu = device::open("cpu").expect("the processor");
    let Ok(weights) = SileroWeights::load(FOLDER.path(), &cpu) else {
        return;
    };
    let silero = Silero::new(Arc::new(weights));
    let found = silero.probabilities(&mut SileroState::default(), &[0.5; 2 * FRAME]);
    assert_eq!(found.expect("two frames").len(), 2);
});
