//! Convolution of pictures, `[channels, rows, columns]` one after the other.
//!
//! A picture's pixels are laid out for 48 positions of the window at a time, one tap after the other, and multiplied with tiles of eight output
//! channels, whose weights were laid out when they were loaded. The sums of a tile stay in registers; bias and activation are applied to them while they
//! are in the first cache. Where each channel has a window of its own, nothing is multiplied with more than one weight: see [`super::depthwise`].
//!
//! Source of the layout: Chetlur et al., "cuDNN: Efficient Primitives for Deep Learning", 2014, section 3; of the tiling: Goto and van de Geijn,
//! "Anatomy of High-Performance Matrix Multiplication", 2008.

use pulp::{Arch, Scalar, Simd, WithSimd};

use super::depthwise::Depthwise;
use super::unary::Unary;
use super::window::{Margins, Window};

/// Output channels of a tile.
const HEIGHT: usize = 8;
/// Positions of a tile: three vectors of AVX-512, whose sums with eight channels take 24 of the 32 registers.
const WIDTH: usize = 48;
/// Weights of one output channel: no network has more than some thousand, and each takes a line of the panel.
const DEPTH_LIMIT: usize = 1 << 18;
/// Numbers of all tiles.
const TILES_LIMIT: usize = 1 << 28;

/// The weights of a convolution, as its product wants them.
#[derive(Debug, Clone)]
pub(crate) struct Convolution {
    window: Window,
    groups: usize,
    inputs: usize,
    outputs: usize,
    form: Form,
    /// One for each output channel.
    bias: Vec<f32>,
    /// What is done to each sum.
    activation: Option<Unary>,
}

#[derive(Debug, Clone)]
enum Form {
    /// For each group and tile of output channels: the taps, with one weight for each channel; zeros behind the last.
    Tiles(Vec<f32>),
    Depthwise(Depthwise),
}

/// What a convolution is made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Weights<'a> {
    /// `[outputs, inputs / groups, rows, columns]`
    pub(crate) values: &'a [f32],
    pub(crate) outputs: usize,
    pub(crate) groups: usize,
    pub(crate) window: Window,
    /// One for each output channel, or none.
    pub(crate) bias: &'a [f32],
    pub(crate) activation: Option<Unary>,
}

/// The sides of what is convolved.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pictures {
    pub(crate) count: usize,
    pub(crate) channels: usize,
    pub(crate) sides: [usize; 2],
    pub(crate) margins: Margins,
}

impl Convolution {
    /// Lays out weights; `None` if they are not of the given sizes.
    pub(crate) fn new(weights: Weights<'_>) -> Option<Self> {
        let Weights {
            values,
            outputs,
            groups,
            window,
            bias,
            activation,
        } = weights;
        let each = outputs.checked_div(groups)?;
        let depth = values.len().checked_div(outputs)?;
        let taps = window.size[0].checked_mul(window.size[1])?;
        let channels = depth.checked_div(taps)?;
        let fits = each * groups == outputs
            && outputs.checked_mul(depth)? == values.len()
            && channels * taps == depth
            && (bias.is_empty() || bias.len() == outputs)
            && window
                .stride
                .iter()
                .chain(&window.dilation)
                .all(|step| *step > 0);
        let laid_out = each.div_ceil(HEIGHT) * HEIGHT;
        let laid_out = laid_out.checked_mul(groups)?.checked_mul(depth)?;
        if !fits || depth == 0 || depth > DEPTH_LIMIT || laid_out > TILES_LIMIT {
            return None;
        }
        let form = match (channels, each) {
            (1, 1) if groups > 1 => Form::Depthwise(Depthwise::new(values, window)),
            _ => Form::Tiles(lay_out(values, each, depth)),
        };
        let bias = match bias {
            [] => vec![0.0; outputs],
            bias => bias.to_vec(),
        };
        Some(Self {
            window,
            groups,
            inputs: channels * groups,
            outputs,
            form,
            bias,
            activation,
        })
    }

    /// How many channels it makes.
    pub(crate) fn outputs(&self) -> usize {
        self.outputs
    }

    /// How many channels it takes.
    pub(crate) fn inputs(&self) -> usize {
        self.inputs
    }

    /// How its window moves.
    pub(crate) fn window(&self) -> &Window {
        &self.window
    }

