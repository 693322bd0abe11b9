//! The product of rows with weights in blocks: whole numbers within a block, one scale and one sum of f32 for each.
//!
//! Rows are rounded to 8 bits in blocks of 32, and multiplied in whole numbers, as llama.cpp does it. The order of sums of an output depends on nothing
//! but its own row.
//!
//! Source of the arithmetic: ggml, `ggml_vec_dot_q4_1_q8_1` and `ggml_vec_dot_q8_0_q8_0`.

mod anywhere;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod vnni;

use half::f16;
#[cfg(target_arch = "x86_64")]
use pulp::x86::V3;
use pulp::{Arch, NullaryFnOnce};

use super::blocks::{BLOCK, BYTES, BlockStrips, LANES, NIBBLES, Width};

/// How many rows go through all strips before the next ones do: their inputs stay in the second cache, their sums in the first.
const ROWS_AT_ONCE: usize = 32;

/// Adding it rounds a small number to a whole one, as the lowest bits have it: half of the way to the even neighbour.
const ROUND: f32 = 12_582_912.0;

/// Sums of the products within a block, of each lane.
type Sums = [i32; LANES];

/// Some rows in blocks of 8 bits, `[blocks, rows]`: all rows of a block meet the same weights.
struct Rounded {
    count: usize,
    blocks: Vec<RoundedBlock>,
}

/// A block of one row.
#[derive(Debug, Clone, Copy)]
struct RoundedBlock {
    numbers: [i8; BLOCK],
    scale: f32,
    /// The sum of the numbers.
    total: i32,
    /// The sum of what the numbers stand for.
    product: f32,
}

impl Rounded {
    /// Rounds rows of `inputs` values, a multiple of a block's.
    fn new(rows: &[f32], inputs: usize) -> Self {
        let count = rows.len() / inputs;
        let mut blocks = Vec::with_capacity(count * inputs / BLOCK);
        Arch::new().dispatch(Round {
            rows,
            inputs,
            blocks: &mut blocks,
        });
        Self { count, blocks }
    }
}

impl RoundedBlock {
    #[inline(always)]
    fn new(block: &[f32; BLOCK]) -> Self {
        let mut most = 0f32;
        let mut sum = 0f32;
        for value in block {
            let size = value.abs();
            most = if size > most { size } else { most };
            sum += size;
        }
        let share = if most > 0.0 { 127.0 / most } else { 0.0 };
        let mut numbers = [0i8; BLOCK];
        let mut total = 0i32;
        for (number, value) in numbers.iter_mut().zip(block) {
            let rounded = (value * share + ROUND)
                .to_bits()
                .wrapping_sub(ROUND.to_bits());
            *number = rounded as i8;
            total = i32::wrapping_add(total, i32::from(*number));
        }
        // What is no number has none for a scale, so that nothing that is made of it has either.
        let scale = if sum.is_finite() {
            most / 127.0
        } else {
            f32::NAN
        };
        Self {
            numbers,
            // In the 16 bits that llama.cpp keeps them in.
            scale: f16::from_f32(scale).to_f32(),
            total,
            product: f16::from_f32(scale * total as f32).to_f32(),
        }
    }
}

// Vectors are made only of what is inlined, and of closures that is not certain: so these are structures. A check for overflow would keep numbers single,
// and nothing overflows: a block's sum is below a million.

struct Round<'a> {
    rows: &'a [f32],
    inputs: usize,
    blocks: &'a mut Vec<RoundedBlock>,
}

impl NullaryFnOnce for Round<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for first in (0..self.inputs).step_by(BLOCK) {
            for row in self.rows.chunks_exact(self.inputs) {
                if let Some(block) = row[first..].first_chunk() {
                    self.blocks.push(RoundedBlock::new(block));
                }
            }
        }
    }
}

struct Product<'a, N, B> {
    strips: &'a BlockStrips,
    rows: &'a Rounded,
    output: &'a mut [f32],
    nibbles: N,
    bytes: B,
}

impl<N: Kernel<NIBBLES>, B: Kernel<BYTES>> NullaryFnOnce for Product<'_, N, B> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        match self.strips.width {
            Width::Nibbles => self.strips.all(self.rows, self.output, self.nibbles),
            Width::Bytes => self.strips.all(self.rows, self.output, self.bytes),
        }
    }
}

