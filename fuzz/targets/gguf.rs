//! Any bytes as a GGUF file of a Whisper with one layer: converted or refused. `gguf_seed.py` makes one that is converted.

#![no_main]

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use aimass_models::{Importer, Silent};
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

const CONFIG: &str = r#"{
    "vocab_size": 407, "num_mel_bins": 8, "d_model": 32, "max_source_positions": 8, "max_target_positions": 8,
    "encoder_layers": 1, "encoder_attention_heads": 2, "encoder_ffn_dim": 32,
    "decoder_layers": 1, "decoder_attention_heads": 2, "decoder_ffn_dim": 32
}"#;

/// What else the importer reads, and what it writes.
static FOLDERS: LazyLock<[TempDir; 2]> = LazyLock::new(|| {
    let [from, into] = [(); 2].map(|()| TempDir::new().expect("a folder"));
    let goldens = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/goldens/whisper");
    fs::write(from.path().join("config.json"), CONFIG).expect("room");
    fs::copy(goldens.join("tokenizer.json"), from.path().join("tokenizer.json")).expect("a golden");
    [from, into]
});

fuzz_target!(|bytes: &[u8]| {
    let [from, into] = &*FOLDERS;
    fs::write(from.path().join("model.gguf"), bytes).expect("room");
    let importer = Importer::named("gguf_whisper").expect("an importer of that name");
    let _ = importer.run(from.path(), into.path(), &mut Silent);
});
