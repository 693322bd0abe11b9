//! The transposed convolution, `[count, channels, rows, columns]`.

use candle_core::{DType, Result, Tensor, bail};

use super::convolution::{Padding, output_sides, picture_sides};
use super::elementwise::{finish, with_floats};
use crate::graph::outline::{Arguments, Inputs, Outline, Sides};
use crate::kernels::{
    Convolution, Finish, Margins, Pictures, Unary, Weights, Window, permute, spread_back,
};

/// The bytes of the products of all pixels with all taps.
const PRODUCTS_LIMIT: usize = 1 << 28;

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
    pub(in crate::graph) activation: Option<Unary>,
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

    /// Lays the weights out: all taps of all outputs are multiplied with each pixel.
    pub(in crate::graph) fn prepare(
        &self,
        weights: &Tensor,
        bias: Option<&Tensor>,
    ) -> Result<PreparedTransposed> {
        let sides = weights.dims().iter().copied().map(Some).collect();
        let [Some(inputs), Some(each), Some(rows), Some(columns)] = picture_sides(&sides)? else {
            bail!("weights of known sides were expected");
        };
        let window = Window {
            size: [rows, columns],
            stride: self.stride,
            dilation: self.dilation,
        };
        let (groups, outputs) = (self.groups, each * self.groups);
        let bias = match bias {
            Some(bias) => bias.flatten_all()?.to_vec1()?,
            None => vec![0f32; outputs],
        };
        let products = each * rows * columns;
        let point = Window {
            size: [1, 1],
            stride: [1, 1],
            dilation: [1, 1],
        };
        let product = with_floats(weights, |values| {
            let of_group = inputs.checked_div(groups).unwrap_or(0);
            let turned = permute(values, &[groups, of_group, products], &[0, 2, 1]);
            Ok(turned.and_then(|values| {
                Convolution::new(Weights {
                    values: &values,
                    outputs: products * groups,
                    groups,
                    window: point,
                    finish: Finish::default(),
                })
            }))
        })?;
        match product {
            Some(product) if bias.len() == outputs => Ok(PreparedTransposed {
                layer: *self,
                window,
                product,
                bias,
            }),
            _ => bail!(
                "weights in {groups} groups, with a bias for each output, were expected, got {:?} and {} of bias",
                weights.dims(),
                bias.len()
            ),
        }
    }

    pub(in crate::graph) fn run(&self, inputs: Arguments<'_>) -> Result<Tensor> {
        self.prepare(inputs.tensor(1)?, inputs.get(2))?.run(inputs)
    }
}

/// A transposed convolution whose weights are laid out. Inputs: pictures.
#[derive(Debug, Clone)]
pub(in crate::graph) struct PreparedTransposed {
    layer: ConvolveTransposed,
    window: Window,
    product: Convolution,
    /// One for each output channel.
    bias: Vec<f32>,
}

impl PreparedTransposed {
    pub(in crate::graph) fn infer(&self, inputs: Inputs<'_>) -> Result<Outline> {
        match &inputs.typed(0, DType::F32)?.sides {
            Some(sides) => self.outline(sides),
            None => Ok(Outline::unknown(DType::F32)),
        }
    }

    fn outline(&self, sides: &Sides) -> Result<Outline> {
        let [count, channels, rows, columns] = picture_sides(sides)?;
        let expected = self.product.inputs();
        if channels.is_some_and(|channels| channels != expected) {
            bail!("{expected} channels were expected, got {channels:?}");
        }
        let products = Outline::new(
            DType::F32,
            vec![count, Some(self.product.outputs()), rows, columns],
        );
        if products.bytes()? > PRODUCTS_LIMIT {
            bail!(
                "products of at most {PRODUCTS_LIMIT} bytes were expected, got {:?}",
                products.sides
            );
        }
        let side = |axis: usize, side: Option<usize>| {
            side.map(|side| {
                self.layer
                    .along(axis, side, self.window.size[axis])
                    .map(|(side, _)| side)
            })
            .transpose()
        };
        let places = [side(0, rows)?, side(1, columns)?];
        Ok(output_sides(sides, Some(self.bias.len()), places))
    }

    pub(in crate::graph) fn run(&self, inputs: Arguments<'_>) -> Result<Tensor> {
        let input = inputs.tensor(0)?;
        let sides = Outline::of(input).sides.unwrap_or_default();
        let [Some(count), Some(channels), Some(rows), Some(columns)] = picture_sides(&sides)?
        else {
            bail!("pictures of known sides were expected");
        };
        let (down, top) = self.layer.along(0, rows, self.window.size[0])?;
        let (across, left) = self.layer.along(1, columns, self.window.size[1])?;
        let pictures = Pictures {
            count,
            channels,
            sides: [rows, columns],
            margins: Margins::default(),
        };
        let products = with_floats(input, |values| Ok(self.product.run(values, pictures)))?;
        let mut output = Vec::with_capacity(count * self.bias.len() * down * across);
        for bias in std::iter::repeat_n(&self.bias, count).flatten() {
            output.resize(output.len() + down * across, *bias);
        }
        let margins = Margins {
            before: [top, left],
            after: [0, 0],
        };
        let products = products.map(|products| {
            spread_back(
                &products,
                &self.window,
                margins,
                [rows, columns],
                &mut output,
                [down, across],
            );
            if let Some(activation) = self.layer.activation {
                activation.apply(&mut output);
            }
            output
        });
        finish(products, self.outline(&sides)?.known().unwrap_or_default())
    }

    /// The bytes of the weights.
    pub(in crate::graph) fn bytes(&self) -> usize {
        self.product.bytes()
    }
}
