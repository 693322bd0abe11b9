//! Attention of a decoder's tokens to what the encoder made of the input.
//!
//! Keys and values do not change while an input is decoded. On the CPU they are laid out once, as the strips of a product, so that
//! the queries of all hypotheses of the input share one straight read of them.

use candle_core::{D, Result, Tensor};

use super::dense::lay_out;
use super::on_cpu::{softmax, widest, with_values};
use super::tiles::{Strips, Tiles, WIDTH};

/// Keys and values of one layer for one input.
#[derive(Debug, Clone)]
pub(crate) struct CrossCache {
    /// On the CPU `[heads, strips of 16 positions, head, 16]`; elsewhere `[heads, positions, head]`.
    keys: Tensor,
    /// On the CPU `[heads, strips of 16 columns, positions, 16]`; elsewhere `[heads, positions, head]`.
    values: Tensor,
    positions: usize,
}

impl CrossCache {
    /// Lays out `projected` `[positions, 2 * hidden]`, contiguous: key and value of each position side by side.
    pub(crate) fn new(projected: &Tensor, heads: usize) -> Result<Self> {
        let (positions, width) = projected.dims2()?;
        let head = width / 2 / heads;
        let part = |index: usize| {
            let part = projected.narrow(1, index * width / 2, width / 2)?;
            part.reshape((positions, heads, head))?
                .transpose(0, 1)?
                .contiguous()
        };
        let (keys, values) = (part(0)?, part(1)?);
        if !projected.device().is_cpu() {
            return Ok(Self {
                keys,
                values,
                positions,
            });
        }
        Ok(Self {
            keys: strips(&keys)?,
            values: strips(&values.transpose(1, 2)?.contiguous()?)?,
            positions,
        })
    }

    /// How many positions it has.
    pub(crate) fn positions(&self) -> usize {
        self.positions
    }

    /// The bytes that it takes on the device.
    pub(crate) fn bytes(&self) -> usize {
        4 * (self.keys.elem_count() + self.values.elem_count())
    }

    /// Mixes for each row of `queries` `[rows, hidden]` the values: `softmax(query * key^T / sqrt(width of a head)) * value`, head by head.
    pub(crate) fn attend(&self, queries: &Tensor) -> Result<Tensor> {
        let heads = self.keys.dim(0)?;
        let (rows, hidden) = queries.dims2()?;
        if !queries.device().is_cpu() {
            let weights = self.plain_weights(queries)?;
            let mixed = weights.matmul(&self.values)?;
            return mixed.transpose(0, 1)?.reshape((rows, hidden));
        }
        let width = hidden / heads;
        let mut output = vec![0f32; rows * hidden];
        let mut mixed = vec![0f32; rows * width];
        let (mut tiles, mut scores) = (Tiles::default(), Vec::new());
        for head in 0..heads {
            self.scores(queries, head, &mut tiles, &mut scores)?;
            tiles.lay_out(&scores, self.positions);
            with_values(&self.values.get(head)?, |values| {
                tiles.multiply(Strips::Whole(values), &mut mixed, width);
                Ok(())
            })?;
            for (row, mixed) in output
                .chunks_exact_mut(hidden)
                .zip(mixed.chunks_exact(width))
            {
                row[head * width..][..width].copy_from_slice(mixed);
            }
        }
        Tensor::from_vec(output, (rows, hidden), queries.device())
    }

    /// How much each row of `queries` `[rows, hidden]` looks at each position, in one head: `[rows, positions]` on the CPU.
    pub(crate) fn weights(&self, queries: &Tensor, head: usize) -> Result<Vec<f32>> {
        if !queries.device().is_cpu() {
            let weights = self.plain_weights(queries)?.get(head)?;
            return weights.flatten_all()?.to_vec1();
        }
        let mut scores = Vec::new();
        self.scores(queries, head, &mut Tiles::default(), &mut scores)?;
        Ok(scores)
    }

