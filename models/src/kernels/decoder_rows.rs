//! The steps of a Llama-like decoder between its products, row by row in the processor's memory.
//!
//! Each row is computed by itself in one order of sums, so that it comes out the same whatever else
//! is computed with it.

use super::cached_attention::row;
use super::on_cpu::{exp, sum, widest};

/// Scales each row of `rows` to a root mean square of 1, and then by `scale`, which has the values
/// of a row.
///
/// Source: Zhang and Sennrich, "Root Mean Square Layer Normalization", 2019.
pub(crate) fn rms_norm(rows: &[f32], scale: &[f32], epsilon: f32) -> Vec<f32> {
    let mut normed = rows.to_vec();
    widest(
        #[inline(always)]
        || {
            for row in normed.chunks_exact_mut(scale.len()) {
                let mean = sum(row, |value| value * value) / scale.len() as f32;
                let share = 1.0 / (mean + epsilon).sqrt();
                for (value, scale) in row.iter_mut().zip(scale) {
                    *value *= share * scale;
                }
            }
        },
    );
    normed
}

/// SwiGLU: puts each value of `gates` through the Swish function, `x / (1 + e^-x)`, and multiplies
/// it with its counterpart in `values`.
///
/// Source: Shazeer, "GLU Variants Improve Transformer", 2020.
pub(crate) fn swiglu(gates: &mut [f32], values: &[f32]) {
    widest(
        #[inline(always)]
        || {
            for (gate, value) in gates.iter_mut().zip(values) {
                // The exponential is one of numbers up to 0 only.
                let power = exp(-gate.abs());
                let share = if *gate < 0.0 { power } else { 1.0 };
                *gate *= share / (1.0 + power) * value;
            }
        },
    );
}

/// A rotary position embedding: by how much the pairs of a head are rotated at each position.
///
/// Source: Su et al., "RoFormer: Enhanced Transformer with Rotary Position Embedding", 2021.
#[derive(Debug)]
pub(crate) struct RotaryEmbedding {
    /// Of each position the cosines, then the sines.
    table: Vec<f32>,
    pairs: usize,
    pairing: Pairing,
}

/// Which values of a head are a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pairing {
    /// Those side by side. Converters to GGUF reorder the weights of Llama models so.
    Neighbors,
    /// One of the first half with that of the second half, as GPT-NeoX has it.
    Halves,
}

impl RotaryEmbedding {
    /// The rotations of so many positions by `position * frequency`, one frequency for each pair.
    pub(crate) fn new(positions: usize, frequencies: &[f64], pairing: Pairing) -> Self {
        let mut table = Vec::with_capacity(positions * frequencies.len() * 2);
        for position in 0..positions {
            let angles = frequencies
                .iter()
                .map(|frequency| position as f64 * frequency);
            table.extend(angles.clone().map(|angle| angle.cos() as f32));
            table.extend(angles.map(|angle| angle.sin() as f32));
        }
        Self {
            table,
            pairs: frequencies.len(),
            pairing,
        }
    }

    /// Rotates each head of `width` values in `row`, which stands at `position`. Values behind the
    /// pairs stay as they are.
    pub(crate) fn apply(&self, row: &mut [f32], width: usize, position: usize) {
        let pairs = self.pairs;
        let rotations = &self.table[position * pairs * 2..][..pairs * 2];
        let (cosines, sines) = rotations.split_at(pairs);
        for head in row.chunks_exact_mut(width) {
            for (pair, (cosine, sine)) in cosines.iter().zip(sines).enumerate() {
                let (one, other) = match self.pairing {
                    Pairing::Neighbors => (2 * pair, 2 * pair + 1),
                    Pairing::Halves => (pair, pair + pairs),
                };
                let (x, y) = (head[one], head[other]);
                head[one] = x * cosine - y * sine;
                head[other] = x * sine + y * cosine;
            }
        }
    }

    /// The bytes that they take.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&*self.table)
    }
}

