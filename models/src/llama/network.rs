//! The whole network: from tokens to the scores of those that may come next.

use super::layer::Layer;
use super::reader::Reader;
use super::{KvCache, LlamaConfig};
use crate::ModelError;
use crate::kernels::{GgufWeight, RotaryEmbedding};
use crate::layers::rows::{RmsNorm, read_optional_vector, read_weight};

/// The next tokens of one sequence.
#[derive(Debug)]
pub struct Feed<'a> {
    /// The tokens, at least one.
    pub tokens: &'a [u32],
    /// What those before them left behind.
    pub cache: &'a mut KvCache,
    /// What is wanted of them.
    pub wanted: Wanted,
}

/// What is wanted of the tokens of a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// The scores of what comes behind the last.
    Scores,
    /// Nothing yet: there are more to come.
    Nothing,
}

impl Feed<'_> {
    /// How many tokens came before.
    pub(super) fn before(&self) -> usize {
        self.cache.tokens().len()
    }
}

/// The weights of the network.
#[derive(Debug)]
pub(super) struct Network {
    embedding: GgufWeight,
    layers: Vec<Layer>,
    norm: RmsNorm,
    /// None where the embedding serves as well.
    output: Option<GgufWeight>,
    rotary: RotaryEmbedding,
}

impl Network {
    /// Reads the weights; places are told apart up to `context`.
    pub(super) fn read(
        reader: &mut Reader,
        config: &LlamaConfig,
        vocab_size: usize,
        context: usize,
    ) -> Result<Self, ModelError> {
        let hidden = config.hidden_size;
        let rows = reader.embedding_rows(vocab_size);
        let file = reader.tensors();
        let embedding = read_weight(file, "token_embd.weight", rows, hidden)?;
        let output = match file.contains("output.weight") {
            true => Some(read_weight(file, "output.weight", rows, hidden)?),
            false => None,
        };
        let factors = read_optional_vector(file, "rope_freqs.weight", config.rope_size / 2)?;
        let frequencies = config.frequencies(factors.as_deref());
        let layers = (0..config.num_layers).map(|number| Layer::read(file, config, number));
        let network = Self {
            embedding,
            layers: layers.collect::<Result<_, _>>()?,
            norm: RmsNorm::read(file, "output_norm", hidden, config.norm_epsilon)?,
            output,
            rotary: RotaryEmbedding::new(context, &frequencies, config.pairing),
        };
        reader.refuse_left_over()?;
        Ok(network)
    }

    /// Reads the tokens of all sequences; gives the scores of each that wants them, one after the
    /// other.
    pub(super) fn forward(
        &self,
        config: &LlamaConfig,
        feeds: &mut [Feed<'_>],
    ) -> candle_core::Result<Vec<Vec<f32>>> {
        let mut rows = Vec::new();
        for token in feeds.iter().flat_map(|feed| feed.tokens) {
            self.embedding.append_row(*token, &mut rows)?;
        }
        for (number, layer) in self.layers.iter().enumerate() {
            layer.forward(&mut rows, feeds, number, config, &self.rotary)?;
        }
        let mut last = Vec::new();
        let mut end = 0;
        for feed in feeds {
            feed.cache.push_tokens(feed.tokens);
            end += feed.tokens.len();
            if feed.wanted == Wanted::Scores {
                last.extend_from_slice(
                    &rows[(end - 1) * config.hidden_size..][..config.hidden_size],
                );
            }
        }
        if last.is_empty() {
            return Ok(Vec::new());
        }
        let normed = self.norm.forward(&last);
        let output = self.output.as_ref().unwrap_or(&self.embedding);
        let scores = output.product(&normed)?;
        let scores = scores.chunks_exact(output.outputs());
        Ok(scores.map(<[f32]>::to_vec).collect())
    }

    pub(super) fn bytes(&self) -> usize {
        let output = self.output.as_ref().map_or(0, GgufWeight::bytes);
        let layers = self.layers.iter().map(Layer::bytes).sum::<usize>();
        self.embedding.bytes() + output + layers + self.norm.bytes() + self.rotary.bytes()
    }
}
