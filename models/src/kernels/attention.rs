//! Scaled dot-product attention over a packed batch.
//!
//! Source: Vaswani et al., "Attention Is All You Need", 2017, section 3.2. On the CPU one pass does
//! a head of a sequence: its keys and values are laid out as the tiles of a product, together with
//! their bias, and the scores of sixteen queries live in a scratch strip, so that nothing of the
//! size tokens x tokens is ever written to memory.

use std::ops::Range;

use candle_core::{CpuStorage, CustomOp2, D, Layout, Result, Shape, Tensor};

use super::Packing;
use super::on_cpu::{contiguous, exp, widest};
use super::tiles::{Strips, Tiles, WIDTH};

/// Mixes the tokens of each sequence: `softmax(query * key^T / sqrt(width of a head)) * value`,
/// head by head.
///
/// `projected` is `[rows, 3 * hidden]`: query, key and value side by side, to which `bias` `[3 *
/// hidden]` is added. The result is `[rows, hidden]`, the heads side by side.
pub(crate) fn attention(
    projected: &Tensor,
    bias: &Tensor,
    heads: usize,
    packing: &Packing,
) -> Result<Tensor> {
    if !projected.device().is_cpu() {
        return plain(projected, bias, heads, packing);
    }
    let packing = packing.clone();
    projected.apply_op2_no_bwd(bias, &Attention { heads, packing })
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

struct Attention {
    heads: usize,
    packing: Packing,
}

impl CustomOp2 for Attention {
    fn name(&self) -> &'static str {
        "packed_attention"
    }

    fn cpu_fwd(
        &self,
        projected: &CpuStorage,
        projected_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (rows, width) = projected_layout.shape().dims2()?;
        let projected = contiguous(projected, projected_layout)?;
        let bias = contiguous(bias, bias_layout)?;
        let hidden = width / 3;
        let mut output = vec![0f32; rows * hidden];
        let mut scratch = Scratch::default();
        for range in self.packing.ranges() {
            for index in 0..self.heads {
                let head = Head {
                    tokens: range.clone(),
                    columns: index * (hidden / self.heads)..(index + 1) * (hidden / self.heads),
                    hidden,
                };
                head.lay_out(projected, bias, &mut scratch);
                head.mix(projected, bias, &mut scratch, &mut output);
            }
        }
        Ok((CpuStorage::F32(output), Shape::from((rows, hidden))))
    }
}

/// One head of one sequence.
struct Head {
    /// The rows of the sequence.
    tokens: Range<usize>,
    /// The columns of the head.
    columns: Range<usize>,
    hidden: usize,
}

/// What a head works on; kept from one to the next.
#[derive(Default)]
struct Scratch {
    /// The values of one part, before they are laid out.
    part: Vec<f32>,
    /// One row for each token.
    keys: Tiles,
    /// One row for each column of the head.
    values: Tiles,
    /// A strip of 16 queries, scaled: `[head, 16]`.
    queries: Vec<f32>,
    /// Their scores, `[tokens, 16]`.
    scores: Vec<f32>,
    /// What they get, `[head, 16]`.
    mixed: Vec<f32>,
}

impl Head {
    fn lay_out(&self, projected: &[f32], bias: &[f32], scratch: &mut Scratch) {
        let (count, width) = (self.tokens.len(), self.columns.len());
        scratch.part.clear();
        for token in self.tokens.clone() {
            let key = self.part(projected, token, 1).iter();
            let key = key.zip(self.part(bias, 0, 1));
            scratch.part.extend(key.map(|(value, bias)| value + bias));
        }
        scratch.keys.lay_out(&scratch.part, width);
        scratch.part.clear();
        scratch.part.resize(count * width, 0.0);
        for (place, token) in self.tokens.clone().enumerate() {
            let value = self.part(projected, token, 2).iter();
            let value = value.zip(self.part(bias, 0, 2));
            for (column, (value, bias)) in value.enumerate() {
                scratch.part[column * count + place] = value + bias;
            }
        }
        scratch.values.lay_out(&scratch.part, count);
    }

