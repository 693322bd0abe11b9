//! Whisper in the form of the Hugging Face hub: what its files are called and what they hold,
//! whatever they are made from.

mod decoding;
mod dimensions;
mod from_ctranslate2;
mod from_gguf;
mod special_tokens;

use std::fs;
use std::path::Path;

use serde::Serialize;

use super::Importer;
use crate::ModelError;
use crate::files;
use crate::store::file_error;

/// Whisper as CTranslate2 and faster-whisper have it.
pub(super) const FROM_CTRANSLATE2: Importer = Importer {
    name: "ctranslate2_whisper",
    family: FAMILY,
    inputs: &["model.bin", "config.json", "tokenizer.json"],
    import: from_ctranslate2::from_ctranslate2,
};
/// Whisper quantized by candle's `tensor-tools`, with the configuration of the Hugging Face hub.
pub(super) const FROM_GGUF: Importer = Importer {
    name: "gguf_whisper",
    family: FAMILY,
    inputs: &["model.gguf", "config.json", "tokenizer.json"],
    import: from_gguf::from_gguf,
};

const FAMILY: &str = "whisper";
/// The configurations that are read have some kilobytes.
const CONFIG_LIMIT: u64 = 1 << 20;

fn write_json(path: &Path, document: &impl Serialize) -> Result<(), ModelError> {
    let write = || {
        let mut text = serde_json::to_vec_pretty(document)?;
        text.push(b'\n');
        fs::write(path, text)
    };
    write().map_err(file_error("write", path))
}

fn copy(from: &Path, into: &Path, name: &str) -> Result<(), ModelError> {
    let source = from.join(name);
    files::copy(&source, &into.join(name))
}
