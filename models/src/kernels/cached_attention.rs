//! Attention of a decoder's newest tokens to those before them.
//!
//! Each hypothesis has its own cache of keys and values, which grows by a row for each token. One
//! step of many hypotheses is one call.

use candle_core::{D, Result, Tensor, bail};

use super::TokenCache;
use super::on_cpu::{softmax, widest, with_values};

/// What one query looks at.
#[derive(Debug)]
pub(crate) struct CacheView<'a> {
    /// Key and value of each token, `2 * hidden` values.
    pub(crate) cache: &'a TokenCache,
    /// How many of its rows the query sees; at least 1.
    pub(crate) visible: usize,
}

/// Mixes for each row of `queries` `[rows, hidden]` the values that it sees: `softmax(query * key^T
/// / sqrt(width of a head)) * value`, head by head.
pub(crate) fn cached_attention(
    queries: &Tensor,
    views: &[CacheView<'_>],
    heads: usize,
) -> Result<Tensor> {
    if !queries.device().is_cpu() {
        return plain(queries, views, heads);
    }
    let (rows, hidden) = queries.dims2()?;
    let mut output = vec![0f32; rows * hidden];
    with_values(queries, |queries| {
        let mut scores = Vec::new();
        let lines = queries
            .chunks_exact(hidden)
            .zip(output.chunks_exact_mut(hidden));
        for ((query, mixed), view) in lines.zip(views) {
            scores.resize(view.visible, 0.0);
            let Some(cache) = view.cache.values(view.visible) else {
                bail!(
                    "expected keys and values of {} tokens beside the queries",
                    view.visible
                );
            };
            widest(
                #[inline(always)]
                || row(query, cache, hidden, heads, &mut scores, mixed),
            );
        }
        Ok(())
    })?;
    Tensor::from_vec(output, (rows, hidden), queries.device())
}

/// One query, with what it sees of a cache: `hidden` values of a key and as many of a value for
/// each token, which several of the query's heads may share.
///
/// What was mixed is added to `mixed`. Source of the sharing: Ainslie et al., "GQA: Training
/// Generalized Multi-Query Transformer Models", 2023.
#[inline(always)]
pub(super) fn row(
    query: &[f32],
    cache: &[f32],
    hidden: usize,
    heads: usize,
    scores: &mut [f32],
    mixed: &mut [f32],
) {
    let width = query.len() / heads;
    let sharing = query.len() / hidden;
    let scale = 1.0 / (width as f32).sqrt();
    for (head, mixed) in mixed.chunks_exact_mut(width).enumerate() {
        let query = &query[head * width..][..width];
        let shared = head / sharing * width;
        for (score, entry) in scores.iter_mut().zip(cache.chunks_exact(2 * hidden)) {
            *score = dot(query, &entry[shared..][..width]) * scale;
        }
        softmax(scores);
        for (score, entry) in scores.iter().zip(cache.chunks_exact(2 * hidden)) {
            let value = &entry[hidden + shared..][..width];
            for (mixed, value) in mixed.iter_mut().zip(value) {
                *mixed = score.mul_add(*value, *mixed);
            }
        }
    }
}

/// In partial sums that the compiler can keep in vectors.
#[inline(always)]
fn dot(one: &[f32], other: &[f32]) -> f32 {
    const LANES: usize = 16;
    let mut lanes = [0f32; LANES];
    let (ones, others) = (one.chunks_exact(LANES), other.chunks_exact(LANES));
    let rest = ones.remainder().iter().zip(others.remainder());
    let rest: f32 = rest.map(|(one, other)| one * other).sum();
    for (one, other) in ones.zip(others) {
        for ((lane, one), other) in lanes.iter_mut().zip(one).zip(other) {
            *lane = one.mul_add(*other, *lane);
        }
    }
    lanes.iter().sum::<f32>() + rest
}

/// The same in candle operations.
fn plain(queries: &Tensor, views: &[CacheView<'_>], heads: usize) -> Result<Tensor> {
    let (_, hidden) = queries.dims2()?;
    let width = hidden / heads;
    let scale = 1.0 / (width as f64).sqrt();
    let mixed = views.iter().enumerate().map(|(row, view)| {
        let split = |tensor: Tensor| {
            let rows = tensor.dim(0)?;
            let parts = tensor.reshape((rows, heads, width))?;
            parts.transpose(0, 1)?.contiguous()
        };
        let cache = view.cache.tensor(view.visible)?;
        let query = split(queries.narrow(0, row, 1)?)?;
        let keys = split(cache.narrow(1, 0, hidden)?.contiguous()?)?;
        let values = split(cache.narrow(1, hidden, hidden)?.contiguous()?)?;
        let scores = (query.matmul(&keys.t()?)? * scale)?;
        let mixed = candle_nn::ops::softmax(&scores, D::Minus1)?.matmul(&values)?;
        mixed.reshape((1, hidden))
    });
    Tensor::cat(&mixed.collect::<Result<Vec<_>>>()?, 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::on_cpu::test::{apart, numbers};

    #[test]
    fn it_agrees_with_the_plain_form() {
        for (heads, width) in [(1, 1), (2, 5), (8, 64), (3, 40)] {
            let hidden = heads * width;
            let cache = |tokens| TokenCache::new(&numbers(&[tokens, 2 * hidden], 2.0)).unwrap();
            let caches = [1, 7, 50].map(cache);
            let views = [(0, 1), (1, 3), (2, 50)].map(|(index, visible)| CacheView {
                cache: &caches[index],
                visible,
            });
            let queries = numbers(&[3, hidden], 2.0);
            let expected = plain(&queries, &views, heads).unwrap();
            let got = cached_attention(&queries, &views, heads).unwrap();
            assert_eq!(expected.dims(), got.dims());
            assert!(apart(&expected, &got) < 1e-5, "{heads} x {width}");
        }
    }
}
