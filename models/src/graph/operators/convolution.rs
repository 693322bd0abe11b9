//! Convolution of one or two axes, and the transposed one, `[count, channels, rows, columns]`.

use candle_core::{DType, Device, Result, Tensor, bail};

use super::elementwise::{finish, with_floats};
use crate::graph::outline::{Arguments, COUNT_LIMIT, Inputs, Outline, Sides};
use crate::kernels::{Convolution, Margins, Pictures, Unary, Weights, Window, spread_back};

/// How wide the margins are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::graph) enum Padding {
    Given(Margins),
    /// As many positions as the input's side divided by the stride, rounded up; an odd margin is wider behind.
    SameUpper,
    /// As `SameUpper`; an odd margin is wider in front.
    SameLower,
}

impl Padding {
    pub(in crate::graph) fn margins(self, window: &Window, sides: [usize; 2]) -> Result<Margins> {
        if let Self::Given(margins) = self {
            return Ok(margins);
        }
        let mut margins = Margins::default();
        for (axis, side) in sides.into_iter().enumerate() {
            let stride = window.stride[axis];
            let Some(span) = window.span(axis).filter(|_| stride > 0) else {
                bail!("a window that can be counted was expected, got {window:?}");
            };
            let reach = (side.div_ceil(stride).saturating_sub(1)).saturating_mul(stride);
            let missing = reach.saturating_add(span).saturating_sub(side);
            let (less, more) = (missing / 2, missing.div_ceil(2));
            let is_upper = self == Self::SameUpper;
            (margins.before[axis], margins.after[axis]) =
                if is_upper { (less, more) } else { (more, less) };
        }
        Ok(margins)
    }
}

/// The sides of pictures, of which those with one axis are taken as one row.
pub(in crate::graph) fn picture_sides(sides: &Sides) -> Result<[Option<usize>; 4]> {
    match sides[..] {
        [count, channels, columns] => Ok([count, channels, Some(1), columns]),
        [count, channels, rows, columns] => Ok([count, channels, rows, columns]),
        _ => bail!("an input of 3 or 4 sides was expected, got {sides:?}"),
    }
}

/// The sides of the output, of as many axes as the input.
pub(in crate::graph) fn output_sides(
    input: &Sides,
    channels: Option<usize>,
    places: [Option<usize>; 2],
) -> Outline {
    let sides = match input.len() {
        3 => vec![input[0], channels, places[1]],
        _ => vec![input[0], channels, places[0], places[1]],
    };
    Outline::new(DType::F32, sides)
}

/// At how many places the window fits.
///
/// # Errors
/// If it is larger than the picture with its margins, or these are too large to be laid out.
pub(in crate::graph) fn places(
    window: &Window,
    padding: Padding,
    sides: [Option<usize>; 2],
) -> Result<[Option<usize>; 2]> {
    let [Some(rows), Some(columns)] = sides else {
        return Ok([None, None]);
    };
    let margins = padding.margins(window, [rows, columns])?;
    let padded = |axis: usize, side: usize| {
        side.checked_add(margins.before[axis])?
            .checked_add(margins.after[axis])?
            .checked_add(window.stride[axis])
    };
    let area = padded(0, rows)
        .zip(padded(1, columns))
        .and_then(|(rows, columns)| rows.checked_mul(columns));
    match (window.positions([rows, columns], margins), area) {
        (Some(places), Some(area)) if area <= COUNT_LIMIT / 8 => Ok(places.map(Some)),
        _ => bail!(
            "a picture that holds the window {:?} was expected, got {rows} x {columns} with {margins:?}",
            window.size
        ),
    }
}

/// A convolution. Inputs: pictures, weights `[outputs, inputs / groups, rows, columns]`, and a bias that may be left out.
#[derive(Debug, Clone, Copy)]
pub(in crate::graph) struct Convolve {
    pub(in crate::graph) stride: [usize; 2],
    pub(in crate::graph) dilation: [usize; 2],
    pub(in crate::graph) padding: Padding,
    pub(in crate::graph) groups: usize,
    pub(in crate::graph) activation: Option<Unary>,
}

impl Convolve {
    fn window(&self, rows: usize, columns: usize) -> Window {
        Window {
            size: [rows, columns],
            stride: self.stride,
            dilation: self.dilation,
        }
    }