/// Mixes for each row of `queries` what it sees of `cache`, and writes it to the row of `mixed`.
///
/// A row of `queries` and `mixed` has `heads` heads side by side; one of `cache` has `hidden`
/// values of a key and as many of a value. The first query sees `visible` rows, each that follows
/// one more.
pub(crate) fn grouped_attention(
    queries: &[f32],
    cache: &[f32],
    (hidden, heads, query_width): (usize, usize, usize),
    visible: usize,
    mixed: &mut [f32],
) {
    let mut scores = Vec::with_capacity(visible + queries.len() / query_width);
    let lines = queries
        .chunks_exact(query_width)
        .zip(mixed.chunks_exact_mut(query_width));
    for (place, (query, mixed)) in lines.enumerate() {
        let visible = visible + place;
        scores.resize(visible, 0.0);
        mixed.fill(0.0);
        let cache = &cache[..visible * 2 * hidden];
        widest(
            #[inline(always)]
            || row(query, cache, hidden, heads, &mut scores, mixed),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::on_cpu::test::numbers;

    fn values(count: usize, size: f32) -> Vec<f32> {
        numbers(&[count], size).to_vec1().unwrap()
    }

    #[test]
    fn rms_norm_agrees_with_its_formula() {
        let (rows, scale) = (values(3 * 50, 4.0), values(50, 2.0));
        let normed = rms_norm(&rows, &scale, 1e-5);
        for (row, normed) in rows.chunks(50).zip(normed.chunks(50)) {
            let mean = row
                .iter()
                .map(|value| f64::from(value * value))
                .sum::<f64>()
                / 50.0;
            for ((value, scale), normed) in row.iter().zip(&scale).zip(normed) {
                let expected = f64::from(*value) / (mean + 1e-5).sqrt() * f64::from(*scale);
                assert!((expected - f64::from(*normed)).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn swiglu_agrees_with_its_formula_far_from_zero_too() {
        let gates = [-200.0, -30.0, -3.0, -0.5, 0.0, 0.5, 3.0, 30.0, 200.0_f32];
        let values = [0.5, -2.0, 1.0, 3.0, 1.0, -1.0, 2.0, 1.5, 1.0_f32];
        let mut gated = gates;
        swiglu(&mut gated, &values);
        for ((gate, value), gated) in gates.iter().zip(&values).zip(&gated) {
            let expected = f64::from(*gate) / (1.0 + f64::from(-gate).exp()) * f64::from(*value);
            assert!(
                (expected - f64::from(*gated)).abs() < 1e-5,
                "{gate}: {gated}"
            );
        }
    }

    #[test]
    fn rotations_keep_lengths_and_depend_on_distances_only() {
        let frequencies: Vec<f64> = (0..4).map(|pair| 10f64.powi(-pair)).collect();
        for pairing in [Pairing::Neighbors, Pairing::Halves] {
            let rotary = RotaryEmbedding::new(100, &frequencies, pairing);
            let product = |one: usize, other: usize| {
                let (mut left, mut right) = (values(8, 1.0), values(8, 3.0));
                rotary.apply(&mut left, 8, one);
                rotary.apply(&mut right, 8, other);
                left.iter().zip(&right).map(|(x, y)| x * y).sum::<f32>()
            };
            assert!((product(0, 5) - product(90, 95)).abs() < 1e-4);
            assert!((product(7, 7) - product(0, 0)).abs() < 1e-4);
            assert!((product(0, 5) - product(0, 6)).abs() > 1e-3);
        }
    }

    #[test]
    fn heads_that_share_a_key_agree_with_heads_that_have_copies_of_it() {
        let (heads, width, rows, before) = (6, 5, 4, 3);
        let cache = values((before + rows) * 2 * 2 * width, 2.0);
        let queries = values(rows * heads * width, 2.0);
        let mut shared = vec![0.0; queries.len()];
        let sizes = (2 * width, heads, heads * width);
        grouped_attention(&queries, &cache, sizes, before + 1, &mut shared);
        // Each key and value three times.
        let copies: Vec<f32> = cache
            .chunks(width)
            .flat_map(|head| [head, head, head].concat())
            .collect();
        let mut copied = vec![0.0; queries.len()];
        let sizes = (heads * width, heads, heads * width);
        grouped_attention(&queries, &copies, sizes, before + 1, &mut copied);
        assert_eq!(shared, copied);
        assert!(
            shared
                .iter()
                .all(|value| value.is_finite() && *value != 0.0)
        );
    }
}