    /// The bytes that the weights take.
    pub(crate) fn bytes(&self) -> usize {
        let weights = match &self.form {
            Form::Tiles(values) => values.len(),
            Form::Depthwise(depthwise) => depthwise.len(),
        };
        (weights + self.bias.len()) * size_of::<f32>()
    }

    /// The convolution of pictures `[count, channels, rows, columns]`; `None` if they are not of the sizes that are given, or smaller than the window.
    pub(crate) fn run(&self, input: &[f32], pictures: Pictures) -> Option<Vec<f32>> {
        let Pictures {
            count,
            channels,
            sides,
            margins,
        } = pictures;
        let places = self.window.positions(sides, margins)?;
        let plane = sides[0] * sides[1];
        if channels != self.inputs || input.len() != count * channels * plane {
            return None;
        }
        let positions = places[0] * places[1];
        let mut output = vec![0f32; count * self.outputs * positions];
        if output.is_empty() || plane == 0 {
            return None;
        }
        let inputs = input.chunks_exact(channels * plane);
        for (input, output) in inputs.zip(output.chunks_exact_mut(self.outputs * positions)) {
            match &self.form {
                Form::Depthwise(depthwise) => {
                    depthwise.run(input, sides, margins, output, &self.bias, self.activation);
                }
                Form::Tiles(tiles) => Arch::new().dispatch(Product {
                    convolution: self,
                    tiles,
                    input,
                    sides,
                    margins,
                    places,
                    output,
                }),
            }
        }
        Some(output)
    }
}

/// From `[groups * each, depth]` to `[groups, tiles, depth, HEIGHT]`.
fn lay_out(values: &[f32], each: usize, depth: usize) -> Vec<f32> {
    let groups = values.chunks_exact(each * depth);
    let tiles = each.div_ceil(HEIGHT);
    let mut laid_out = vec![0f32; groups.len() * tiles * depth * HEIGHT];
    let places = laid_out.chunks_exact_mut(tiles * depth * HEIGHT);
    for (group, place) in groups.zip(places) {
        for (channel, weights) in group.chunks_exact(depth).enumerate() {
            let tile = &mut place[channel / HEIGHT * depth * HEIGHT..];
            let column = tile[channel % HEIGHT..].iter_mut().step_by(HEIGHT);
            for (place, weight) in column.zip(weights) {
                *place = *weight;
            }
        }
    }
    laid_out
}

