//! Any bytes as a `model.bin` of CTranslate2: converted or refused.

#![no_main]

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use aimass_models::{Importer, Silent};
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

/// What else the importer reads, and what it writes.
static FOLDERS: LazyLock<[TempDir; 2]> = LazyLock::new(|| {
    let [from, into] = [(); 2].map(|()| TempDir::new().expect("a folder"));
    let goldens = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/goldens");
    for (file, name) in [
        ("whisper/ctranslate2/config.json", "config.json"),
        ("whisper/tokenizer.json", "tokenizer.json"),
    ] {
        fs::copy(goldens.join(file), from.path().join(name)).expect("a golden");
    }
    [from, into]
});

fuzz_target!(|bytes: &[u8]| {
    let [from, into] = &*FOLDERS;
    fs::write(from.path().join("model.bin"), bytes).expect("room");
    let importer = Importer::named("ctranslate2_whisper").expect("an importer of that name");
    let converted = importer.run(from.path(), into.path(), &mut Silent);
    if converted.is_ok() {
        let written = fs::metadata(into.path().join("model.safetensors")).expect("the weights");
        // Integers of 8 bits become twice as long, and names differ by some bytes.
        assert!(written.len() <= 2 * bytes.len() as u64 + 65_536);
    }
});
