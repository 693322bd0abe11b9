//! Scaled dot-product attention over a packed batch.
//!
//! Source: Vaswani et al., "Attention Is All You Need", 2017, section 3.2. On the CPU one pass does a head of a sequence: its queries, keys
//! and values are laid out together with their bias, and the scores of one query live in a scratch row, so that nothing of the size
//! tokens x tokens is ever written to memory.

use std::ops::Range;

use candle_core::{CpuStorage, CustomOp2, D, Layout, Result, Shape, Tensor};

use super::Packing;
use super::on_cpu::{contiguous, exp, sum, widest};

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
                widest(
                    #[inline(always)]
                    || {
                        head.lay_out(projected, bias, &mut scratch);
                        head.mix(&mut scratch, &mut output);
                    },
                );
            }
        }
        Ok((CpuStorage::F32(output), Shape::from((rows, hidden))))
    }
}

/// How many values are worked on side by side: two of the widest vectors.
const LANES: usize = 32;

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
    /// `[tokens, head]`, scaled.
    queries: Vec<f32>,
    /// `[head, tokens]`, the rows filled up to whole lanes with zeros.
    keys: Vec<f32>,
    /// `[tokens, head]`, the rows filled up to whole lanes with zeros.
    values: Vec<f32>,
    /// The scores of one query, filled up to whole lanes.
    scores: Vec<f32>,
}

impl Head {
    #[inline(always)]
    fn lay_out(&self, projected: &[f32], bias: &[f32], scratch: &mut Scratch) {
        let (count, width) = (self.tokens.len(), self.columns.len());
        let (long, wide) = (count.next_multiple_of(LANES), width.next_multiple_of(LANES));
        scratch.queries.clear();
        scratch.queries.resize(count * width, 0.0);
        scratch.keys.clear();
        scratch.keys.resize(width * long, 0.0);
        scratch.values.clear();
        scratch.values.resize(count * wide, 0.0);
        scratch.scores.clear();
        scratch.scores.resize(long, 0.0);
        let scale = 1.0 / (width as f32).sqrt();
        for (place, token) in self.tokens.clone().enumerate() {
            let row = &projected[token * 3 * self.hidden..][..3 * self.hidden];
            for (at, column) in self.columns.clone().enumerate() {
                let part = |index: usize| {
                    let column = index * self.hidden + column;
                    row[column] + bias[column]
                };
                scratch.queries[place * width + at] = part(0) * scale;
                scratch.keys[at * long + place] = part(1);
                scratch.values[place * wide + at] = part(2);
            }
        }
    }

    #[inline(always)]
    fn mix(&self, scratch: &mut Scratch, output: &mut [f32]) {
        let (count, width) = (self.tokens.len(), self.columns.len());
        let wide = width.next_multiple_of(LANES);
        let Scratch {
            queries,
            keys,
            values,
            scores,
        } = scratch;
        for (query, token) in queries.chunks_exact(width).zip(self.tokens.clone()) {
            score(query, keys, scores);
            let scores = &mut scores[..count];
            let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            for score in scores.iter_mut() {
                *score = exp(*score - most);
            }
            let share = 1.0 / sum(scores, |score| score);
            let mixed = &mut output[token * self.hidden..][self.columns.clone()];
            for (tile, mixed) in mixed.chunks_mut(LANES).enumerate() {
                let mut lanes = [0f32; LANES];
                for (score, value) in scores.iter().zip(values.chunks_exact(wide)) {
                    let value = &value[tile * LANES..][..LANES];
                    for (lane, value) in lanes.iter_mut().zip(value) {
                        *lane = score.mul_add(*value, *lane);
                    }
                }
                for (mixed, lane) in mixed.iter_mut().zip(lanes) {
                    *mixed = lane * share;
                }
            }
        }
    }
}

/// The products of one query with all keys.
#[inline(always)]
fn score(query: &[f32], keys: &[f32], scores: &mut [f32]) {
    let long = scores.len();
    for (tile, scores) in scores.chunks_exact_mut(LANES).enumerate() {
        let mut lanes = [0f32; LANES];
        for (query, keys) in query.iter().zip(keys.chunks_exact(long)) {
            let keys = &keys[tile * LANES..][..LANES];
            for (lane, key) in lanes.iter_mut().zip(keys) {
                *lane = query.mul_add(*key, *lane);
            }
        }
        scores.copy_from_slice(&lanes);
    }
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
