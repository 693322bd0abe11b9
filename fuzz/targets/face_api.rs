//! Any bytes as the manifest and the values of face-api's networks: a text, a zero byte, and what follows. Loaded or refused.

#![no_main]

use std::fs;
use std::sync::LazyLock;

use aimass_models::{FaceApiWeights, device};
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| TempDir::new().expect("a folder"));

fuzz_target!(|bytes: &[u8]| {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let (manifest, values) = bytes.split_at(end);
    for name in ["face_recognition_model", "face_expression_model"] {
        let place = |suffix: &str| FOLDER.path().join(format!("{name}{suffix}"));
        fs::write(place("-weights_manifest.json"), manifest).expect("room");
        fs::write(place(".bin"), values.get(1..).unwrap_or_default()).expect("room");
    }
    let cpu = device::open("cpu").expect("the processor");
    // No bytes so few are both networks.
    assert!(FaceApiWeights::load(FOLDER.path(), &cpu).is_err());
});
