//! What the layers of encoder and decoder have in common. Both normalize before each block, unlike
//! BERT.

use candle_core::{Result as CandleResult, Tensor};

use crate::ModelError;
use crate::layers::{self, AddTo, Bias, Checkpoint, LayerNorm, Linear};

/// What layer normalization adds to the variance.
const EPSILON: f64 = 1e-5;

/// The feed-forward block with its normalization, added to its input.
#[derive(Debug)]
pub(super) struct FeedForward {
    norm: LayerNorm,
    block: layers::FeedForward<Linear>,
}

/// Reads a normalization.
pub(super) fn norm(checkpoint: &Checkpoint, width: usize) -> Result<LayerNorm, ModelError> {
    LayerNorm::read(checkpoint, width, EPSILON)
}

/// Reads the projections of an attention block that take the same input, as one. Whisper's keys
/// have no bias.
pub(super) fn projections(
    attention: &Checkpoint,
    names: &[&str],
    hidden: usize,
) -> Result<Linear, ModelError> {
    Linear::joined(attention, names, hidden, hidden, Bias::OrZero)
}

impl FeedForward {
    /// Reads the block of a layer.
    pub(super) fn read(layer: &Checkpoint, hidden: usize, wide: usize) -> Result<Self, ModelError> {
        Ok(Self {
            norm: norm(&layer.at("final_layer_norm"), hidden)?,
            block: layers::FeedForward {
                wide: Linear::read(&layer.at("fc1"), hidden, wide)?,
                narrow: Linear::read(&layer.at("fc2"), wide, hidden)?,
            },
        })
    }

    /// `[rows, hidden]` to `[rows, hidden]`.
    pub(super) fn forward(&self, input: &Tensor) -> CandleResult<Tensor> {
        self.block.add_to(input, &self.norm.forward(input)?)
    }

    /// The bytes that it takes on the device.
    pub(super) fn bytes(&self) -> usize {
        self.block.bytes()
    }
}
