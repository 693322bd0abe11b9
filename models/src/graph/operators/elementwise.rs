//! Functions of each number, and of pairs of numbers.

use candle_core::{DType, Device, Result, Tensor, WithDType, bail};

use crate::graph::outline::{Arguments, Inputs, Outline, Sides};
use crate::kernels::{Unary, combine, stretched};

/// A function of two numbers. Both inputs are stretched to each other's sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::graph) enum Binary {
    Add,
    Subtract,
    Multiply,
    Divide,
    /// Rounded down.
    FloorDivide,
    /// The rest of a division that is rounded down.
    FloorModulo,
    /// The rest of a division that is rounded towards zero.
    Remainder,
    Power,
    Least,
    Most,
    /// The first where it is positive, else the product.
    PRelu,
    SquaredDifference,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    And,
    Or,
    Xor,
}

/// What a function of two numbers gives.
#[derive(Clone, Copy)]
enum Function<T> {
    Number(fn(T, T) -> T),
    Truth(fn(T, T) -> bool),
}

impl Binary {
    pub(in crate::graph) fn infer(self, inputs: Inputs<'_>) -> Result<Outline> {
        let dtype = inputs.dtype(0)?;
        let other = inputs.typed(1, dtype)?;
        let result = match self {
            Self::Equal | Self::NotEqual | Self::Less | Self::LessOrEqual => DType::U8,
            Self::Greater | Self::GreaterOrEqual => DType::U8,
            _ => dtype,
        };
        Ok(match (&inputs.outline(0)?.sides, &other.sides) {
            (Some(one), Some(other)) => Outline::new(result, stretched_sides(one, other)?),
            _ => Outline::unknown(result),
        })
    }

    pub(in crate::graph) fn run(self, inputs: Arguments<'_>) -> Result<Tensor> {
        let (one, other) = (inputs.tensor(0)?, inputs.tensor(1)?);
        match (one.dtype(), other.dtype()) {
            (DType::F32, DType::F32) => self.of_floats(one, other),
            (DType::I64, DType::I64) => pairwise(one, other, self.of_integers()?),
            (DType::U8, DType::U8) => pairwise(one, other, self.of_bytes()?),
            (one, other) => {
                bail!("two inputs of one type were expected, got {one:?} and {other:?}")
            }
        }
    }

    /// Each function has a loop of its own, so that the compiler makes vectors of it.
    fn of_floats(self, one: &Tensor, other: &Tensor) -> Result<Tensor> {
        let truths =
            |function: fn(f32, f32) -> bool| pairwise(one, other, Function::Truth(function));
        match self {
            Self::Add => numbers(one, other, |a, b| a + b),
            Self::Subtract => numbers(one, other, |a, b| a - b),
            Self::Multiply => numbers(one, other, |a, b| a * b),
            Self::Divide => numbers(one, other, |a, b| a / b),
            Self::FloorDivide => numbers(one, other, |a, b| (a / b).floor()),
            Self::FloorModulo => numbers(one, other, |a, b| {
                let rest = a % b;
                if rest != 0.0 && (rest < 0.0) != (b < 0.0) {
                    rest + b
                } else {
                    rest
                }
            }),
            Self::Remainder => numbers(one, other, |a, b| a % b),
            Self::Power => numbers(one, other, f32::powf),
            Self::Least => numbers(one, other, |a, b| if b < a || b.is_nan() { b } else { a }),
            Self::Most => numbers(one, other, |a, b| if b > a || b.is_nan() { b } else { a }),
            Self::PRelu => numbers(one, other, |a, b| if a < 0.0 { a * b } else { a }),
            Self::SquaredDifference => numbers(one, other, |a, b| (a - b) * (a - b)),
            Self::Equal => truths(|a, b| a == b),
            Self::NotEqual => truths(|a, b| a != b),
            Self::Less => truths(|a, b| a < b),
            Self::LessOrEqual => truths(|a, b| a <= b),
            Self::Greater => truths(|a, b| a > b),
            Self::GreaterOrEqual => truths(|a, b| a >= b),
            Self::And | Self::Or | Self::Xor => {
                bail!("{self:?} of truth values was expected, got numbers")
            }
        }
    }

