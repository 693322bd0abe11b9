//! Tiles of rows times strips of columns.
//!
//! The sums of a tile and a strip stay in registers, and the piece of the strip that they are made of in the first cache.
//!
//! Source of the tiling: Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication", 2008.

use candle_core::{CpuStorage, Layout, Result};
use half::f16;
use pulp::{Arch, Scalar, Simd, WithSimd};

use super::on_cpu::contiguous;

/// Columns of a strip: two vectors of AVX2, one of AVX-512.
pub(super) const WIDTH: usize = 16;
/// Rows of the largest tile: with 16 columns its sums, a row of weights and one input fill the 16 registers of AVX2.
const ROWS: usize = 6;
/// How many rows of a strip are multiplied with all tiles before the next ones are: they stay in the first cache.
const DEPTH_AT_ONCE: usize = 256;

/// The values of strips.
#[derive(Debug, Clone, Copy)]
pub(super) enum Strips<'a> {
    Whole(&'a [f32]),
    Half(&'a [f16]),
}

impl<'a> Strips<'a> {
    pub(super) fn of(storage: &'a CpuStorage, layout: &Layout) -> Result<Self> {
        match (storage, layout.contiguous_offsets()) {
            (CpuStorage::F16(values), Some((from, to))) => Ok(Self::Half(&values[from..to])),
            _ => contiguous(storage, layout).map(Self::Whole),
        }
    }

    fn len(self) -> usize {
        match self {
            Self::Whole(values) => values.len(),
            Self::Half(values) => values.len(),
        }
    }

    /// Some of the values; `widened` has room for as many.
    #[inline(always)]
    fn piece<'b>(self, from: usize, widened: &'b mut [f32]) -> &'b [f32]
    where
        'a: 'b,
    {
        match self {
            Self::Whole(values) => &values[from..from + widened.len()],
            Self::Half(values) => {
                for (half, wide) in values[from..].iter().zip(&mut *widened) {
                    *wide = widen(*half);
                }
                widened
            }
        }
    }
}

/// The same number in 32 bits, of one that is finite. Without branches and calls, so that the compiler makes vectors of it, which it does not of `half`'s own.
#[inline(always)]
fn widen(half: f16) -> f32 {
    /// How much less the exponents of 16 bits are.
    const BIAS: u32 = (127 - 15) << 23;
    /// The smallest number with a whole mantissa. Below it, 16 bits have no leading one; given one, it is taken away again.
    const SMALLEST: u32 = BIAS + (1 << 23);
    let bits = u32::from(half.to_bits());
    let number = ((bits & 0x7fff) << 13) + BIAS;
    let small = f32::from_bits(number + (1 << 23)) - f32::from_bits(SMALLEST);
    let number = if number < SMALLEST {
        small.to_bits()
    } else {
        number
    };
    f32::from_bits(number | (bits & 0x8000) << 16)
}

/// Some rows of an input, cut into tiles in which the values of one depth lie side by side.
#[derive(Debug, Default)]
pub(super) struct Tiles {
    inputs: usize,
    /// How many rows each tile has.
    heights: Vec<usize>,
    values: Vec<f32>,
}

impl Tiles {
    /// Lays out rows of `inputs` values.
    pub(super) fn lay_out(&mut self, input: &[f32], inputs: usize) {
        let rows = input.len() / inputs;
        let count = rows.div_ceil(ROWS);
        self.inputs = inputs;
        self.heights.clear();
        // As even as can be: the larger a tile, the more often a weight is used once it is read.
        let heights = (0..count).map(|tile| (rows + tile) / count);
        self.heights.extend(heights);
        self.values.clear();
        self.values.reserve(input.len());
        let mut rest = input;
        for height in &self.heights {
            let (tile, others) = rest.split_at(height * inputs);
            rest = others;
            for depth in 0..inputs {
                self.values
                    .extend(tile[depth..].iter().step_by(inputs).copied());
            }
        }
    }

    /// The products of all rows with strips that have as many rows as these have values: `[rows, outputs]`.
    pub(super) fn multiply(&self, weight: Strips<'_>, output: &mut [f32], outputs: usize) {
        Arch::new().dispatch(Multiply {
            tiles: self,
            weight,
            output,
            outputs,
        });
    }
}

struct Multiply<'a> {
    tiles: &'a Tiles,
    weight: Strips<'a>,
    output: &'a mut [f32],
    outputs: usize,
}

