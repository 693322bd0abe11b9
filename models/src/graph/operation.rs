//! The operations of a graph, in the words of ONNX where it has one.
//!
//! Each knows two things: what comes of inputs of which only some is known ([`Operation::infer`], when a graph is loaded, and again before each run
//! of a node, when everything is known: nothing larger is allocated than what was inferred), and how it is computed ([`Operation::run`]).

use candle_core::{DType, Result, Tensor, bail};

use super::operators::convolution::{Convolve, Prepared};
use super::operators::dense::Dense;
use super::operators::matrix::{MatMul, Softmax};
use super::operators::norm::{BatchNormalization, LayerNormalization};
use super::operators::pool::Pool;
use super::operators::recurrent::Recurrent;
use super::operators::reduce::{ArgExtreme, Reduce, TopK};
use super::operators::resize::Resize;
use super::operators::transposed::{ConvolveTransposed, PreparedTransposed};
use super::operators::{arrange, elementwise, fill, pad, pick, shape};
use super::outline::{Arguments, Inputs, Outline};
use crate::kernels::Unary;

pub(super) use super::operators::block::Block;
pub(super) use super::operators::elementwise::{Binary, Cast};
pub(super) use super::operators::pad::{Pad, PadMode};

/// What a node computes. Axes, shapes and other whole numbers that may be inputs always are: readers make constants of those that stand in attributes.
#[derive(Debug, Clone)]
pub(super) enum Operation {
    /// Inputs: none but the value itself.
    Unary(Unary),
    /// The other truth value.
    Not,
    Binary(Binary),
    /// Of three inputs: where the first is true the second, else the third.
    Select,
    Cast(Cast),
    Identity,
    /// The sides of the input, from the one number on to the other.
    Shape(i64, Option<i64>),
    /// How many numbers the input has.
    Size,
    Convolve(Convolve),
    ConvolveTransposed(ConvolveTransposed),
    /// A convolution with its weights laid out; what a graph that was loaded has instead of the first.
    Prepared(Box<Prepared>),
    PreparedTransposed(Box<PreparedTransposed>),
    Pool(Pool),
    BatchNormalization(BatchNormalization),
    LayerNormalization(LayerNormalization),
    /// Inputs: the value, and the axes; without these, all.
    Reduce(Reduce),
    ArgExtreme(ArgExtreme),
    /// Inputs: the value, and how many.
    TopK(TopK),
    MatMul(MatMul),
    /// A product whose right side is laid out.
    Dense(Box<Dense>),
    Softmax(Softmax),
    Recurrent(Recurrent),
    Concat(i64),
    /// Inputs: the value, and the lengths of the parts; without these, equal ones. The axis, and how many parts.
    Split(i64, usize),
    /// Inputs: the value, starts, ends, axes, steps, as ONNX has them.
    Slice,
    Transpose(Vec<usize>),
    /// Inputs: the value, and the sides; whether a side of 0 is that of the input.
    Reshape(ZeroSide),
    /// Inputs: the value, and the axes; without these, all of length 1.
    Squeeze,
    /// Inputs: the value, and the axes.
    Unsqueeze,
    /// All axes before this one become one, and all others.
    Flatten(i64),
    /// Inputs: the value, and the sides.
    Expand,
    /// Inputs: the value, and how many times along each axis.
    Tile,
    /// Inputs: the value, margins before and after each axis, the number to fill in, the axes.
    Pad(Pad),
    DepthToSpace(Block),
    SpaceToDepth(Block),
    /// Inputs: the value, and the places along the axis.
    Gather(i64),
    GatherElements(i64),
    /// Inputs: the value, and places in its first axes.
    GatherNd,
    /// Inputs: the sides, and the number.
    Fill,
    /// Inputs: start, limit, step.
    Range,
    Resize(Resize),
}

/// What a side of 0 means that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ZeroSide {
    /// That of the input at the same place.
    OfInput,
    Empty,
}

