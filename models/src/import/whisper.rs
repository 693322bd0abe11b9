//! Whisper in the form of the Hugging Face hub: what its files are called and what they hold, whatever they are made from.

mod decoding;
mod dimensions;
mod from_ctranslate2;
mod from_gguf;
mod special_tokens;

pub(super) use from_ctranslate2::from_ctranslate2;
pub(super) use from_gguf::from_gguf;

use std::fs;
use std::path::Path;

use serde::Serialize;

use crate::ModelError;
use crate::files;
use crate::store::file_error;

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
