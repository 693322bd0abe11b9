//! The Gaussian error linear unit behind a dense step.
//!
//! Source: Hendrycks and Gimpel, "Gaussian Error Linear Units", 2016: `x / 2 * (1 + erf(x / sqrt(2)))`.

use candle_core::{Result, Tensor};

/// Adds `bias` `[width]` to `input` `[rows, width]` and applies the unit to each element.
pub(crate) fn bias_gelu(input: &Tensor, bias: &Tensor) -> Result<Tensor> {
    plain(input, bias)
}

/// The same in candle operations.
fn plain(input: &Tensor, bias: &Tensor) -> Result<Tensor> {
    input.broadcast_add(bias)?.gelu_erf()
}
