//! Any bytes as weights that PyTorch saved: read or refused. `torch_seed.py` makes some that are read.

#![no_main]

use std::fs;
use std::sync::LazyLock;

use aimass_models::torch::TorchFile;
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| TempDir::new().expect("a folder"));

fuzz_target!(|bytes: &[u8]| {
    let path = FOLDER.path().join("weights.pth");
    fs::write(&path, bytes).expect("room");
    let Ok(file) = TorchFile::open(&path) else {
        return;
    };
    let names: Vec<String> = file.names().map(str::to_owned).collect();
    let device = aimass_models::device::open("cpu").expect("a processor");
    for name in names {
        let shape = file.info(&name).map(|(shape, _)| shape.to_vec());
        let _ = file.read(&name, &shape.unwrap_or_default(), &device);
    }
});
