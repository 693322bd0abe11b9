//! The feed-forward block of a transformer layer.

use candle_core::{Result, Tensor};

use super::{AddTo, Linear};

/// Two linear layers with GELU between them, added to a residual stream.
#[derive(Debug)]
pub(crate) struct FeedForward<Narrow> {
    /// From the width of the network to a multiple of it.
    pub(crate) wide: Linear,
    /// Back, with what follows the sum.
    pub(crate) narrow: Narrow,
}

impl<Narrow: AddTo> AddTo for FeedForward<Narrow> {
    fn add_to(&self, residual: &Tensor, input: &Tensor) -> Result<Tensor> {
        self.narrow.add_to(residual, &self.wide.gelu(input)?)
    }

    fn bytes(&self) -> usize {
        self.wide.bytes() + self.narrow.bytes()
    }
}