    pub(in crate::graph) fn infer(&self, inputs: Inputs<'_>) -> Result<Outline> {
        let (input, weights) = (inputs.typed(0, DType::F32)?, inputs.typed(1, DType::F32)?);
        let (Some(sides), Some(weights)) = (&input.sides, weights.known()) else {
            return Ok(Outline::unknown(DType::F32));
        };
        let weights = weights.into_iter().map(Some).collect();
        let [_, channels, rows, columns] = picture_sides(sides)?;
        let [Some(outputs), Some(each), Some(height), Some(width)] = picture_sides(&weights)?
        else {
            return Ok(Outline::unknown(DType::F32));
        };
        if channels.is_some_and(|channels| each.checked_mul(self.groups) != Some(channels)) {
            bail!(
                "{each} channels in each of {} groups were expected, got {channels:?}",
                self.groups
            );
        }
        let places = places(&self.window(height, width), self.padding, [rows, columns])?;
        Ok(output_sides(sides, Some(outputs), places))
    }

    /// Lays the weights out.
    pub(in crate::graph) fn prepare(
        &self,
        weights: &Tensor,
        bias: Option<&Tensor>,
    ) -> Result<Prepared> {
        let sides = weights.dims().iter().copied().map(Some).collect();
        let [Some(outputs), _, Some(rows), Some(columns)] = picture_sides(&sides)? else {
            bail!("weights of known sides were expected");
        };
        let bias = match bias {
            Some(bias) => bias.flatten_all()?.to_vec1()?,
            None => Vec::new(),
        };
        let convolution = with_floats(weights, |values| {
            Ok(Convolution::new(Weights {
                values,
                outputs,
                groups: self.groups,
                window: self.window(rows, columns),
                bias: &bias,
                activation: self.activation,
            }))
        })?;
        match convolution {
            Some(convolution) => Ok(Prepared {
                convolution,
                padding: self.padding,
            }),
            None => bail!(
                "weights in {} groups, with a bias for each output, were expected, got {:?} and {} of bias",
                self.groups,
                weights.dims(),
                bias.len()
            ),
        }
    }

    pub(in crate::graph) fn run(&self, inputs: Arguments<'_>) -> Result<Tensor> {
        self.prepare(inputs.tensor(1)?, inputs.get(2))?.run(inputs)
    }
}

/// A convolution whose weights are laid out. Inputs: pictures.
#[derive(Debug, Clone)]
pub(in crate::graph) struct Prepared {
    convolution: Convolution,
    padding: Padding,
}

impl Prepared {
    pub(in crate::graph) fn infer(&self, inputs: Inputs<'_>) -> Result<Outline> {
        let Some(sides) = &inputs.typed(0, DType::F32)?.sides else {
            return Ok(Outline::unknown(DType::F32));
        };
        let [_, channels, rows, columns] = picture_sides(sides)?;
        let expected = self.convolution.inputs();
        if channels.is_some_and(|channels| channels != expected) {
            bail!("{expected} channels were expected, got {channels:?}");
        }
        let places = places(self.convolution.window(), self.padding, [rows, columns])?;
        Ok(output_sides(
            sides,
            Some(self.convolution.outputs()),
            places,
        ))
    }

    pub(in crate::graph) fn run(&self, inputs: Arguments<'_>) -> Result<Tensor> {
        let input = inputs.tensor(0)?;
        let outline = Outline::of(input);
        let sides = outline.sides.unwrap_or_default();
        let [Some(count), Some(channels), Some(rows), Some(columns)] = picture_sides(&sides)?
        else {
            bail!("pictures of known sides were expected");
        };
        let window = self.convolution.window();
        let margins = self.padding.margins(window, [rows, columns])?;
        let places = window
            .positions([rows, columns], margins)
            .map(|places| places.map(Some));
        let pictures = Pictures {
            count,
            channels,
            sides: [rows, columns],
            margins,
        };
        let output = with_floats(input, |values| Ok(self.convolution.run(values, pictures)))?;
        let outline = output_sides(
            &sides,
            Some(self.convolution.outputs()),
            places.unwrap_or_default(),
        );
        finish(output, outline.known().unwrap_or_default())
    }

    /// The bytes of the weights.
    pub(in crate::graph) fn bytes(&self) -> usize {
        self.convolution.bytes()
    }
}

/// The transposed convolution. Inputs: pictures, weights `[inputs, outputs / groups, rows, columns]`, and a bias that may be left out.
#[derive(Debug, Clone, Copy)]
pub(in crate::graph) struct ConvolveTransposed {
    pub(in crate::graph) stride: [usize; 2],
    pub(in crate::graph) dilation: [usize; 2],
    /// What is cut off from the output; the same on all sides by `SameUpper` and `SameLower` leaves the input's side times the stride.
    pub(in crate::graph) padding: Padding,
    /// Rows and columns that the output has more at its end.
    pub(in crate::graph) more: [usize; 2],
    pub(in crate::graph) groups: usize,
}

