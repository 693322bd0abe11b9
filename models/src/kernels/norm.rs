//! Layer normalisation of a sum.
//!
//! Source: Ba, Kiros and Hinton, "Layer Normalization", 2016.

use candle_core::{Result, Tensor};

/// Adds `residual` to `input`, both `[rows, width]`, and normalises each row to mean 0 and variance 1, then scales and
/// shifts it by `scale` and `shift`, both `[width]`.
pub(crate) fn add_norm(
    input: &Tensor,
    residual: &Tensor,
    scale: &Tensor,
    shift: &Tensor,
    epsilon: f64,
) -> Result<Tensor> {
    plain(input, residual, scale, shift, epsilon)
}

/// The same in candle operations.
fn plain(
    input: &Tensor,
    residual: &Tensor,
    scale: &Tensor,
    shift: &Tensor,
    epsilon: f64,
) -> Result<Tensor> {
    candle_nn::ops::layer_norm(&(input + residual)?, scale, shift, epsilon as f32)
}
