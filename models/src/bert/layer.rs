//! One layer of the encoder: attention, then a feed-forward block, each added to its input and
//! normalized.

use candle_core::{Result as CandleResult, Tensor};

use super::BertConfig;
use crate::ModelError;
use crate::kernels::{self, Packing};
use crate::layers::{AddTo, Bias, Checkpoint, FeedForward, Linear, LinearAddNorm};

#[derive(Debug)]
pub(super) struct Layer {
    /// Query, key and value side by side: from `hidden` to `3 * hidden`.
    attention_in: Linear,
    attention_out: LinearAddNorm,
    feed_forward: FeedForward<LinearAddNorm>,
    heads: usize,
}

impl Layer {
    pub(super) fn read(checkpoint: &Checkpoint, config: &BertConfig) -> Result<Self, ModelError> {
        let (hidden, wide) = (config.hidden_size, config.intermediate_size);
        let epsilon = config.layer_norm_eps;
        Ok(Self {
            attention_in: Linear::joined(
                &checkpoint.at("attention.self"),
                &["query", "key", "value"],
                hidden,
                hidden,
                Bias::Required,
            )?,
            attention_out: LinearAddNorm::read(
                &checkpoint.at("attention.output"),
                ["dense", "LayerNorm"],
                [hidden, hidden],
                epsilon,
            )?,
            feed_forward: FeedForward {
                wide: Linear::read(&checkpoint.at("intermediate.dense"), hidden, wide)?,
                narrow: LinearAddNorm::read(
                    &checkpoint.at("output"),
                    ["dense", "LayerNorm"],
                    [wide, hidden],
                    epsilon,
                )?,
            },
            heads: config.num_attention_heads,
        })
    }

    /// `[tokens, hidden]` to `[tokens, hidden]`.
    pub(super) fn forward(&self, input: &Tensor, packing: &Packing) -> CandleResult<Tensor> {
        let (projected, bias) = self.attention_in.product(input)?;
        let mixed = kernels::attention(&projected, bias, self.heads, packing)?;
        let attended = self.attention_out.add_to(input, &mixed)?;
        self.feed_forward.add_to(&attended, &attended)
    }

    pub(super) fn bytes(&self) -> usize {
        self.attention_in.bytes() + self.attention_out.bytes() + self.feed_forward.bytes()
    }
}
