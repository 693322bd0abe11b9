//! Tiles of output channels times runs of positions.

use pulp::{Scalar, Simd, WithSimd};

use super::Finish;

/// Output channels of a tile.
pub(super) const HEIGHT: usize = 8;
/// Positions of a tile: three vectors of AVX-512, whose sums with eight channels take 24 of the 32 registers.
pub(super) const WIDTH: usize = 48;
/// From how many tiles on what a run of positions sees is copied together: it is read as often, and lies scattered.
const COPIED_FROM: usize = 6;

/// The product of one group of one picture.
pub(super) struct Product<'a> {
    /// `[tiles, depth, HEIGHT]`
    pub(super) tiles: &'a [f32],
    pub(super) pixels: &'a [f32],
    /// For each depth where the pixel of the first position lies.
    pub(super) offsets: &'a [usize],
    /// How far apart the positions of neighbouring rows lie.
    pub(super) width: usize,
    /// Rows and columns of positions.
    pub(super) places: [usize; 2],
    pub(super) finish: &'a Finish,
    /// The first output channel of the group.
    pub(super) first: usize,
    /// `[channels, rows, columns]`
    pub(super) output: &'a mut [f32],
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match S::F32_LANES {
            16 | 4 => self.all::<S, HEIGHT, 3>(simd),
            // Half of the registers.
            8 => self.all::<S, 4, 3>(simd),
            // Vectors that do not exist yet, or none: then a vector is one number.
            _ => self.all::<Scalar, 4, 3>(Scalar::new()),
        }
    }
}

impl Product<'_> {
    #[inline(always)]
    fn all<S: Simd, const ROWS: usize, const VECTORS: usize>(mut self, simd: S) {
        let depth = self.offsets.len();
        let tiles = self.tiles.chunks_exact(depth * HEIGHT);
        let positions = (self.places[0] - 1) * self.width + self.places[1];
        let mut panel = vec![[0f32; WIDTH]; depth];
        let mut sums = [[0f32; WIDTH]; HEIGHT];
        for from in (0..positions).step_by(WIDTH) {
            let is_copied = tiles.len() >= COPIED_FROM || from + WIDTH > positions;
            if is_copied {
                self.copy(from, WIDTH.min(positions - from), &mut panel);
            }
            for (tile, weights) in tiles.clone().enumerate() {
                let (weights, _) = weights.as_chunks::<HEIGHT>();
                self.start(tile, &mut sums);
                if is_copied {
                    multiply::<S, ROWS, VECTORS>(simd, weights, &panel.iter(), &mut sums);
                } else {
                    let pixels = &self.pixels[from..];
                    let lines = self
                        .offsets
                        .iter()
                        .filter_map(|offset| pixels[*offset..].first_chunk::<WIDTH>());
                    multiply::<S, ROWS, VECTORS>(simd, weights, &lines, &mut sums);
                }
                self.store(tile, from, &mut sums);
            }
        }
    }

    /// What a run of positions sees, one line for each depth.
    #[inline(always)]
    fn copy(&self, from: usize, count: usize, panel: &mut [[f32; WIDTH]]) {
        for (line, offset) in panel.iter_mut().zip(self.offsets) {
            let pixels = &self.pixels[offset + from..];
            match pixels.first_chunk::<WIDTH>() {
                Some(pixels) => *line = *pixels,
                None => line[..count].copy_from_slice(&pixels[..count]),
            }
        }
    }

    /// Sums begin with the bias.
    #[inline(always)]
    fn start(&self, tile: usize, sums: &mut [[f32; WIDTH]; HEIGHT]) {
        let bias = &self.finish.bias[self.first + tile * HEIGHT..];
        for (line, bias) in sums.iter_mut().zip(bias) {
            *line = [*bias; WIDTH];
        }
    }

    /// Finishes sums, and puts those of positions that there are into their places.
    #[inline(always)]
    fn store(&mut self, tile: usize, from: usize, sums: &mut [[f32; WIDTH]; HEIGHT]) {
        let [rows, columns] = self.places;
        let channels = self
            .output
            .chunks_exact_mut(rows * columns)
            .skip(tile * HEIGHT);
        for (at, (channel, sums)) in channels.zip(sums).enumerate() {
            self.finish.apply(self.first + tile * HEIGHT + at, sums);
            let (mut row, mut column) = (from / self.width, from % self.width);
            let mut rest = &sums[..];
            while row < rows && !rest.is_empty() {
                let (here, others) = rest.split_at(rest.len().min(self.width - column));
                rest = others;
                let count = here.len().min(columns.saturating_sub(column));
                channel[row * columns + column.min(columns)..][..count]
                    .copy_from_slice(&here[..count]);
                (row, column) = (row + 1, 0);
            }
        }
    }
}

/// Adds the product of a tile of weights with lines of pixels, one for each depth.
#[inline(always)]
fn multiply<'a, S: Simd, const ROWS: usize, const VECTORS: usize>(
    simd: S,
    weights: &[[f32; HEIGHT]],
    lines: &(impl Iterator<Item = &'a [f32; WIDTH]> + Clone),
    sums: &mut [[f32; WIDTH]; HEIGHT],
) {
    let columns = VECTORS * S::F32_LANES;
    for (part, sums) in sums.chunks_exact_mut(ROWS).enumerate() {
        for column in (0..WIDTH).step_by(columns) {
            let mut totals = [[simd.splat_f32s(0.0); VECTORS]; ROWS];
            for (totals, line) in totals.iter_mut().zip(&*sums) {
                let (line, _) = S::as_simd_f32s(&line[column..column + columns]);
                totals.copy_from_slice(line);
            }
            for (weights, pixels) in weights.iter().zip(lines.clone()) {
                let (pixels, _) = S::as_simd_f32s(&pixels[column..column + columns]);
                let weights = weights[part * ROWS..].first_chunk::<ROWS>();
                let (Some(weights), Some(pixels)) = (weights, pixels.first_chunk::<VECTORS>())
                else {
                    continue;
                };
                for (totals, weight) in totals.iter_mut().zip(weights) {
                    let weight = simd.splat_f32s(*weight);
                    for (total, pixels) in totals.iter_mut().zip(pixels) {
                        *total = simd.mul_add_f32s(weight, *pixels, *total);
                    }
                }
            }
            for (line, totals) in sums.iter_mut().zip(&totals) {
                let (line, _) = S::as_mut_simd_f32s(&mut line[column..column + columns]);
                line.copy_from_slice(totals);
            }
        }
    }
}