/// One picture's product.
struct Product<'a> {
    convolution: &'a Convolution,
    tiles: &'a [f32],
    input: &'a [f32],
    sides: [usize; 2],
    margins: Margins,
    places: [usize; 2],
    output: &'a mut [f32],
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
    fn all<S: Simd, const ROWS: usize, const VECTORS: usize>(self, simd: S) {
        let Convolution {
            groups,
            inputs,
            outputs,
            bias,
            activation,
            ..
        } = self.convolution;
        let plane = self.sides[0] * self.sides[1];
        let positions = self.places[0] * self.places[1];
        let (channels, each) = (inputs / groups, outputs / groups);
        let taps = self.convolution.window.size[0] * self.convolution.window.size[1];
        let depth = channels * taps;
        let of_group = each.div_ceil(HEIGHT) * depth * HEIGHT;
        let mut panel = vec![0f32; depth * WIDTH];
        let mut sums = [[0f32; WIDTH]; HEIGHT];
        let groups = self.input.chunks_exact(channels * plane);
        for (group, input) in groups.enumerate() {
            let tiles = self.tiles[group * of_group..][..of_group].chunks_exact(depth * HEIGHT);
            for from in (0..positions).step_by(WIDTH) {
                let count = WIDTH.min(positions - from);
                self.spread(input, from, count, &mut panel);
                for (tile, weights) in tiles.clone().enumerate() {
                    multiply::<S, ROWS, VECTORS>(simd, weights, &panel, &mut sums);
                    let first = group * each + tile * HEIGHT;
                    let last = (group * each + each).min(first + HEIGHT);
                    for (channel, sums) in (first..last).zip(&sums) {
                        let line = &mut self.output[channel * positions + from..][..count];
                        let bias = bias[channel];
                        for (place, sum) in line.iter_mut().zip(sums) {
                            *place = sum + bias;
                        }
                        if let Some(activation) = activation {
                            activation.apply_inlined(line);
                        }
                    }
                }
            }
        }
    }

    /// Lays out what the window sees at the positions from `from` on: `[channels, taps, WIDTH]`.
    #[inline(always)]
    fn spread(&self, input: &[f32], from: usize, count: usize, panel: &mut [f32]) {
        let window = &self.convolution.window;
        let plane = self.sides[0] * self.sides[1];
        let (lines, _) = panel.as_chunks_mut::<WIDTH>();
        let is_plain = window.size == [1, 1] && window.stride == [1, 1];
        if is_plain && self.margins == Margins::default() {
            for (line, channel) in lines.iter_mut().zip(input.chunks_exact(plane)) {
                match channel[from..].first_chunk::<WIDTH>() {
                    Some(pixels) => *line = *pixels,
                    None => line[..count].copy_from_slice(&channel[from..from + count]),
                }
            }
            return;
        }
        let taps = window.size[0] * window.size[1];
        let channels = input.chunks_exact(plane);
        for (lines, channel) in lines.chunks_exact_mut(taps).zip(channels) {
            for (tap, line) in lines.iter_mut().enumerate() {
                let tap = [tap / window.size[1], tap % window.size[1]];
                self.spread_tap(channel, tap, from, &mut line[..count]);
            }
        }
    }

    /// What one tap sees of one channel.
    #[inline(always)]
    fn spread_tap(&self, channel: &[f32], tap: [usize; 2], from: usize, line: &mut [f32]) {
        let window = &self.convolution.window;
        let [height, width] = self.sides;
        let before = self.margins.before;
        let (first, last) = window.inside(1, tap[1], before[1], width, self.places[1]);
        let (mut row, mut column) = (from / self.places[1], from % self.places[1]);
        let mut rest = line;
        while !rest.is_empty() {
            let here = rest.len().min(self.places[1] - column);
            let (part, others) = rest.split_at_mut(here);
            rest = others;
            let pixel = row * window.stride[0] + tap[0] * window.dilation[0];
            let (start, end) = (
                first.clamp(column, column + here),
                last.clamp(column, column + here),
            );
            if pixel < before[0] || pixel >= before[0] + height || start >= end {
                part.fill(0.0);
            } else {
                let pixels = &channel[(pixel - before[0]) * width..][..width];
                part[..start - column].fill(0.0);
                part[end - column..].fill(0.0);
                let offset = start * window.stride[1] + tap[1] * window.dilation[1] - before[1];
                let part = &mut part[start - column..end - column];
                match window.stride[1] {
                    1 => copy(part, &pixels[offset..]),
                    2 => take_every_other(part, &pixels[offset..]),
                    stride => {
                        for (place, pixel) in
                            part.iter_mut().zip(pixels[offset..].iter().step_by(stride))
                        {
                            *place = *pixel;
                        }
                    }
                }
            }
            (row, column) = (row + 1, 0);
        }
    }
}

/// Copies a few numbers without a call.
#[inline(always)]
fn copy(part: &mut [f32], pixels: &[f32]) {
    for (place, pixel) in part.iter_mut().zip(pixels) {
        *place = *pixel;
    }
}

#[inline(always)]
fn take_every_other(part: &mut [f32], pixels: &[f32]) {
    for (place, pixel) in part.iter_mut().zip(pixels.iter().step_by(2)) {
        *place = *pixel;
    }
}

/// The product of a tile of weights `[depth, HEIGHT]` with a panel `[depth, WIDTH]`.
#[inline(always)]
fn multiply<S: Simd, const ROWS: usize, const VECTORS: usize>(
    simd: S,
    weights: &[f32],
    panel: &[f32],
    sums: &mut [[f32; WIDTH]; HEIGHT],
) {
    let (weights, _) = weights.as_chunks::<HEIGHT>();
    let (panel, _) = panel.as_chunks::<WIDTH>();
    let columns = VECTORS * S::F32_LANES;
    for (part, sums) in sums.chunks_exact_mut(ROWS).enumerate() {
        for column in (0..WIDTH).step_by(columns) {
            let mut totals = [[simd.splat_f32s(0.0); VECTORS]; ROWS];
            for (weights, pixels) in weights.iter().zip(panel) {
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