impl BlockStrips {
    /// The products of rows of `inputs` values: as many rows of `outputs` values.
    pub(super) fn product(&self, rows: &[f32]) -> Vec<f32> {
        let count = rows.len() / self.inputs;
        let mut output = vec![0f32; count * self.outputs];
        let parts = rows.chunks(ROWS_AT_ONCE * self.inputs);
        for (rows, output) in parts.zip(output.chunks_mut(ROWS_AT_ONCE * self.outputs)) {
            self.multiply(&Rounded::new(rows, self.inputs), output);
        }
        output
    }

    #[cfg(target_arch = "x86_64")]
    fn multiply(&self, rows: &Rounded, output: &mut [f32]) {
        if let Some(simd) = vnni::Vnni::try_new() {
            return simd.vectorize(Product {
                strips: self,
                rows,
                output,
                nibbles: vnni::Nibbles(simd),
                bytes: vnni::Bytes(simd),
            });
        }
        self.multiply_avx2(rows, output);
    }

    #[cfg(target_arch = "x86_64")]
    fn multiply_avx2(&self, rows: &Rounded, output: &mut [f32]) {
        let Some(simd) = V3::try_new() else {
            return self.multiply_anywhere(rows, output);
        };
        simd.vectorize(Product {
            strips: self,
            rows,
            output,
            nibbles: avx2::Nibbles(simd),
            bytes: avx2::Bytes(simd),
        });
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn multiply(&self, rows: &Rounded, output: &mut [f32]) {
        self.multiply_anywhere(rows, output);
    }

    fn multiply_anywhere(&self, rows: &Rounded, output: &mut [f32]) {
        Arch::new().dispatch(Product {
            strips: self,
            rows,
            output,
            nibbles: anywhere::Nibbles,
            bytes: anywhere::Bytes,
        });
    }

    #[inline(always)]
    fn all<const SIZE: usize, K: Kernel<SIZE>>(
        &self,
        rows: &Rounded,
        output: &mut [f32],
        kernel: K,
    ) {
        let blocks = self.blocks();
        let (numbers, _) = self.numbers.as_chunks::<SIZE>();
        for (strip, numbers) in numbers.chunks_exact(blocks).enumerate() {
            let mut sums = [[0f32; LANES]; ROWS_AT_ONCE];
            let rows = rows.blocks.chunks_exact(rows.count);
            for (block, (numbers, rows)) in numbers.iter().zip(rows).enumerate() {
                let place = strip * blocks + block;
                let weights = kernel.load(numbers);
                let scales = &self.scales[place];
                for (row, sums) in rows.iter().zip(&mut sums) {
                    let shift = (self.offset + K::TOO_HIGH) * row.total;
                    let products = kernel.sums(&weights, &row.numbers, -shift);
                    for ((sum, product), weight) in sums.iter_mut().zip(products).zip(scales) {
                        *sum = (weight * row.scale).mul_add(product as f32, *sum);
                    }
                }
                let Some(minima) = &self.minima else { continue };
                for (row, sums) in rows.iter().zip(&mut sums) {
                    for (sum, minimum) in sums.iter_mut().zip(&minima[place]) {
                        *sum = minimum.mul_add(row.product, *sum);
                    }
                }
            }
            let columns = strip * LANES..self.outputs.min((strip + 1) * LANES);
            for (line, sums) in output.chunks_exact_mut(self.outputs).zip(&sums) {
                line[columns.clone()].copy_from_slice(&sums[..columns.len()]);
            }
        }
    }
}

/// The whole numbers of a block: eight outputs of weights, and one row.
trait Kernel<const SIZE: usize>: Copy {
    /// The weights as the processor multiplies them, for several rows.
    type Weights;

    /// By how much the weights are higher than in the strips, beside the offset that these have.
    const TOO_HIGH: i32;

    fn load(self, numbers: &[u8; SIZE]) -> Self::Weights;

    /// For each output the sum of `first` and the products.
    fn sums(self, weights: &Self::Weights, row: &[i8; BLOCK], first: i32) -> Sums;
}

#[cfg(test)]
mod tests {
    use candle_core::Device;
    use candle_core::quantized::{GgmlDType, QTensor};

    use super::*;
    use crate::kernels::on_cpu::test::numbers;

    const KINDS: [GgmlDType; 5] = [
        GgmlDType::Q4_0,
        GgmlDType::Q4_1,
        GgmlDType::Q5_0,
        GgmlDType::Q5_1,
        GgmlDType::Q8_0,
    ];

