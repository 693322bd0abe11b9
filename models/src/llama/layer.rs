//! One layer: attention to what came before, then a gated step for each token by itself.

use super::LlamaConfig;
use super::network::Feed;
use crate::ModelError;
use crate::gguf::GgufFile;
use crate::kernels::{RotaryEmbedding, grouped_attention};
use crate::layers::rows::{GatedFeedForward, Linear, RmsNorm};

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
    ) -> Result<Self, ModelError> {
        let (hidden, wide) = (config.hidden_size, config.intermediate_size);
        let (queries, keys) = (config.query_size(), config.kv_size());
        let epsilon = config.norm_epsilon;
        let name = |part: &str| format!("blk.{number}.{part}");
        Ok(Self {
            attention_norm: RmsNorm::read(file, &name("attn_norm"), hidden, epsilon)?,
            query: Linear::read(file, &name("attn_q"), queries, hidden)?,
            key: Linear::read(file, &name("attn_k"), keys, hidden)?,
            value: Linear::read(file, &name("attn_v"), keys, hidden)?,
            output: Linear::read(file, &name("attn_output"), hidden, queries)?,
            feed_forward_norm: RmsNorm::read(file, &name("ffn_norm"), hidden, epsilon)?,
            feed_forward: GatedFeedForward::read(file, &name("ffn"), hidden, wide)?,
        })
    }

    /// Takes the rows of all sequences, one sequence after the other, a layer further; keys and
    /// values of theirs come into their caches, as layer `number`.
    pub(super) fn forward(
        &self,
        rows: &mut [f32],
        feeds: &mut [Feed<'_>],
        number: usize,
        config: &LlamaConfig,
        rotary: &RotaryEmbedding,
    ) -> candle_core::Result<()> {
        let normed = self.attention_norm.forward(rows);
        let mut queries = self.query.forward(&normed)?;
        let mut keys = self.key.forward(&normed)?;
        let values = self.value.forward(&normed)?;
        let (width, hidden, head) = (config.query_size(), config.kv_size(), config.head_size);
        let mut mixed = vec![0f32; queries.len()];
        let mut first = 0;
        for feed in feeds {
            let before = feed.before();
            for (row, place) in (first..).zip(before..before + feed.tokens.len()) {
                let key = &mut keys[row * hidden..][..hidden];
                rotary.apply(key, head, place);
                rotary.apply(&mut queries[row * width..][..width], head, place);
                feed.cache
                    .push(number, key, &values[row * hidden..][..hidden])?;
            }
            let rows = first * width..(first + feed.tokens.len()) * width;
            grouped_attention(
                &queries[rows.clone()],
                feed.cache.layer(number),
                (hidden, config.num_heads, width),
                before + 1,
                &mut mixed[rows],
            );
            first += feed.tokens.len();
        }
        add(rows, &self.output.forward(&mixed)?);
        let normed = self.feed_forward_norm.forward(rows);
        add(rows, &self.feed_forward.forward(&normed)?);
        Ok(())
    }

    pub(super) fn bytes(&self) -> usize {
        let attention = [&self.query, &self.key, &self.value, &self.output];
        let norms = self.attention_norm.bytes() + self.feed_forward_norm.bytes();
        attention.into_iter().map(Linear::bytes).sum::<usize>() + self.feed_forward.bytes() + norms
    }
}

fn add(rows: &mut [f32], more: &[f32]) {
    for (value, more) in rows.iter_mut().zip(more) {
        *value += more;
    }
}