impl Operation {
    /// What comes of such inputs.
    ///
    /// # Errors
    /// If the operation cannot take them.
    pub(super) fn infer(&self, inputs: Inputs<'_>) -> Result<Vec<Outline>> {
        let one = match self {
            Self::Unary(_) => inputs.typed(0, DType::F32)?.clone(),
            Self::Not => inputs.typed(0, DType::U8)?.clone(),
            Self::Identity => inputs.outline(0)?.clone(),
            Self::Cast(cast) => Outline {
                dtype: cast.dtype(),
                ..inputs.outline(0)?.clone()
            },
            Self::Binary(binary) => binary.infer(inputs)?,
            Self::Select => elementwise::infer_select(inputs)?,
            Self::Shape(from, to) => shape::infer_shape(inputs, *from, *to)?,
            Self::Size => Outline::fixed(DType::I64, &[]),
            Self::Convolve(convolve) => convolve.infer(inputs)?,
            Self::ConvolveTransposed(convolve) => convolve.infer(inputs)?,
            Self::Prepared(prepared) => prepared.infer(inputs)?,
            Self::PreparedTransposed(prepared) => prepared.infer(inputs)?,
            Self::Pool(pool) => pool.infer(inputs)?,
            Self::BatchNormalization(_) | Self::LayerNormalization(_) | Self::Softmax(_) => {
                inputs.typed(0, DType::F32)?.clone()
            }
            Self::Reduce(reduce) => reduce.infer(inputs)?,
            Self::ArgExtreme(extreme) => extreme.infer(inputs)?,
            Self::TopK(top) => return top.infer(inputs),
            Self::MatMul(product) => product.infer(inputs)?,
            Self::Dense(product) => product.infer(inputs)?,
            Self::Recurrent(recurrent) => return recurrent.infer(inputs),
            Self::Concat(axis) => arrange::infer_concat(inputs, *axis)?,
            Self::Split(axis, parts) => return arrange::infer_split(inputs, *axis, *parts),
            Self::Slice => pick::infer_slice(inputs)?,
            Self::Transpose(order) => arrange::infer_transpose(inputs, order)?,
            Self::Reshape(zero) => shape::infer_reshape(inputs, *zero)?,
            Self::Squeeze => shape::infer_squeeze(inputs)?,
            Self::Unsqueeze => shape::infer_unsqueeze(inputs)?,
            Self::Flatten(axis) => shape::infer_flatten(inputs, *axis)?,
            Self::Expand => fill::infer_expand(inputs)?,
            Self::Tile => fill::infer_tile(inputs)?,
            Self::Pad(_) => pad::infer(inputs)?,
            Self::DepthToSpace(block) => block.infer_to_space(inputs)?,
            Self::SpaceToDepth(block) => block.infer_to_depth(inputs)?,
            Self::Gather(axis) => pick::infer_gather(inputs, *axis)?,
            Self::GatherElements(axis) => pick::infer_gather_elements(inputs, *axis)?,
            Self::GatherNd => pick::infer_gather_nd(inputs)?,
            Self::Fill => fill::infer_fill(inputs)?,
            Self::Range => fill::infer_range(inputs)?,
            Self::Resize(resize) => resize.infer(inputs)?,
        };
        Ok(vec![one])
    }

    /// Computes it. `inferred` is what [`Self::infer`] said of these inputs.
    ///
    /// # Errors
    /// If the inputs are not such as [`Self::infer`] takes.
    pub(super) fn run(&self, inputs: Arguments<'_>, inferred: &[Outline]) -> Result<Vec<Tensor>> {
        let one = match self {
            Self::Unary(function) => elementwise::unary(*function, inputs.tensor(0)?)?,
            Self::Not => inputs.tensor(0)?.eq(0u8)?,
            Self::Identity => inputs.tensor(0)?.clone(),
            Self::Cast(cast) => cast.run(inputs.tensor(0)?)?,
            Self::Binary(binary) => binary.run(inputs)?,
            Self::Select => elementwise::select(inputs)?,
            Self::Shape(from, to) => shape::sides_of(inputs, *from, *to)?,
            Self::Size => shape::count_of(inputs)?,
            Self::Convolve(convolve) => convolve.run(inputs)?,
            Self::ConvolveTransposed(convolve) => convolve.run(inputs)?,
            Self::Prepared(prepared) => prepared.run(inputs)?,
            Self::PreparedTransposed(prepared) => prepared.run(inputs)?,
            Self::Pool(pool) => pool.run(inputs)?,
            Self::BatchNormalization(norm) => norm.run(inputs)?,
            Self::LayerNormalization(norm) => norm.run(inputs)?,
            Self::Reduce(reduce) => reduce.run(inputs)?,
            Self::ArgExtreme(extreme) => extreme.run(inputs)?,
            Self::TopK(top) => return top.run(inputs),
            Self::MatMul(product) => product.run(inputs)?,
            Self::Dense(product) => product.run(inputs)?,
            Self::Softmax(softmax) => softmax.run(inputs)?,
            Self::Recurrent(recurrent) => return recurrent.run(inputs),
            Self::Concat(axis) => arrange::concat(inputs, *axis)?,
            Self::Split(axis, _) => return arrange::split(inputs, *axis, inferred),
            Self::Slice => pick::slice(inputs)?,
            Self::Transpose(order) => arrange::transpose(inputs.tensor(0)?, order)?,
            Self::Reshape(_) | Self::Squeeze | Self::Unsqueeze | Self::Flatten(_) => {
                inputs.tensor(0)?.reshape(sides(inferred)?)?
            }
            Self::Expand => fill::expand(inputs, &sides(inferred)?)?,
            Self::Tile => fill::tile(inputs, &sides(inferred)?)?,
            Self::Pad(pad) => pad.run(inputs)?,
            Self::DepthToSpace(block) => block.to_space(inputs)?,
            Self::SpaceToDepth(block) => block.to_depth(inputs)?,
            Self::Gather(axis) => pick::gather(inputs, *axis)?,
            Self::GatherElements(axis) => pick::gather_elements(inputs, *axis)?,
            Self::GatherNd => pick::gather_nd(inputs)?,
            Self::Fill => fill::fill(inputs, &sides(inferred)?)?,
            Self::Range => fill::range(inputs)?,
            Self::Resize(resize) => resize.run(inputs, &sides(inferred)?)?,
        };
        Ok(vec![one])
    }
}

/// The sides of the one output, which are known when a node runs.
fn sides(inferred: &[Outline]) -> Result<Vec<usize>> {
    match inferred.first().and_then(Outline::known) {
        Some(sides) => Ok(sides),
        None => bail!("all sides were expected to be known"),
    }
}