    fn scores(
        &self,
        queries: &Tensor,
        head: usize,
        tiles: &mut Tiles,
        scores: &mut Vec<f32>,
    ) -> Result<()> {
        let (rows, hidden) = queries.dims2()?;
        let width = hidden / self.keys.dim(0)?;
        let scale = 1.0 / (width as f32).sqrt();
        with_values(queries, |queries| {
            let queries = queries.chunks_exact(hidden);
            let queries = queries.flat_map(|query| &query[head * width..][..width]);
            let queries: Vec<f32> = queries.map(|value| value * scale).collect();
            tiles.lay_out(&queries, width);
            Ok(())
        })?;
        scores.clear();
        scores.resize(rows * self.positions, 0.0);
        with_values(&self.keys.get(head)?, |keys| {
            tiles.multiply(Strips::Whole(keys), scores, self.positions);
            Ok(())
        })?;
        widest(
            #[inline(always)]
            || {
                // In an iterator's own loop it would not be compiled for wide vectors.
                for row in scores.chunks_exact_mut(self.positions) {
                    softmax(row);
                }
            },
        );
        Ok(())
    }

    /// `[heads, rows, positions]`, in candle operations.
    fn plain_weights(&self, queries: &Tensor) -> Result<Tensor> {
        let (heads, _, width) = self.keys.dims3()?;
        let rows = queries.dim(0)?;
        let queries = queries
            .reshape((rows, heads, width))?
            .transpose(0, 1)?
            .contiguous()?;
        let scores = (queries.matmul(&self.keys.t()?)? * (1.0 / (width as f64).sqrt()))?;
        candle_nn::ops::softmax(&scores, D::Minus1)
    }
}

/// Lays out each `[outputs, inputs]` of `[heads, outputs, inputs]` as strips: `[heads, strips, inputs, 16]`.
fn strips(rows: &Tensor) -> Result<Tensor> {
    let (heads, outputs, inputs) = rows.dims3()?;
    let count = outputs.div_ceil(WIDTH);
    let laid_out = with_values(rows, |values| {
        let heads = values.chunks_exact((outputs * inputs).max(1));
        Ok(heads
            .flat_map(|head| lay_out(head, inputs, count))
            .collect())
    })?;
    let laid_out: Vec<f32> = laid_out;
    Tensor::from_vec(laid_out, (heads, count, inputs, WIDTH), rows.device())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::on_cpu::test::{apart, numbers};

    /// The form of other devices, on the CPU.
    fn plain(projected: &Tensor, heads: usize) -> CrossCache {
        let (positions, width) = projected.dims2().unwrap();
        let part = |index: usize| {
            let part = projected.narrow(1, index * width / 2, width / 2).unwrap();
            let part = part.reshape((positions, heads, width / 2 / heads)).unwrap();
            part.transpose(0, 1).unwrap().contiguous().unwrap()
        };
        CrossCache {
            keys: part(0),
            values: part(1),
            positions,
        }
    }

    #[test]
    fn it_agrees_with_the_plain_form() {
        for (rows, positions, heads, width) in [(1, 1, 1, 1), (5, 33, 2, 5), (13, 150, 8, 64)] {
            let hidden = heads * width;
            let projected = numbers(&[positions, 2 * hidden], 2.0);
            let queries = numbers(&[rows, hidden], 2.0);
            let reference = plain(&projected, heads);
            let weights = reference.plain_weights(&queries).unwrap();
            let expected = weights.matmul(&reference.values).unwrap();
            let expected = expected.transpose(0, 1).unwrap();
            let expected = expected.reshape((rows, hidden)).unwrap();
            let cache = CrossCache::new(&projected, heads).unwrap();
            let got = cache.attend(&queries).unwrap();
            assert!(apart(&expected, &got) < 1e-5, "{rows} x {positions}");
            for head in 0..heads {
                let got = cache.weights(&queries, head).unwrap();
                let got = Tensor::from_vec(got, (rows, positions), queries.device()).unwrap();
                assert!(apart(&weights.get(head).unwrap(), &got) < 1e-5);
            }
        }
    }
}