    /// Sums and products wrap around, as those of the references do; a division by 0 gives 0.
    fn of_integers(self) -> Result<Function<i64>> {
        Ok(match self {
            Self::Add => Function::Number(i64::wrapping_add),
            Self::Subtract => Function::Number(i64::wrapping_sub),
            Self::Multiply => Function::Number(i64::wrapping_mul),
            Self::Divide => Function::Number(|a, b| if b == 0 { 0 } else { a.wrapping_div(b) }),
            Self::FloorDivide => Function::Number(floor_divide),
            Self::FloorModulo => {
                Function::Number(|a, b| a.wrapping_sub(b.wrapping_mul(floor_divide(a, b))))
            }
            Self::Remainder => Function::Number(|a, b| if b == 0 { 0 } else { a.wrapping_rem(b) }),
            Self::Power => Function::Number(|a, b| match u32::try_from(b) {
                Ok(power) => a.wrapping_pow(power),
                Err(_) => 0,
            }),
            Self::Least => Function::Number(i64::min),
            Self::Most => Function::Number(i64::max),
            Self::PRelu => Function::Number(|a, b| if a < 0 { a.wrapping_mul(b) } else { a }),
            Self::SquaredDifference => Function::Number(|a, b| {
                let apart = a.wrapping_sub(b);
                apart.wrapping_mul(apart)
            }),
            _ => return self.comparison(),
        })
    }

    fn of_bytes(self) -> Result<Function<u8>> {
        Ok(match self {
            Self::And => Function::Number(|a, b| u8::from(a != 0 && b != 0)),
            Self::Or => Function::Number(|a, b| u8::from(a != 0 || b != 0)),
            Self::Xor => Function::Number(|a, b| u8::from((a != 0) != (b != 0))),
            Self::Least => Function::Number(u8::min),
            Self::Most => Function::Number(u8::max),
            _ => return self.comparison(),
        })
    }

    fn comparison<T: PartialOrd>(self) -> Result<Function<T>> {
        Ok(Function::Truth(match self {
            Self::Equal => |a, b| a == b,
            Self::NotEqual => |a, b| a != b,
            Self::Less => |a, b| a < b,
            Self::LessOrEqual => |a, b| a <= b,
            Self::Greater => |a, b| a > b,
            Self::GreaterOrEqual => |a, b| a >= b,
            _ => bail!("{self:?} of other types was expected"),
        }))
    }
}

fn floor_divide(a: i64, b: i64) -> i64 {
    if b == 0 {
        return 0;
    }
    let (quotient, rest) = (a.wrapping_div(b), a.wrapping_rem(b));
    if rest != 0 && (rest < 0) != (b < 0) {
        quotient - 1
    } else {
        quotient
    }
}

fn stretched_sides(one: &Sides, other: &Sides) -> Result<Sides> {
    let rank = one.len().max(other.len());
    let side = |sides: &Sides, at: usize| match (at + sides.len()).checked_sub(rank) {
        Some(at) => sides.get(at).copied().unwrap_or(Some(1)),
        None => Some(1),
    };
    let sides = (0..rank).map(|at| match (side(one, at), side(other, at)) {
        (Some(1), other) => Ok(other),
        (one, Some(1)) => Ok(one),
        (None, other) | (other, None) => Ok(other),
        (Some(one), Some(other)) if one == other => Ok(Some(one)),
        _ => bail!(
            "sides that can be stretched to each other were expected, got {one:?} and {other:?}"
        ),
    });
    sides.collect()
}

/// The values of a tensor in its own order.
pub(in crate::graph) fn values<T: WithDType>(tensor: &Tensor) -> Result<Vec<T>> {
    tensor.flatten_all()?.to_vec1()
}