    /// The head's columns of the query (0), key (1) or value (2) of a row.
    fn part<'a>(&self, rows: &'a [f32], row: usize, index: usize) -> &'a [f32] {
        &rows[(row * 3 + index) * self.hidden..][self.columns.clone()]
    }

    /// Sixteen queries at a time: a column of a strip each, so that the softmax needs no sum across
    /// a vector.
    fn mix(&self, projected: &[f32], bias: &[f32], scratch: &mut Scratch, output: &mut [f32]) {
        let (count, width) = (self.tokens.len(), self.columns.len());
        let scale = 1.0 / (width as f32).sqrt();
        scratch.queries.resize(width * WIDTH, 0.0);
        scratch.scores.resize(count * WIDTH, 0.0);
        scratch.mixed.resize(width * WIDTH, 0.0);
        for first in self.tokens.clone().step_by(WIDTH) {
            let tokens = first..self.tokens.end.min(first + WIDTH);
            scratch.queries.fill(0.0);
            for (place, token) in tokens.clone().enumerate() {
                let query = self.part(projected, token, 0).iter();
                let query = query.zip(self.part(bias, 0, 0));
                for (row, (value, bias)) in query.enumerate() {
                    scratch.queries[row * WIDTH + place] = (value + bias) * scale;
                }
            }
            let scores = &mut scratch.scores;
            scratch
                .keys
                .multiply(Strips::Whole(&scratch.queries), scores, WIDTH);
            let shares = widest(
                #[inline(always)]
                || weigh(scores),
            );
            scratch
                .values
                .multiply(Strips::Whole(scores), &mut scratch.mixed, WIDTH);
            for (place, token) in tokens.enumerate() {
                let mixed = &mut output[token * self.hidden..][self.columns.clone()];
                let column = scratch.mixed[place..].iter().step_by(WIDTH);
                for (mixed, value) in mixed.iter_mut().zip(column) {
                    *mixed = value * shares[place];
                }
            }
        }
    }
}

/// Turns each column of scores `[tokens, 16]` into weights; gives what they must be
/// multiplied with to have the sum 1.
#[inline(always)]
fn weigh(scores: &mut [f32]) -> [f32; WIDTH] {
    let (rows, _) = scores.as_chunks_mut::<WIDTH>();
    let mut most = [f32::NEG_INFINITY; WIDTH];
    for row in rows.iter() {
        for (most, score) in most.iter_mut().zip(row) {
            *most = if *score > *most { *score } else { *most };
        }
    }
    let mut sums = [0f32; WIDTH];
    for row in rows.iter_mut() {
        for ((score, most), sum) in row.iter_mut().zip(&most).zip(&mut sums) {
            *score = exp(*score - *most);
            *sum += *score;
        }
    }
    sums.map(|sum| 1.0 / sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::on_cpu::test::{apart, numbers};

    #[test]
    fn it_agrees_with_the_plain_form() {
        for (lengths, heads, head) in [
            (vec![1], 1, 1),
            (vec![3, 1, 70], 2, 5),
            (vec![17, 128, 32], 12, 32),
            (vec![33], 2, 48),
        ] {
            let rows: usize = lengths.iter().sum();
            let width = 3 * heads * head;
            let (projected, bias) = (numbers(&[rows, width], 3.0), numbers(&[width], 1.0));
            let packing = Packing::new(&lengths);
            let expected = plain(&projected, &bias, heads, &packing).unwrap();
            let got = attention(&projected, &bias, heads, &packing).unwrap();
            assert_eq!(expected.dims(), got.dims());
            assert!(
                apart(&expected, &got) < 1e-5,
                "{lengths:?}, {heads} x {head}"
            );
        }
    }

    #[test]
    fn no_sequence_gives_no_rows() {
        let (projected, bias) = (numbers(&[0, 3 * 8], 1.0), numbers(&[3 * 8], 1.0));
        let got = attention(&projected, &bias, 2, &Packing::new(&[])).unwrap();
        assert_eq!(got.dims(), [0, 8]);
    }

    #[test]
    fn scores_far_apart_do_not_overflow() {
        let projected = numbers(&[9, 3 * 8], 300.0);
        let bias = numbers(&[3 * 8], 1.0);
        let packing = Packing::new(&[9]);
        let expected = plain(&projected, &bias, 2, &packing).unwrap();
        let got = attention(&projected, &bias, 2, &packing).unwrap();
        assert!(apart(&expected, &got) < 1e-2);
    }

    #[test]
    fn a_nan_stays_in_its_sequence() {
        let sound = numbers(&[4, 3 * 8], 1.0);
        let poison = (numbers(&[2, 3 * 8], 1.0) * f64::NAN).unwrap();
        let projected = Tensor::cat(&[&poison, &sound], 0).unwrap();
        let bias = numbers(&[3 * 8], 1.0);
        let got = attention(&projected, &bias, 2, &Packing::new(&[2, 4])).unwrap();
        let got = got.to_vec2::<f32>().unwrap();
        assert!(got[..2].iter().flatten().all(|value| value.is_nan()));
        assert!(got[2..].iter().flatten().all(|value| value.is_finite()));
    }
}
