//! Convolution of one or two axes, `[count, channels, rows, columns]`.

use candle_core::{DType, Result, Tensor, bail};

use super::elementwise::{finish, with_floats};
use crate::graph::outline::{Arguments, Inputs, Outline, Sides};
use crate::kernels::{Convolution, Finish, Margins, Pictures, Unary, Weights, Window};

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

/// The numbers of pictures that are laid out with their margins.
const PADDED_LIMIT: usize = 1 << 28;

/// At how many places the window fits.
///
/// # Errors
/// If it is larger than the picture with its margins, or so many channels of it are too large to be laid out.
pub(in crate::graph) fn places(
    window: &Window,
    padding: Padding,
    channels: usize,
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
        .and_then(|(rows, columns)| rows.checked_mul(columns)?.checked_mul(channels));
    match (window.positions([rows, columns], margins), area) {
        (Some(places), Some(area)) if area <= PADDED_LIMIT => Ok(places.map(Some)),
        _ => bail!(
            "a picture that holds the window {:?} and has at most {PADDED_LIMIT} numbers was expected, got {rows} x {columns} with {margins:?}",
            window.size
        ),
    }
}

/// A convolution. Inputs: pictures, weights `[outputs, inputs / groups, rows, columns]`, and a bias that may be left out.
#[derive(Debug, Clone)]
pub(in crate::graph) struct Convolve {
    pub(in crate::graph) stride: [usize; 2],
    pub(in crate::graph) dilation: [usize; 2],
    pub(in crate::graph) padding: Padding,
    pub(in crate::graph) groups: usize,
    pub(in crate::graph) activation: Option<Unary>,
    /// What each output channel is multiplied by and what is added, behind the activation; or empty.
    pub(in crate::graph) line: Vec<[f32; 2]>,
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
        let places = places(
            &self.window(height, width),
            self.padding,
            each,
            [rows, columns],
        )?;
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
        let found = bias.len();
        let finish = Finish {
            bias,
            activation: self.activation,
            line: self.line.clone(),
        };
        let convolution = with_floats(weights, |values| {
            Ok(Convolution::new(Weights {
                values,
                outputs,
                groups: self.groups,
                window: self.window(rows, columns),
                finish,
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
                found
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
        let window = self.convolution.window();
        let places = places(
            window,
            self.padding,
            self.convolution.channels(),
            [rows, columns],
        )?;
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