/// Written in vectors, and not left to the compiler like the other fused steps: of some heights it makes single numbers.
impl WithSimd for Multiply<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match S::F32_LANES {
            16 => self.all::<S, 1>(simd),
            8 => self.all::<S, 2>(simd),
            4 => self.all::<S, 4>(simd),
            // Vectors that do not exist yet, or none: then a vector is one number.
            _ => self.all::<Scalar, WIDTH>(Scalar::new()),
        }
    }
}

impl Multiply<'_> {
    #[inline(always)]
    fn all<S: Simd, const VECTORS: usize>(self, simd: S) {
        let Self {
            tiles,
            weight,
            outputs,
            output,
        } = self;
        let mut widened = [0f32; DEPTH_AT_ONCE * WIDTH];
        if outputs == WIDTH {
            // One strip, so its sums are the output.
            let (sums, _) = output.as_chunks_mut();
            return tiles.strip::<S, VECTORS>(simd, weight, 0, &mut widened, sums);
        }
        let rows = tiles.values.len() / tiles.inputs;
        let mut sums = vec![[0f32; WIDTH]; rows];
        for strip in 0..weight.len() / (tiles.inputs * WIDTH) {
            tiles.strip::<S, VECTORS>(simd, weight, strip, &mut widened, &mut sums);
            let columns = strip * WIDTH..outputs.min((strip + 1) * WIDTH);
            for (line, sums) in output.chunks_exact_mut(outputs).zip(&sums) {
                line[columns.clone()].copy_from_slice(&sums[..columns.len()]);
            }
        }
    }
}

impl Tiles {
    /// The products of all rows with the strip of that number.
    #[inline(always)]
    fn strip<S: Simd, const VECTORS: usize>(
        &self,
        simd: S,
        weight: Strips<'_>,
        strip: usize,
        widened: &mut [f32; DEPTH_AT_ONCE * WIDTH],
        sums: &mut [[f32; WIDTH]],
    ) {
        let inputs = self.inputs;
        sums.fill([0.0; WIDTH]);
        for depth in (0..inputs).step_by(DEPTH_AT_ONCE) {
            let depths = depth..inputs.min(depth + DEPTH_AT_ONCE);
            let widened = &mut widened[..depths.len() * WIDTH];
            let piece = weight.piece((strip * inputs + depth) * WIDTH, widened);
            let (piece, _) = S::as_simd_f32s(piece);
            let (piece, _) = piece.as_chunks::<VECTORS>();
            let (mut values, mut sums) = (&*self.values, &mut *sums);
            for height in &self.heights {
                let (tile, others) = values.split_at(height * inputs);
                let (lines, below) = sums.split_at_mut(*height);
                let tile = &tile[depths.start * height..depths.end * height];
                match height {
                    1 => tile_product::<S, VECTORS, 1>(simd, tile, piece, lines),
                    2 => tile_product::<S, VECTORS, 2>(simd, tile, piece, lines),
                    3 => tile_product::<S, VECTORS, 3>(simd, tile, piece, lines),
                    4 => tile_product::<S, VECTORS, 4>(simd, tile, piece, lines),
                    5 => tile_product::<S, VECTORS, 5>(simd, tile, piece, lines),
                    _ => tile_product::<S, VECTORS, ROWS>(simd, tile, piece, lines),
                }
                (values, sums) = (others, below);
            }
        }
    }
}

/// Adds to `sums` one tile of rows times a piece of one strip of columns.
#[inline(always)]
fn tile_product<S: Simd, const VECTORS: usize, const HEIGHT: usize>(
    simd: S,
    tile: &[f32],
    piece: &[[S::f32s; VECTORS]],
    lines: &mut [[f32; WIDTH]],
) {
    let mut sums = [[simd.splat_f32s(0.0); VECTORS]; HEIGHT];
    for (sums, line) in sums.iter_mut().zip(&*lines) {
        sums.copy_from_slice(S::as_simd_f32s(line).0);
    }
    let (tile, _) = tile.as_chunks::<HEIGHT>();
    for (inputs, weights) in tile.iter().zip(piece) {
        for (sums, input) in sums.iter_mut().zip(inputs) {
            let input = simd.splat_f32s(*input);
            for (sum, weight) in sums.iter_mut().zip(weights) {
                *sum = simd.mul_add_f32s(input, *weight, *sum);
            }
        }
    }
    for (line, sums) in lines.iter_mut().zip(&sums) {
        S::as_mut_simd_f32s(line).0.copy_from_slice(sums);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_finite_half_is_widened_to_itself() {
        for bits in 0..=u16::MAX {
            let half = f16::from_bits(bits);
            if half.is_finite() {
                assert_eq!(widen(half).to_bits(), half.to_f32().to_bits(), "{half}");
            }
        }
    }
}