    fn strips(kind: GgmlDType, outputs: usize, inputs: usize) -> (BlockStrips, Vec<f32>) {
        let weight = QTensor::quantize(&numbers(&[outputs, inputs], 1.0), kind).unwrap();
        let plain = weight.dequantize(&Device::Cpu).unwrap();
        let plain = plain.flatten_all().unwrap().to_vec1().unwrap();
        let data = weight.data().unwrap();
        (
            BlockStrips::new(kind, &data, outputs, inputs).unwrap(),
            plain,
        )
    }

    fn rows(count: usize, inputs: usize) -> Vec<f32> {
        let rows = numbers(&[count, inputs], 3.0).flatten_all().unwrap();
        rows.to_vec1().unwrap()
    }

    #[test]
    fn nothing_of_the_file_is_lost() {
        for kind in KINDS {
            let (strips, plain) = strips(kind, 19, 96);
            let mut kept = Vec::new();
            for output in 0..19 {
                strips.append_row(output, &mut kept);
            }
            for (kept, plain) in kept.iter().zip(&plain) {
                assert!((kept - plain).abs() <= 1e-6, "{kind:?}: {kept} for {plain}");
            }
        }
    }

    /// With inputs that are whole numbers up to 127 nothing is rounded, so the plain sum is the answer.
    #[test]
    fn rows_that_need_no_rounding_give_the_plain_sum() {
        for kind in KINDS {
            let (strips, plain) = strips(kind, 37, 64);
            let mut rows: Vec<f32> = rows(33, 64)
                .iter()
                .map(|value| (value * 42.0).round())
                .collect();
            rows.chunks_exact_mut(BLOCK)
                .for_each(|block| block[7] = 127.0);
            let got = strips.product(&rows);
            for (number, got) in got.iter().enumerate() {
                let (row, output) = (&rows[number / 37 * 64..], &plain[number % 37 * 64..]);
                let products = row[..64].iter().zip(output).map(|(one, other)| one * other);
                let expected: f32 = products.sum();
                // The sum of a block's inputs has 11 bits where there is a minimum.
                let bound = if strips.minima.is_some() { 3.0 } else { 1e-2 };
                assert!(
                    (expected - got).abs() < bound,
                    "{kind:?}: {got} for {expected}"
                );
            }
        }
    }

    #[test]
    fn the_machines_own_instructions_give_the_same_to_the_bit() {
        for kind in KINDS {
            let (strips, _) = strips(kind, 21, 160);
            let rows = Rounded::new(&rows(9, 160), 160);
            let (mut fast, mut plain) = (vec![0.0; 9 * 21], vec![0.0; 9 * 21]);
            strips.multiply_anywhere(&rows, &mut plain);
            strips.multiply(&rows, &mut fast);
            assert_eq!(fast, plain, "{kind:?}");
            #[cfg(target_arch = "x86_64")]
            strips.multiply_avx2(&rows, &mut fast);
            assert_eq!(fast, plain, "{kind:?}");
        }
    }

    #[test]
    fn the_largest_numbers_have_room() {
        // A scale of 1, and as numbers all bits: 15 without a sign, -1 with one; or the least there is.
        for (kind, head, byte) in [
            (GgmlDType::Q4_0, 2, 0xff),
            (GgmlDType::Q8_0, 2, 0x80),
            (GgmlDType::Q8_0, 2, 0x7f),
        ] {
            let mut block = f16::ONE.to_le_bytes().to_vec();
            block.resize(head + kind.type_size() - 2, byte);
            let strips = BlockStrips::new(kind, &block.repeat(8), 8, 32).unwrap();
            let mut row = Vec::new();
            strips.append_row(3, &mut row);
            for sign in [1.0, -1.0] {
                let got = strips.product(&[127.0 * sign; 32]);
                assert_eq!(got, [row[0] * 127.0 * 32.0 * sign; 8], "{kind:?}");
            }
        }
    }

    #[test]
    fn what_is_no_number_stays_none() {
        for value in [f32::NAN, f32::INFINITY] {
            let (strips, _) = strips(GgmlDType::Q4_1, 8, 64);
            let mut rows = rows(2, 64);
            rows[70] = value;
            let got = strips.product(&rows);
            assert!(got[..8].iter().all(|value| value.is_finite()));
            assert!(got[8..].iter().all(|value| value.is_nan()));
        }
    }
}