fn numbers(one: &Tensor, other: &Tensor, function: impl Fn(f32, f32) -> f32) -> Result<Tensor> {
    let sides = stretched_dims(one, other)?;
    let output = with_floats(one, |left| {
        with_floats(other, |right| {
            Ok(combine((left, one.dims()), (right, other.dims()), function))
        })
    })?;
    finish(output, sides)
}

fn pairwise<T: WithDType>(one: &Tensor, other: &Tensor, function: Function<T>) -> Result<Tensor> {
    let sides = stretched_dims(one, other)?;
    let (left, right) = (values::<T>(one)?, values::<T>(other)?);
    let (left, right) = ((&*left, one.dims()), (&*right, other.dims()));
    match function {
        Function::Number(function) => finish(combine(left, right, function), sides),
        Function::Truth(function) => {
            finish(combine(left, right, |a, b| u8::from(function(a, b))), sides)
        }
    }
}

fn stretched_dims(one: &Tensor, other: &Tensor) -> Result<Vec<usize>> {
    match stretched(one.dims(), other.dims()) {
        Some(sides) => Ok(sides),
        None => bail!(
            "sides that can be stretched to each other were expected, got {:?} and {:?}",
            one.dims(),
            other.dims()
        ),
    }
}

/// Makes a tensor of what a kernel gave, which is nothing where it did not take its inputs.
pub(in crate::graph) fn finish<T: WithDType>(
    values: Option<Vec<T>>,
    sides: Vec<usize>,
) -> Result<Tensor> {
    match values {
        Some(values) => Tensor::from_vec(values, sides, &Device::Cpu),
        None => bail!("inputs of fitting sides were expected"),
    }
}

/// Lends the values of an f32 tensor, which is copied only if it is not contiguous.
pub(in crate::graph) fn with_floats<R>(
    tensor: &Tensor,
    work: impl FnOnce(&[f32]) -> Result<R>,
) -> Result<R> {
    crate::kernels::with_values(&tensor.contiguous()?, work)
}

pub(in crate::graph) fn unary(function: Unary, input: &Tensor) -> Result<Tensor> {
    let mut output = with_floats(input, |values| Ok(values.to_vec()))?;
    function.apply(&mut output);
    finish(Some(output), input.dims().to_vec())
}

/// Another type for the same numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::graph) enum Cast {
    Float,
    /// Numbers become whole towards zero.
    Whole,
    Byte,
    /// What is not 0 is true.
    Truth,
}

impl Cast {
    pub(in crate::graph) fn dtype(self) -> DType {
        match self {
            Self::Float => DType::F32,
            Self::Whole => DType::I64,
            Self::Byte | Self::Truth => DType::U8,
        }
    }

    pub(in crate::graph) fn run(self, input: &Tensor) -> Result<Tensor> {
        match self {
            Self::Truth => input.ne(&input.zeros_like()?),
            _ => input.to_dtype(self.dtype()),
        }
    }
}

pub(in crate::graph) fn infer_select(inputs: Inputs<'_>) -> Result<Outline> {
    let condition = inputs.typed(0, DType::U8)?;
    let dtype = inputs.dtype(1)?;
    let (one, other) = (inputs.outline(1)?, inputs.typed(2, dtype)?);
    Ok(match (&condition.sides, &one.sides, &other.sides) {
        (Some(condition), Some(one), Some(other)) => {
            let sides = stretched_sides(&stretched_sides(one, other)?, condition)?;
            Outline::new(dtype, sides)
        }
        _ => Outline::unknown(dtype),
    })
}

pub(in crate::graph) fn select(inputs: Arguments<'_>) -> Result<Tensor> {
    let (condition, one, other) = (inputs.tensor(0)?, inputs.tensor(1)?, inputs.tensor(2)?);
    let sides = one
        .shape()
        .broadcast_shape_binary_op(other.shape(), "select")?;
    let sides = sides.broadcast_shape_binary_op(condition.shape(), "select")?;
    let stretch = |tensor: &Tensor| tensor.broadcast_as(&sides)?.contiguous();
    stretch(condition)?.where_cond(&stretch(one)?, &stretch(other)?)
}
