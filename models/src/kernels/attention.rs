//! Scaled dot-product attention over a packed batch.
//!
//! Source: Vaswani et al., "Attention Is All You Need", 2017, section 3.2.

use candle_core::{D, Result, Tensor};

use super::Packing;

/// Mixes the tokens of each sequence: `softmax(query * key^T / sqrt(width of a head)) * value`, head by head.
///
/// `projected` is `[rows, 3 * hidden]`: query, key and value side by side, to which `bias` `[3 * hidden]` is added.
/// The result is `[rows, hidden]`, the heads side by side.
pub(crate) fn attention(
    projected: &Tensor,
    bias: &Tensor,
    heads: usize,
    packing: &Packing,
) -> Result<Tensor> {
    plain(projected, bias, heads, packing)
}

/// Attention in candle operations.
fn plain(projected: &Tensor, bias: &Tensor, heads: usize, packing: &Packing) -> Result<Tensor> {
    let (rows, width) = projected.dims2()?;
    let head = width / 3 / heads;
    // [3, heads, rows, head]
    let parts = projected
        .broadcast_add(bias)?
        .reshape((rows, 3, heads, head))?
        .permute((1, 2, 0, 3))?
        .contiguous()?;
    let mixed = packing.ranges().iter().map(|range| {
        let part = |index: usize| {
            parts
                .get(index)?
                .narrow(1, range.start, range.len())?
                .contiguous()
        };
        let scores = (part(0)?.matmul(&part(1)?.t()?)? * (1.0 / (head as f64).sqrt()))?;
        candle_nn::ops::softmax(&scores, D::Minus1)?.matmul(&part(2)?)
    });
    let mixed = mixed.collect::<Result<Vec<_>>>()?;
    Tensor::cat(&mixed, 1)?
        .transpose(0, 1)?
        .reshape((rows, width / 3))
}
