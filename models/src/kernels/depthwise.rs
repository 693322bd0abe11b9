//! Convolution in which each channel has a window of its own.
//!
//! A channel is laid out once (see [`super::padded`]), and the sums of 64 positions stay in registers over all taps.

use pulp::{Arch, Scalar, Simd, WithSimd};

use super::convolution::Finish;
use super::padded::Padded;
use super::window::{Margins, Window};

/// Positions whose sums are made at once.
const WIDTH: usize = 64;

/// The windows of all channels.
#[derive(Debug, Clone)]
pub(super) struct Depthwise {
    window: Window,
    /// `[channels, taps]`
    values: Vec<f32>,
}

impl Depthwise {
    /// Takes weights `[channels, taps]`.
    pub(super) fn new(values: &[f32], window: Window) -> Self {
        let values = values.to_vec();
        Self { window, values }
    }

    /// How many weights.
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// The convolution of one picture `[channels, rows, columns]` of these sides, into which the window fits.
    pub(super) fn run(
        &self,
        input: &[f32],
        sides: [usize; 2],
        margins: Margins,
        output: &mut [f32],
        finish: &Finish,
    ) {
        let Some(places) = self.window.positions(sides, margins) else {
            return;
        };
        Arch::new().dispatch(Channels {
            depthwise: self,
            input,
            sides,
            margins,
            places,
            output,
            finish,
        });
    }
}

struct Channels<'a> {
    depthwise: &'a Depthwise,
    input: &'a [f32],
    sides: [usize; 2],
    margins: Margins,
    places: [usize; 2],
    output: &'a mut [f32],
    finish: &'a Finish,
}

impl WithSimd for Channels<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match S::F32_LANES {
            16 => self.all::<S, 4>(simd),
            8 => self.all::<S, 8>(simd),
            4 => self.all::<S, 16>(simd),
            _ => self.all::<Scalar, WIDTH>(Scalar::new()),
        }
    }
}

impl Channels<'_> {
    #[inline(always)]
    fn all<S: Simd, const VECTORS: usize>(self, simd: S) {
        let window = &self.depthwise.window;
        let [rows, columns] = self.places;
        let taps = window.size[0] * window.size[1];
        let padded = Padded::new(window, self.margins, self.places);
        // Behind the last row, for sums that nobody takes.
        let mut pixels = vec![0f32; padded.len() + WIDTH];
        let offsets: Vec<usize> = (0..taps)
            .map(|tap| padded.offset([tap / window.size[1], tap % window.size[1]]))
            .collect();
        let channels = self.input.chunks_exact(self.sides[0] * self.sides[1]);
        let weights = self.depthwise.values.chunks_exact(taps);
        let outputs = self.output.chunks_exact_mut(rows * columns);
        let all = channels.zip(weights).zip(outputs).zip(&self.finish.bias);
        for (at, (((channel, weights), output), bias)) in all.enumerate() {
            padded.fill(channel, self.sides, &mut pixels);
            for (row, line) in output.chunks_exact_mut(columns).enumerate() {
                let pixels = &pixels[row * padded.width..];
                for (part, places) in line.chunks_mut(WIDTH).enumerate() {
                    let mut sums = [[0f32; WIDTH]; 1];
                    let totals = S::as_mut_simd_f32s(&mut sums[0]).0;
                    let pixels = &pixels[part * WIDTH..];
                    // A short rest needs no more vectors than it fills.
                    match places.len().div_ceil(S::F32_LANES.max(1)) {
                        1 => sum::<S, 1>(simd, pixels, weights, &offsets, *bias, totals),
                        2 => sum::<S, 2>(simd, pixels, weights, &offsets, *bias, totals),
                        _ => sum::<S, VECTORS>(simd, pixels, weights, &offsets, *bias, totals),
                    }
                    places.copy_from_slice(&sums[0][..places.len()]);
                }
            }
            self.finish.apply(at, output);
        }
    }
}

/// The sums of one run of positions over all taps.
#[inline(always)]
fn sum<S: Simd, const VECTORS: usize>(
    simd: S,
    pixels: &[f32],
    weights: &[f32],
    offsets: &[usize],
    bias: f32,
    totals: &mut [S::f32s],
) {
    let mut sums = [simd.splat_f32s(bias); VECTORS];
    for (weight, offset) in weights.iter().zip(offsets) {
        let weight = simd.splat_f32s(*weight);
        let (pixels, _) = S::as_simd_f32s(&pixels[*offset..*offset + VECTORS * S::F32_LANES]);
        for (sum, pixels) in sums.iter_mut().zip(pixels) {
            *sum = simd.mul_add_f32s(weight, *pixels, *sum);
        }
    }
    for (total, sum) in totals.iter_mut().zip(sums) {
        *total = sum;
    }
}
