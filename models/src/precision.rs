//! How a network's weights are kept.

use candle_core::{Result, Tensor};

use crate::kernels::DenseWeight;

/// How a network keeps the weights of its products.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Precision {
    /// As their file has them, in 32 or 16 bits.
    #[default]
    Exact,
    /// Rounded to 8 bits, with a scale for 32 neighbours, as GGUF files have them. What is multiplied with them is rounded alike. Where a device has no product
    /// of that kind, or rows of weights are no multiple of 32, they are exact.
    Q8_0,
}

impl Precision {
    /// Lays out f32 weights `[outputs, inputs]`.
    pub(crate) fn lay_out(self, weight: &Tensor) -> Result<DenseWeight> {
        match self {
            Self::Exact => DenseWeight::new(weight),
            Self::Q8_0 => DenseWeight::rounded(weight),
        }
    }
}
