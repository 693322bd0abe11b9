//! Any bytes as a safetensors file: opened and read, or refused.

#![no_main]

use std::fs;
use std::sync::LazyLock;

use aimass_models::device;
use aimass_models::weights::TensorFile;
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| TempDir::new().expect("a folder"));

fuzz_target!(|bytes: &[u8]| {
    let path = FOLDER.path().join("model.safetensors");
    fs::write(&path, bytes).expect("room");
    let Ok(mut file) = TensorFile::open(&path) else {
        return;
    };
    let cpu = device::open("cpu").expect("the processor");
    for (name, shape) in [
        ("model.encoder.conv1.bias", &[16][..]),
        ("model.encoder.conv1.weight", &[16, 80, 3]),
    ] {
        if let Ok(tensor) = file.read(name, shape, &cpu) {
            assert_eq!(tensor.dims(), shape);
        }
    }
});
