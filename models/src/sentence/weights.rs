//! The immutable part of a sentence model, shared by all workers that use it.

use std::path::Path;

use candle_core::Device;
use tokenizers::Tokenizer;

use super::folder::{Pooling, SentenceFolder};
use super::tokens;
use crate::ModelError;
use crate::bert::Bert;
use crate::weights::TensorFile;

/// Network, tokenizer and pooling of a sentence model. Immutable and `Send + Sync`: share it behind
/// an `Arc`.
#[derive(Debug)]
pub struct SentenceEncoderWeights {
    pub(super) network: Bert,
    pub(super) tokenizer: Tokenizer,
    pub(super) pooling: Pooling,
    longest: usize,
    version: String,
    tokenizer_bytes: u64,
}

impl SentenceEncoderWeights {
    /// Reads a model from a folder with `config.json`, `model.safetensors`, `tokenizer.json` and,
    /// if they are there, `sentence_bert_config.json` and `1_Pooling/config.json`: the layout of
    /// sentence-transformers.
    ///
    /// # Errors
    /// [`ModelError::File`] or [`ModelError::Format`] if a file is missing, damaged, or of a model
    /// that is not a BERT encoder; [`ModelError::Compute`] if the device has no room.
    pub fn load(folder: &Path, device: &Device) -> Result<Self, ModelError> {
        let files = SentenceFolder::new(folder);
        let config = files.config()?;
        let pooling = files.pooling()?;
        let longest = files.longest(&config)?;
        let mut tokenizer = files.tokenizer()?;
        tokens::prepare(&mut tokenizer, longest).map_err(|error| ModelError::Format {
            path: folder.join("tokenizer.json"),
            expected: format!("a tokenizer that can cut texts off at {longest} tokens"),
            found: error.to_string(),
            advice: crate::files::FETCH_AGAIN.to_owned(),
        })?;
        let tokenizer_bytes =
            std::fs::metadata(folder.join("tokenizer.json")).map_or(0, |data| data.len());
        let weights = TensorFile::open(&files.weights())?;
        // Every file is read for it: not before each has shown that it can be what it must be.
        let version = files.version()?;
        let network = Bert::read(&config, &weights, device)?;
        Ok(Self {
            network,
            tokenizer,
            pooling,
            longest,
            version,
            tokenizer_bytes,
        })
    }

    /// The bytes that the model takes: its weights, and about as much for the tokenizer as three
    /// times its file.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        self.network.memory_bytes() + 3 * self.tokenizer_bytes
    }

    /// The number of values of a sentence's vector.
    #[must_use]
    pub fn dimensions(&self) -> usize {
        self.network.config().hidden_size
    }

    /// The most tokens of a text that count, special tokens included; the rest of a longer text is
    /// ignored.
    #[must_use]
    pub fn longest(&self) -> usize {
        self.longest
    }

    /// An id of weights and tokenizer: key caches and indexes of vectors by it.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }
}
