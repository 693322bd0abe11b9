//! Convolution of pictures, `[channels, rows, columns]` one after the other.
//!
//! Tiles of eight output channels are multiplied with what 48 neighbouring positions of the window see, one tap after the other: the sums of a tile stay in
//! registers. Weights were laid out for that when they were loaded, and pictures are, once, if the window has more than one tap (see [`super::padded`]). Bias,
//! activation and what follows are done to the sums while they are in the first cache. Where each channel has a window of its own, nothing is multiplied with
//! more than one weight: see [`super::depthwise`].
//!
//! Source of the tiling: Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication", 2008; of reading pictures where they lie:
//! Dukhan, "The Indirect Convolution Algorithm", 2019.

mod product;

use pulp::Arch;

use self::product::{HEIGHT, Product, WIDTH};
use super::depthwise::Depthwise;
use super::padded::Padded;
use super::unary::Unary;
use super::window::{Margins, Window};

/// Weights of one output channel: no network has more than some thousand, and each takes a line of the panel.
const DEPTH_LIMIT: usize = 1 << 18;
/// Numbers of all tiles.
const TILES_LIMIT: usize = 1 << 26;

/// The weights of a convolution, as its product wants them.
#[derive(Debug, Clone)]
pub(crate) struct Convolution {
    window: Window,
    groups: usize,
    inputs: usize,
    outputs: usize,
    form: Form,
    finish: Finish,
}

#[derive(Debug, Clone)]
enum Form {
    /// For each group and tile of output channels: the taps, with one weight for each channel; zeros behind the last.
    Tiles(Vec<f32>),
    Depthwise(Depthwise),
}

/// What is done to each sum, one after the other.
#[derive(Debug, Clone, Default)]
pub(crate) struct Finish {
    /// Added, for each output channel; or empty.
    pub(crate) bias: Vec<f32>,
    pub(crate) activation: Option<Unary>,
    /// For each output channel what is multiplied and what is added then; or empty.
    pub(crate) line: Vec<[f32; 2]>,
}

impl Finish {
    /// All but the bias, to numbers of one channel.
    #[inline(always)]
    pub(super) fn apply(&self, channel: usize, sums: &mut [f32]) {
        if let Some(activation) = self.activation {
            activation.apply_inlined(sums);
        }
        if let Some([factor, shift]) = self.line.get(channel) {
            for sum in sums {
                *sum = sum.mul_add(*factor, *shift);
            }
        }
    }
}

/// What a convolution is made of.
#[derive(Debug, Clone)]
pub(crate) struct Weights<'a> {
    /// `[outputs, inputs / groups, rows, columns]`
    pub(crate) values: &'a [f32],
    pub(crate) outputs: usize,
    pub(crate) groups: usize,
    pub(crate) window: Window,
    pub(crate) finish: Finish,
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
            mut finish,
        } = weights;
        let each = outputs.checked_div(groups)?;
        let depth = values.len().checked_div(outputs)?;
        let taps = window.size[0].checked_mul(window.size[1])?;
        let channels = depth.checked_div(taps)?;
        let of_channels = |count: usize| count == 0 || count == outputs;
        let fits = each * groups == outputs
            && outputs.checked_mul(depth)? == values.len()
            && channels * taps == depth
            && of_channels(finish.bias.len())
            && of_channels(finish.line.len())
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
        finish.bias.resize(outputs, 0.0);
        Some(Self {
            window,
            groups,
            inputs: channels * groups,
            outputs,
            form,
            finish,
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

    /// How many of them each output channel takes.
    pub(crate) fn channels(&self) -> usize {
        self.inputs / self.groups
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
        (weights + self.finish.bias.len() + 2 * self.finish.line.len()) * size_of::<f32>()
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
                    depthwise.run(input, sides, margins, output, &self.finish);
                }
                Form::Tiles(tiles) => self.multiply(tiles, input, pictures, places, output),
            }
        }
        Some(output)
    }

    /// One picture's product, group by group.
    fn multiply(
        &self,
        tiles: &[f32],
        input: &[f32],
        pictures: Pictures,
        places: [usize; 2],
        output: &mut [f32],
    ) {
        let Pictures { sides, margins, .. } = pictures;
        let window = &self.window;
        let plane = sides[0] * sides[1];
        let is_plain =
            window.size == [1, 1] && window.stride == [1, 1] && margins == Margins::default();
        let padded = Padded::new(window, margins, places);
        let (channels, each) = (self.inputs / self.groups, self.outputs / self.groups);
        let (of_channel, width) = if is_plain {
            (plane, sides[1])
        } else {
            (padded.len(), padded.width)
        };
        let taps = window.size[0] * window.size[1];
        let offsets: Vec<usize> = (0..channels * taps)
            .map(|at| {
                let tap = at % taps;
                let tap = [tap / window.size[1], tap % window.size[1]];
                at / taps * of_channel + if is_plain { 0 } else { padded.offset(tap) }
            })
            .collect();
        let of_group = each.div_ceil(HEIGHT) * offsets.len() * HEIGHT;
        let mut laid_out = match is_plain {
            true => Vec::new(),
            // Behind the last row, for sums that nobody takes.
            false => vec![0f32; channels * of_channel + WIDTH],
        };
        let groups = input
            .chunks_exact(channels * plane)
            .zip(output.chunks_exact_mut(each * places[0] * places[1]));
        for (group, (input, output)) in groups.enumerate() {
            let pixels = if is_plain {
                input
            } else {
                let places = laid_out.chunks_exact_mut(of_channel);
                for (channel, places) in input.chunks_exact(plane).zip(places) {
                    padded.fill(channel, sides, places);
                }
                &laid_out
            };
            Arch::new().dispatch(Product {
                tiles: &tiles[group * of_group..][..of_group],
                pixels,
                offsets: &offsets,
                width,
                places,
                finish: &self.finish,
                first: group * each,
                output,
            });
        }
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
