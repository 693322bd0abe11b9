//! Texts to vectors.

use std::sync::Arc;

use candle_core::Tensor;

use super::folder::Pooling;
use super::weights::SentenceEncoderWeights;
use super::{Tokens, tokens};
use crate::ModelError;

/// The most tokens that go through the network at once. The intermediate results of more would fall
/// out of a core's cache, and their memory would grow with the batch.
const PASS_TOKENS: usize = 1024;

/// A sentence model in use by one worker.
#[derive(Debug, Clone)]
pub struct SentenceEncoder {
    weights: Arc<SentenceEncoderWeights>,
}

impl SentenceEncoder {
    /// An encoder on shared weights. Costs nothing: a worker that is rebuilt takes the same weights
    /// again.
    #[must_use]
    pub fn new(weights: Arc<SentenceEncoderWeights>) -> Self {
        Self { weights }
    }

    /// Cuts a text into tokens. Of a text longer than the model takes, the beginning counts.
    ///
    /// # Errors
    /// [`ModelError::Input`] if the tokenizer refuses the text.
    pub fn tokenize(&self, text: &str) -> Result<Tokens, ModelError> {
        tokens::tokenize(&self.weights.tokenizer, text)
    }

    /// Encodes texts: one f32 vector of [`dimensions`](Self::dimensions) values and Euclidean
    /// length 1 for each, in order. Each vector is independent of what else is in the batch, up to
    /// rounding.
    ///
    /// # Errors
    /// [`ModelError::Input`] for tokens of another model, [`ModelError::Compute`] if the device
    /// fails.
    pub fn encode(&self, batch: &[Tokens]) -> Result<Vec<Vec<f32>>, ModelError> {
        let mut vectors = Vec::with_capacity(batch.len());
        let mut rest = batch;
        while !rest.is_empty() {
            let (pass, later) = rest.split_at(pass_length(rest));
            vectors.extend(self.encode_pass(pass)?);
            rest = later;
        }
        Ok(vectors)
    }

    /// The number of values of a vector.
    #[must_use]
    pub fn dimensions(&self) -> usize {
        self.weights.dimensions()
    }

    /// An id of weights and tokenizer: key caches and indexes of vectors by it.
    #[must_use]
    pub fn version(&self) -> &str {
        self.weights.version()
    }

    fn encode_pass(&self, pass: &[Tokens]) -> Result<Vec<Vec<f32>>, ModelError> {
        let ids: Vec<&[u32]> = pass.iter().map(Tokens::ids).collect();
        let hidden = self.weights.network.forward(&ids)?;
        let mut vectors = self
            .pool(&hidden, pass)
            .map_err(ModelError::compute("pool the vectors of tokens"))?;
        vectors
            .iter_mut()
            .try_for_each(|vector| normalize(vector))?;
        Ok(vectors)
    }

    fn pool(&self, hidden: &Tensor, pass: &[Tokens]) -> candle_core::Result<Vec<Vec<f32>>> {
        let mut start = 0;
        let mut rows = Vec::with_capacity(pass.len());
        for tokens in pass {
            rows.push(match self.weights.pooling {
                Pooling::Mean => hidden.narrow(0, start, tokens.count())?.mean(0)?,
                Pooling::First => hidden.get(start)?,
            });
            start += tokens.count();
        }
        Tensor::stack(&rows, 0)?.to_vec2()
    }
}

/// How many texts from the front go through the network together: at least one.
fn pass_length(texts: &[Tokens]) -> usize {
    let mut total = 0;
    let fits = texts.iter().take_while(|tokens| {
        total += tokens.count();
        total <= PASS_TOKENS
    });
    fits.count().max(1)
}

/// Scales a vector to Euclidean length 1.
fn normalize(vector: &mut [f32]) -> Result<(), ModelError> {
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    if !(length.is_finite() && length > 0.0) {
        return Err(ModelError::Input {
            operation: "encode a text",
            expected: "a vector of finite length above 0".to_owned(),
            found: format!("a vector of length {length}"),
            advice:
                "the weights are damaged: fetch the artefact again with `aimass models pull NAME`"
                    .to_owned(),
        });
    }
    vector.iter_mut().for_each(|value| *value /= length);
    Ok(())
}
