//! Importers: models in the forms that others keep them in, turned once into the form that our loaders read.
//!
//! What an importer reads comes from outside. Counts, sizes and names are checked against the length of the file before memory is taken for them,
//! and weights are streamed: at no time is a model in memory as a whole.

mod ctranslate2;
mod tensors;
mod whisper;

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::ModelError;
use crate::store::Progress;

/// A form of a model, and how it becomes the one that our loaders read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conversion {
    /// Whisper as CTranslate2 and faster-whisper have it.
    Ctranslate2Whisper,
    /// Whisper quantised by candle's `tensor-tools`, with the configuration of the Hugging Face hub.
    GgufWhisper,
}

impl Conversion {
    const ALL: [Self; 2] = [Self::Ctranslate2Whisper, Self::GgufWhisper];

    /// The conversions that make an artefact of this family.
    pub fn of_family(family: &str) -> impl Iterator<Item = Self> {
        let whisper = family == "whisper";
        Self::ALL.into_iter().filter(move |_| whisper)
    }

    /// The files that it reads.
    pub const fn inputs(self) -> &'static [&'static str] {
        match self {
            Self::Ctranslate2Whisper => &["model.bin", "config.json", "tokenizer.json"],
            Self::GgufWhisper => &["model.gguf", "config.json", "tokenizer.json"],
        }
    }

    /// Reads [`Self::inputs`] in the folder `from` and writes `config.json`, `generation_config.json`, `tokenizer.json` and
    /// `model.safetensors`, named and shaped as on the Hugging Face hub, into the folder `into`.
    ///
    /// # Errors
    /// [`ModelError`] when a file cannot be read or written, or does not hold what it must. What was written until then is of no use.
    pub fn run(
        self,
        from: &Path,
        into: &Path,
        progress: &mut dyn Progress,
    ) -> Result<(), ModelError> {
        match self {
            Self::Ctranslate2Whisper => whisper::from_ctranslate2(from, into, progress),
            Self::GgufWhisper => whisper::from_gguf(from, into, progress),
        }
    }
}
