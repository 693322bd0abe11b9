//! The encoder behind the text agent: weights from the store, shared by all workers.

use std::cell::Cell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aimass_models::device::Device;
use aimass_models::{ModelError, SentenceEncoder, SentenceEncoderWeights, Tokens};
use aimass_runtime::{Fault, Usage};

use crate::passages::passages;
use crate::stored::{Stored, StoredWeights, fault};

/// Bytes of a passage to aim at: about a hundred English words, and well within 256 tokens in most
/// scripts.
pub(super) const PASSAGE: usize = 600;
/// Label embeddings that a worker keeps.
const MAX_LABELS: usize = 10_000;

/// The model source of a sentence model.
pub type EncoderSource = Stored<SentenceEncoderWeights>;

impl StoredWeights for SentenceEncoderWeights {
    type Options = ();
    type Model = TextModel;

    const FILE: &'static str = "model.safetensors";

    fn load(folder: &Path, device: &Device, (): &()) -> Result<Self, ModelError> {
        Self::load(folder, device)
    }

    fn build(weights: &Arc<Self>, source: &EncoderSource) -> TextModel {
        TextModel::new(weights.clone()).keeping(source.derived("vectors"))
    }

    fn memory_bytes(&self) -> u64 {
        self.memory_bytes()
    }
}

/// What a worker of the text agent owns.
pub struct TextModel {
    encoder: SentenceEncoder,
    longest: usize,
    labels: HashMap<String, Vec<f32>>,
    pub(super) folders: super::search_folder::PassageCache,
    embedded: Cell<u64>,
}

/// What the model makes of one text.
pub(super) struct Encoded {
    /// A unit vector.
    pub(super) vector: Vec<f32>,
    /// How many tokens the model read for it.
    pub(super) tokens: u64,
}

impl TextModel {
    /// A model on shared weights.
    pub fn new(weights: Arc<SentenceEncoderWeights>) -> Self {
        Self {
            longest: weights.longest(),
            encoder: SentenceEncoder::new(weights),
            labels: HashMap::new(),
            folders: super::search_folder::PassageCache::default(),
            embedded: Cell::new(0),
        }
    }

    /// Keeps vectors of passages in that folder, for the next process too.
    #[must_use]
    pub fn keeping(mut self, folder: PathBuf) -> Self {
        self.folders.keep_in(folder);
        self
    }

    /// An id of weights and tokenizer.
    pub(super) fn content(&self) -> &str {
        self.encoder.version()
    }

    /// How many texts it has embedded.
    #[cfg(test)]
    pub(super) fn embedded(&self) -> u64 {
        self.embedded.get()
    }

    /// Returns a unit vector for each text, such that texts of like meaning have like vectors.
    ///
    /// # Errors
    /// A fault when the model fails.
    pub fn vectors(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, Fault> {
        let encoded = self.embed(texts)?;
        Ok(encoded.into_iter().map(|one| one.vector).collect())
    }

    /// One unit vector for each text.
    ///
    /// A text that is longer than the model takes is cut into passages, whose vectors are averaged
    /// by their lengths.
    pub(super) fn embed(&self, texts: &[&str]) -> Result<Vec<Encoded>, Fault> {
        self.embedded.update(|count| count + texts.len() as u64);
        let mut pieces: Vec<Tokens> = Vec::with_capacity(texts.len());
        let mut counts = Vec::with_capacity(texts.len());
        for text in texts {
            let before = pieces.len();
            self.cut(text, &mut pieces)?;
            counts.push(pieces.len() - before);
        }
        let mut vectors = self
            .encoder
            .encode(&pieces)
            .map_err(|error| fault(&error))?
            .into_iter();
        let mut lengths = pieces.iter().map(Tokens::count);
        let whole = counts.into_iter().map(|count| {
            let parts: Vec<_> = vectors.by_ref().take(count).zip(lengths.by_ref()).collect();
            let tokens = parts.iter().map(|(_, count)| *count as u64).sum();
            let vector = average(parts);
            Encoded { vector, tokens }
        });
        Ok(whole.collect())
    }

    fn cut(&self, text: &str, pieces: &mut Vec<Tokens>) -> Result<(), Fault> {
        let tokenize = |text: &str| self.encoder.tokenize(text).map_err(|error| fault(&error));
        let tokens = tokenize(text)?;
        if tokens.count() < self.longest {
            pieces.push(tokens);
            return Ok(());
        }
        for passage in passages(text, PASSAGE) {
            pieces.push(tokenize(passage)?);
        }
        Ok(())
    }

    /// The unit vectors of labels, kept from call to call; and how many tokens the model read for
    /// those that were new.
    pub(super) fn embed_labels(
        &mut self,
        labels: &[String],
    ) -> Result<(Vec<Vec<f32>>, u64), Fault> {
        if self.labels.len() + labels.len() > MAX_LABELS {
            self.labels.clear();
        }
        let new: Vec<&str> = labels
            .iter()
            .filter(|label| !self.labels.contains_key(*label))
            .map(String::as_str)
            .collect();
        let mut tokens = 0;
        for (label, encoded) in new.iter().zip(self.embed(&new)?) {
            tokens += encoded.tokens;
            self.labels.insert((*label).to_owned(), encoded.vector);
        }
        let vectors = labels
            .iter()
            .filter_map(|label| self.labels.get(label).cloned())
            .collect();
        Ok((vectors, tokens))
    }
}

/// An encoder reads tokens, and writes none.
pub(super) fn tokens_read(tokens: u64) -> Usage {
    Usage {
        input_tokens: tokens,
        output_tokens: 0,
    }
}

/// The average of unit vectors by weight, scaled to length 1 again.
fn average(parts: Vec<(Vec<f32>, usize)>) -> Vec<f32> {
    if parts.len() == 1 {
        return parts
            .into_iter()
            .map(|(vector, _)| vector)
            .next()
            .unwrap_or_default();
    }
    let mut sum = vec![0.0; parts.first().map_or(0, |(vector, _)| vector.len())];
    for (vector, weight) in &parts {
        for (total, value) in sum.iter_mut().zip(vector) {
            *total += value * *weight as f32;
        }
    }
    let length = sum
        .iter()
        .map(|value| value * value)
        .sum::<f32>()
        .sqrt()
        .max(f32::MIN_POSITIVE);
    sum.iter_mut().for_each(|value| *value /= length);
    sum
}

/// The average of unit vectors, scaled to length 1 again.
pub(super) fn average_of(vectors: &[Vec<f32>]) -> Vec<f32> {
    average(vectors.iter().map(|vector| (vector.clone(), 1)).collect())
}
