//! The layers that the networks are made of.
//!
//! All are for inference only (no gradient) and run on the fused [`kernels`](crate::kernels). Those
//! of [`rows`] keep weights as GGUF files have them and take rows of values in the processor's
//! memory; those of [`quantized`] keep them so on any device, for candle's own products; the others
//! take tensors on any device.

mod checkpoint;
mod convolution;
mod embedding;
mod feed_forward;
mod linear;
mod norm;
pub(crate) mod quantized;
pub(crate) mod rows;

pub(crate) use checkpoint::Checkpoint;
pub(crate) use convolution::{Activation, Convolution, Padding, Prelu, Window, max_pool};
pub(crate) use embedding::{Embedding, TiedEmbedding};
pub(crate) use feed_forward::FeedForward;
pub(crate) use linear::{Bias, Linear};
pub(crate) use norm::{AddNorm, LayerNorm, LinearAddNorm};

use candle_core::{Result, Tensor};

/// A layer whose output is added to a residual stream.
pub(crate) trait AddTo {
    /// From `[rows, inputs]` and the residual `[rows, outputs]` to `[rows, outputs]`.
    fn add_to(&self, residual: &Tensor, input: &Tensor) -> Result<Tensor>;

    /// The bytes that it takes on the device.
    fn bytes(&self) -> usize;
}
