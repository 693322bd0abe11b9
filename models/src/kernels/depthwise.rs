//! Convolution in which each channel has a window of its own.
//!
//! A channel is copied once, with its margins, so that every tap reads neighbours: where the window moves by more than one column, columns that are the
//! stride apart come to lie side by side. Then the sums of 64 positions stay in registers over all taps.

use pulp::{Arch, Scalar, Simd, WithSimd};

use super::unary::Unary;
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
        bias: &[f32],
        activation: Option<Unary>,
    ) {
        let Some(places) = self.window.positions(sides, margins) else {
            return;
        };
        Arch::new().dispatch(Channels {
            depthwise: self,
            input,
            sides,
            before: margins.before,
            places,
            output,
            bias,
            activation,
        });
    }
}

struct Channels<'a> {
    depthwise: &'a Depthwise,
    input: &'a [f32],
    sides: [usize; 2],
    before: [usize; 2],
    places: [usize; 2],
    output: &'a mut [f32],
    bias: &'a [f32],
    activation: Option<Unary>,
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
        let padded = Padded::new(window, self.places);
        // Behind the last row, for sums that nobody takes.
        let mut pixels = vec![0f32; padded.len() + WIDTH];
        let offsets: Vec<usize> = (0..taps)
            .map(|tap| padded.offset([tap / window.size[1], tap % window.size[1]]))
            .collect();
        let channels = self.input.chunks_exact(self.sides[0] * self.sides[1]);
        let weights = self.depthwise.values.chunks_exact(taps);
        let outputs = self.output.chunks_exact_mut(rows * columns);
        for (((channel, weights), output), bias) in
            channels.zip(weights).zip(outputs).zip(self.bias)
        {
            padded.fill(channel, self.sides, self.before, &mut pixels);
            for (row, line) in output.chunks_exact_mut(columns).enumerate() {
                let pixels = &pixels[row * window.stride[0] * padded.width..];
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
            if let Some(activation) = self.activation {
                activation.apply_inlined(output);
            }
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

/// How a channel lies in memory with its margins: for each remainder of a column by the stride, its rows.
struct Padded {
    stride: usize,
    dilation: [usize; 2],
    height: usize,
    width: usize,
}

impl Padded {
    fn new(window: &Window, places: [usize; 2]) -> Self {
        let span = |axis: usize| (window.size[axis] - 1) * window.dilation[axis];
        let stride = window.stride[1];
        Self {
            stride,
            dilation: window.dilation,
            height: (places[0] - 1) * window.stride[0] + span(0) + 1,
            width: places[1] + span(1).div_ceil(stride),
        }
    }

    fn len(&self) -> usize {
        self.stride * self.height * self.width
    }

    /// Where a tap of the first position lies.
    fn offset(&self, tap: [usize; 2]) -> usize {
        let (row, column) = (tap[0] * self.dilation[0], tap[1] * self.dilation[1]);
        (column % self.stride * self.height + row) * self.width + column / self.stride
    }

    /// Copies a channel between margins that are there already.
    #[inline(always)]
    fn fill(&self, channel: &[f32], sides: [usize; 2], before: [usize; 2], pixels: &mut [f32]) {
        let rows = channel.chunks_exact(sides[1]).zip(before[0]..self.height);
        for (line, row) in rows {
            for phase in 0..self.stride {
                // The first column of the channel with this remainder.
                let skip = (phase + self.stride - before[1] % self.stride) % self.stride;
                let first = (skip + before[1]) / self.stride;
                let place = (phase * self.height + row) * self.width;
                let places = &mut pixels[place..place + self.width];
                let Some((places, line)) = places.get_mut(first..).zip(line.get(skip..)) else {
                    continue;
                };
                match self.stride {
                    1 => copy(places, line.iter()),
                    2 => copy(places, line.iter().step_by(2)),
                    stride => copy(places, line.iter().step_by(stride)),
                }
            }
        }
    }
}

#[inline(always)]
fn copy<'a>(places: &mut [f32], pixels: impl Iterator<Item = &'a f32>) {
    for (place, pixel) in places.iter_mut().zip(pixels) {
        *place = *pixel;
    }
}
