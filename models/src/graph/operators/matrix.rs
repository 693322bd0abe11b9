//! Products of matrices, and shares of an axis.

use candle_core::{D, DType, Result, Tensor, bail};

use super::arrange::transpose;
use super::elementwise::{finish, with_floats};
use crate::graph::outline::{Arguments, Inputs, Outline, axis};
use crate::kernels::softmax_rows;

/// The product of the last two axes; the others are stretched to each other. A bias may be the third input, and is stretched to the product.
#[derive(Debug, Clone, Copy)]
pub(in crate::graph) struct MatMul {
    pub(in crate::graph) left: Side,
    pub(in crate::graph) right: Side,
    /// What the product is multiplied by.
    pub(in crate::graph) alpha: f64,
    /// What the bias is multiplied by.
    pub(in crate::graph) beta: f64,
}

/// How a matrix is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::graph) enum Side {
    AsItIs,
    Transposed,
}

impl MatMul {
    /// The product of two matrices as they are.
    pub(in crate::graph) const PLAIN: Self = Self {
        left: Side::AsItIs,
        right: Side::AsItIs,
        alpha: 1.0,
        beta: 1.0,
    };

    pub(in crate::graph) fn infer(&self, inputs: Inputs<'_>) -> Result<Outline> {
        let (left, right) = (inputs.typed(0, DType::F32)?, inputs.typed(1, DType::F32)?);
        let (Some(left), Some(right)) = (&left.sides, &right.sides) else {
            return Ok(Outline::unknown(DType::F32));
        };
        let (Some((left, before)), Some((right, others))) =
            (matrix(left, self.left, 0), matrix(right, self.right, 1))
        else {
            bail!("two inputs of at least one side were expected, got {left:?} and {right:?}");
        };
        if let (Some(depth), Some(other)) = (left[1], right[0])
            && depth != other
        {
            bail!("matrices of one depth were expected, got {depth} and {other}");
        }
        let rank = before.len().max(others.len());
        let side = |sides: &[Option<usize>], at: usize| {
            (at + sides.len())
                .checked_sub(rank)
                .map_or(Some(1), |at| sides[at])
        };
        let mut sides = Vec::with_capacity(rank + 2);
        for at in 0..rank {
            sides.push(match (side(before, at), side(others, at)) {
                (Some(1), other) => other,
                (one, Some(1)) => one,
                (None, other) | (other, None) => other,
                (one, other) if one == other => one,
                (one, other) => bail!("sides that can be stretched to each other were expected, got {one:?} and {other:?}"),
            });
        }
        if inputs
            .outline(0)?
            .sides
            .as_ref()
            .is_some_and(|sides| sides.len() > 1)
        {
            sides.push(left[0]);
        }
        if inputs
            .outline(1)?
            .sides
            .as_ref()
            .is_some_and(|sides| sides.len() > 1)
        {
            sides.push(right[1]);
        }
        Ok(Outline::new(DType::F32, sides))
    }

    pub(in crate::graph) fn run(&self, inputs: Arguments<'_>) -> Result<Tensor> {
        let (left, right) = (inputs.tensor(0)?, inputs.tensor(1)?);
        let (ranks, turn) = (
            (left.rank(), right.rank()),
            |tensor: &Tensor, side: Side| match side {
                Side::Transposed => tensor.transpose(D::Minus2, D::Minus1),
                Side::AsItIs => Ok(tensor.clone()),
            },
        );
        let left = if ranks.0 == 1 {
            left.unsqueeze(0)?
        } else {
            turn(left, self.left)?
        };
        let right = if ranks.1 == 1 {
            right.unsqueeze(1)?
        } else {
            turn(right, self.right)?
        };
        let (depth, rows) = (left.dim(D::Minus1)?, left.dim(D::Minus2)?);
        let mut product = if right.rank() == 2 && left.rank() > 2 {
            // All matrices on the left are one tall one.
            let flat = left
                .contiguous()?
                .reshape((left.elem_count() / depth.max(1), depth))?;
            let mut sides = left.dims().to_vec();
            sides.pop();
            sides.push(right.dim(1)?);
            flat.matmul(&right)?.reshape(sides)?
        } else if left.rank() == right.rank() && left.rank() == 2 {
            left.matmul(&right)?
        } else {
            left.contiguous()?.broadcast_matmul(&right.contiguous()?)?
        };
        if self.alpha != 1.0 {
            product = (product * self.alpha)?;
        }
        if let Some(bias) = inputs.get(2) {
            let bias = if self.beta == 1.0 {
                bias.clone()
            } else {
                (bias * self.beta)?
            };
            product = product.broadcast_add(&bias)?;
        }
        if ranks.1 == 1 {
            product = product.squeeze(D::Minus1)?;
        }
        match (ranks.0, rows) {
            (1, _) => product.squeeze(if ranks.1 == 1 { D::Minus1 } else { D::Minus2 }),
            _ => Ok(product),
        }
    }
}

/// The last two sides of an input, and those before; a vector is a row on the left and a column on the right.
type Matrix<'a> = ([Option<usize>; 2], &'a [Option<usize>]);

fn matrix(sides: &[Option<usize>], read: Side, place: usize) -> Option<Matrix<'_>> {
    if let [one] = sides {
        return Some((
            if place == 0 {
                [Some(1), *one]
            } else {
                [*one, Some(1)]
            },
            &[],
        ));
    }
    let (before, last) = sides.split_at_checked(sides.len().checked_sub(2)?)?;
    let [rows, columns] = last else {
        return None;
    };
    Some(match read {
        Side::AsItIs => ([*rows, *columns], before),
        Side::Transposed => ([*columns, *rows], before),
    })
}

/// Shares of an axis that come to 1, in proportion to the powers of the numbers.
#[derive(Debug, Clone, Copy)]
pub(in crate::graph) struct Softmax {
    pub(in crate::graph) axis: i64,
    pub(in crate::graph) extent: Extent,
    pub(in crate::graph) scale: Scale,
}

/// What has the sum 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::graph) enum Extent {
    Axis,
    /// The axis and all behind it, as ONNX had it before its version 13.
    AxisAndBehind,
}

/// Whether shares or their logarithms are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::graph) enum Scale {
    Linear,
    Logarithm,
}

impl Softmax {
    pub(in crate::graph) fn run(&self, inputs: Arguments<'_>) -> Result<Tensor> {
        let input = inputs.tensor(0)?;
        let along = axis(self.axis, input.rank())?;
        let last = input.rank() - 1;
        let is_last = along == last || self.extent == Extent::AxisAndBehind;
        let mut order: Vec<usize> = (0..input.rank()).collect();
        order.swap(along, last);
        let turned = if is_last {
            input.clone()
        } else {
            transpose(input, &order)?
        };
        let width: usize = match self.extent {
            Extent::Axis => input.dims()[along],
            Extent::AxisAndBehind => input.dims()[along..].iter().product(),
        };
        let mut shares = with_floats(&turned, |values| Ok(values.to_vec()))?;
        softmax_rows(&mut shares, width.max(1));
        if self.scale == Scale::Logarithm {
            crate::kernels::Unary::Log.apply(&mut shares);
        }
        let shares = finish(Some(shares), turned.dims().to_vec())?;
        if is_last {
            Ok(shares)
        } else {
            transpose(&shares, &order)
        }
    }
}