impl ConvolveTransposed {
    /// The output's side, and what of it is cut off in front.
    fn along(&self, axis: usize, side: usize, taps: usize) -> Result<(usize, usize)> {
        let full = || {
            let reach = side.checked_sub(1)?.checked_mul(self.stride[axis])?;
            let span = taps.checked_sub(1)?.checked_mul(self.dilation[axis])?;
            reach
                .checked_add(span)?
                .checked_add(1)?
                .checked_add(self.more[axis])
        };
        let cut = |full: usize| match self.padding {
            Padding::Given(margins) => {
                let cut = margins.before[axis].checked_add(margins.after[axis])?;
                Some((full.checked_sub(cut)?, margins.before[axis]))
            }
            same => {
                let cut = full.saturating_sub(side.checked_mul(self.stride[axis])?);
                let before = if same == Padding::SameUpper {
                    cut / 2
                } else {
                    cut.div_ceil(2)
                };
                Some((full - cut, before))
            }
        };
        match full().and_then(cut) {
            Some((side, before)) if side > 0 => Ok((side, before)),
            _ => bail!(
                "an output of at least one pixel was expected, of a side of {side} and {taps} taps"
            ),
        }
    }

    pub(in crate::graph) fn infer(&self, inputs: Inputs<'_>) -> Result<Outline> {
        let (input, weights) = (inputs.typed(0, DType::F32)?, inputs.typed(1, DType::F32)?);
        let (Some(sides), Some(weights)) = (&input.sides, weights.known()) else {
            return Ok(Outline::unknown(DType::F32));
        };
        let weights = weights.into_iter().map(Some).collect();
        let [_, channels, rows, columns] = picture_sides(sides)?;
        let [Some(inputs), Some(each), Some(height), Some(width)] = picture_sides(&weights)? else {
            return Ok(Outline::unknown(DType::F32));
        };
        if self.stride.contains(&0) {
            bail!("strides of at least 1 were expected, got {:?}", self.stride);
        }
        let is_other = channels.is_some_and(|channels| channels != inputs);
        if is_other || self.groups == 0 || !inputs.is_multiple_of(self.groups) {
            bail!(
                "{inputs} channels in {} groups were expected, got {channels:?}",
                self.groups
            );
        }
        let side = |axis: usize, side: Option<usize>, taps: usize| {
            side.map(|side| self.along(axis, side, taps).map(|(side, _)| side))
                .transpose()
        };
        let places = [side(0, rows, height)?, side(1, columns, width)?];
        Ok(output_sides(sides, each.checked_mul(self.groups), places))
    }

    /// As a product of all pixels with all taps, whose results are added where they belong.
    pub(in crate::graph) fn run(&self, inputs: Arguments<'_>) -> Result<Tensor> {
        let (input, weights) = (inputs.tensor(0)?, inputs.tensor(1)?);
        let is_row = input.rank() == 3;
        let lift = |tensor: &Tensor| {
            if is_row {
                tensor.unsqueeze(2)
            } else {
                Ok(tensor.clone())
            }
        };
        let (input, weights) = (lift(input)?.contiguous()?, lift(weights)?.contiguous()?);
        let (count, channels, rows, columns) = input.dims4()?;
        let (_, each, height, width) = weights.dims4()?;
        let (down, top) = self.along(0, rows, height)?;
        let (across, left) = self.along(1, columns, width)?;
        let (groups, of_group) = (self.groups, channels / self.groups);
        let outputs = each * groups;
        let mut output = match inputs.get(2) {
            Some(bias) => {
                let bias = bias.reshape((1, outputs, 1, 1))?;
                bias.broadcast_as((count, outputs, down, across))?
                    .flatten_all()?
                    .to_vec1()?
            }
            None => vec![0f32; count * outputs * down * across],
        };
        let weights = weights.reshape((groups, of_group, each * height * width))?;
        let input = input.reshape((count, groups, of_group, rows * columns))?;
        let window = Window {
            size: [height, width],
            stride: self.stride,
            dilation: self.dilation,
        };
        let margins = Margins {
            before: [top, left],
            after: [0, 0],
        };
        let pictures = output.chunks_exact_mut(each * down * across);
        for (at, output) in pictures.enumerate() {
            let weights = weights.get(at % groups)?.t()?;
            let input = input.get(at / groups)?.get(at % groups)?;
            // Row by row, since the products of all pixels with all taps are many times the output.
            for row in 0..rows {
                let products =
                    weights.matmul(&input.narrow(1, row * columns, columns)?.contiguous()?)?;
                with_floats(&products, |products| {
                    spread_back(
                        products,
                        &window,
                        margins,
                        row,
                        columns,
                        output,
                        [down, across],
                    );
                    Ok(())
                })?;
            }
        }
        let output = Tensor::from_vec(output, (count, outputs, down, across), &Device::Cpu)?;
        if is_row {
            output.squeeze(2)
        } else {
            Ok(output)
        }
    }
}
