//! One layer on a device: attention to what came before, then a gated step for each token by itself.

use candle_core::{Device, Result as CandleResult, Tensor};

use super::Span;
use super::rotary::{Turns, split};
use crate::ModelError;
use crate::gguf::GgufFile;
use crate::layers::quantized::{GatedFeedForward, Linear, RmsNorm};
use crate::llama::{Feed, LlamaConfig};

/// The weights of a layer.
#[derive(Debug)]
pub(super) struct Layer {
    attention_norm: RmsNorm,
    query: Linear,
    key: Linear,
    value: Linear,
    output: Linear,
    feed_forward_norm: RmsNorm,
    feed_forward: GatedFeedForward,
}

impl Layer {
    pub(super) fn read(
        file: &mut GgufFile,
        config: &LlamaConfig,
        number: usize,
        device: &Device,
    ) -> Result<Self, ModelError> {
        let (hidden, wide) = (config.hidden_size, config.intermediate_size);
        let (queries, keys) = (config.query_size(), config.kv_size());
        let epsilon = config.norm_epsilon;
        let name = |part: &str| format!("blk.{number}.{part}");
        Ok(Self {
            attention_norm: RmsNorm::read(file, &name("attn_norm"), hidden, epsilon, device)?,
            query: Linear::read(file, &name("attn_q"), queries, hidden, device)?,
            key: Linear::read(file, &name("attn_k"), keys, hidden, device)?,
            value: Linear::read(file, &name("attn_v"), keys, hidden, device)?,
            output: Linear::read(file, &name("attn_output"), hidden, queries, device)?,
            feed_forward_norm: RmsNorm::read(file, &name("ffn_norm"), hidden, epsilon, device)?,
            feed_forward: GatedFeedForward::read(file, &name("ffn"), hidden, wide, device)?,
        })
    }

    /// Takes the rows of all sequences, one sequence after the other, a layer further; keys and
    /// values of theirs come into their caches, as layer `number`.
    pub(super) fn forward(
        &self,
        rows: &Tensor,
        (feeds, spans): (&mut [Feed<'_>], &[Span]),
        number: usize,
        config: &LlamaConfig,
        turns: &Turns,
    ) -> CandleResult<Tensor> {
        let width = config.head_size;
        let normed = self.attention_norm.forward(rows)?;
        let queries = turns.apply(&self.query.forward(&normed)?, width)?;
        let keys = turns.apply(&self.key.forward(&normed)?, width)?;
        let values = split(&self.value.forward(&normed)?, width)?;
        // Keys and values side by side, so that a cache takes both in one step.
        let entries = Tensor::cat(&[keys, values], 0)?;
        let mut mixed = Vec::with_capacity(spans.len());
        for (feed, span) in feeds.iter_mut().zip(spans) {
            let new = entries.narrow(1, span.first, span.count)?.contiguous()?;
            let seen = feed.cache.push_onto_device(number, &new)?;
            let queries = queries.narrow(1, span.first, span.count)?.contiguous()?;
            mixed.push(attend(&queries, &seen, span.mask.as_ref(), config)?);
        }
        let mixed = self.output.forward(&Tensor::cat(&mixed, 0)?)?;
        let rows = (rows + mixed)?;
        let normed = self.feed_forward_norm.forward(&rows)?;
        rows + self.feed_forward.forward(&normed)?
    }

    pub(super) fn bytes(&self) -> usize {
        let attention = [&self.query, &self.key, &self.value, &self.output];
        let norms = self.attention_norm.bytes() + self.feed_forward_norm.bytes();
        attention.into_iter().map(Linear::bytes).sum::<usize>() + self.feed_forward.bytes() + norms
    }
}

/// Mixes for each row of `queries` `[heads, rows, width]` what it sees of `seen` `[2 * kv heads,
/// tokens, width]`, keys before values: `[rows, heads * width]`.
fn attend(
    queries: &Tensor,
    seen: &Tensor,
    mask: Option<&Tensor>,
    config: &LlamaConfig,
) -> CandleResult<Tensor> {
    let (heads, rows, width) = queries.dims3()?;
    let (kv_heads, tokens) = (config.num_kv_heads, seen.dim(1)?);
    let sharing = heads / kv_heads;
    let keys = seen.narrow(0, 0, kv_heads)?;
    let values = seen.narrow(0, kv_heads, kv_heads)?;
    // The heads that share a key are rows of one product.
    let queries = queries.reshape((kv_heads, sharing * rows, width))?;
    let mut scores = (queries.matmul(&keys.t()?)? * (1.0 / (width as f64).sqrt()))?;
    if let Some(mask) = mask {
        let each = scores.reshape((heads, rows, tokens))?;
        scores = each
            .broadcast_add(mask)?
            .reshape((kv_heads, sharing * rows, tokens))?;
    }
    let weights = candle_nn::ops::softmax_last_dim(&scores)?;
    let mixed = weights
        .matmul(&values)?
        .reshape((heads, rows, width))?
        .transpose(0, 1)?;
    mixed.contiguous()?.reshape((rows, heads * width))
}
