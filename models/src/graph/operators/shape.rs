//! Other sides for the same numbers. None of these moves a number, so only the sides are worked out.

use candle_core::{DType, Device, Result, Tensor, bail};

use crate::graph::operation::ZeroSide;
use crate::graph::outline::{Arguments, Inputs, Outline, Sides, axes, axis};

/// The sides from one number on to another, both of which may count from the back.
fn part(sides: &[Option<usize>], from: i64, to: Option<i64>) -> &[Option<usize>] {
    let rank = sides.len() as i64;
    let clamp = |at: i64| {
        let at = if at < 0 { at.saturating_add(rank) } else { at };
        usize::try_from(at.clamp(0, rank)).unwrap_or(0)
    };
    let (from, to) = (clamp(from), clamp(to.unwrap_or(rank)));
    sides.get(from..to).unwrap_or(&[])
}

pub(in crate::graph) fn infer_shape(
    inputs: Inputs<'_>,
    from: i64,
    to: Option<i64>,
) -> Result<Outline> {
    Ok(match &inputs.outline(0)?.sides {
        Some(sides) => Outline::fixed(DType::I64, &[part(sides, from, to).len()]),
        None => Outline::new(DType::I64, vec![None]),
    })
}

/// The value of a shape, if all of it is known though the value is not.
pub(in crate::graph) fn known_sides(
    outline: &Outline,
    from: i64,
    to: Option<i64>,
) -> Option<Vec<i64>> {
    let sides = part(outline.sides.as_ref()?, from, to).iter();
    sides
        .map(|side| side.and_then(|side| i64::try_from(side).ok()))
        .collect()
}

pub(in crate::graph) fn sides_of(
    inputs: Arguments<'_>,
    from: i64,
    to: Option<i64>,
) -> Result<Tensor> {
    let outline = Outline::of(inputs.tensor(0)?);
    let sides = known_sides(&outline, from, to).unwrap_or_default();
    let count = sides.len();
    Tensor::from_vec(sides, count, &Device::Cpu)
}

pub(in crate::graph) fn count_of(inputs: Arguments<'_>) -> Result<Tensor> {
    Tensor::new(inputs.tensor(0)?.elem_count() as i64, &Device::Cpu)
}

/// The sides that are asked for: one may be -1, which is what is left, and 0 may be that of the input.
pub(in crate::graph) fn infer_reshape(inputs: Inputs<'_>, zero: ZeroSide) -> Result<Outline> {
    let input = inputs.outline(0)?;
    let Some(asked) = inputs.integers(1)? else {
        // How many are asked for may be known nevertheless.
        let count = inputs.outline(1)?.known();
        return Ok(match count.as_deref() {
            Some([count]) if *count <= 16 => Outline::new(input.dtype, vec![None; *count]),
            _ => Outline::unknown(input.dtype),
        });
    };
    let mut sides: Sides = Vec::with_capacity(asked.len());
    let mut open = None;
    for (at, side) in asked.iter().enumerate() {
        let side = match (side, zero) {
            (0, ZeroSide::OfInput) => match &input.sides {
                Some(sides) => match sides.get(at) {
                    Some(side) => *side,
                    None => bail!(
                        "a side {at} to keep was expected, got an input of {} sides",
                        sides.len()
                    ),
                },
                None => None,
            },
            (-1, _) if open.is_none() => {
                open = Some(at);
                None
            }
            (side, _) => match usize::try_from(*side) {
                Ok(side) => Some(side),
                Err(_) => bail!("sides of which one may be -1 were expected, got {asked:?}"),
            },
        };
        sides.push(side);
    }
    let Some(numbers) = input.known() else {
        return Ok(Outline::new(input.dtype, sides));
    };
    let numbers: usize = numbers.iter().product();
    let others = sides.iter().enumerate().filter(|(at, _)| Some(*at) != open);
    let others = others.map(|(_, side)| side.unwrap_or(1));
    let others = others.fold(1usize, usize::saturating_mul);
    match open {
        Some(at) if others > 0 && numbers.is_multiple_of(others) => {
            sides[at] = Some(numbers / others)
        }
        None if others == numbers => {}
        _ => bail!("sides of {numbers} numbers were expected, got {asked:?}"),
    }
    Ok(Outline::new(input.dtype, sides))
}

pub(in crate::graph) fn infer_squeeze(inputs: Inputs<'_>) -> Result<Outline> {
    let input = inputs.outline(0)?;
    let Some(sides) = &input.sides else {
        return Ok(Outline::unknown(input.dtype));
    };
    let axes = match inputs.get(1) {
        Some(_) => match inputs.integers(1)? {
            Some(given) => axes(&given, sides.len())?,
            None => return Ok(Outline::unknown(input.dtype)),
        },
        None if sides.contains(&None) => return Ok(Outline::unknown(input.dtype)),
        None => (0..sides.len())
            .filter(|at| sides[*at] == Some(1))
            .collect(),
    };
    if let Some(axis) = axes
        .iter()
        .find(|axis| sides[**axis].is_some_and(|side| side != 1))
    {
        bail!("a side of 1 was expected at axis {axis}, got {sides:?}");
    }
    let left = sides
        .iter()
        .enumerate()
        .filter(|(at, _)| !axes.contains(at));
    Ok(Outline::new(
        input.dtype,
        left.map(|(_, side)| *side).collect(),
    ))
}

pub(in crate::graph) fn infer_unsqueeze(inputs: Inputs<'_>) -> Result<Outline> {
    let input = inputs.outline(0)?;
    let (Some(sides), Some(given)) = (&input.sides, inputs.integers(1)?) else {
        return Ok(Outline::unknown(input.dtype));
    };
    let mut axes = axes(&given, sides.len() + given.len())?;
    axes.sort_unstable();
    let mut sides = sides.clone();
    for axis in axes {
        sides.insert(axis, Some(1));
    }
    Ok(Outline::new(input.dtype, sides))
}

pub(in crate::graph) fn infer_flatten(inputs: Inputs<'_>, first: i64) -> Result<Outline> {
    let input = inputs.outline(0)?;
    let Some(sides) = &input.sides else {
        return Ok(Outline::new(input.dtype, vec![None, None]));
    };
    // The axis behind the last is one too.
    let at = match usize::try_from(first) {
        Ok(first) if first == sides.len() => first,
        _ => axis(first, sides.len())?,
    };
    let product = |sides: &[Option<usize>]| {
        let mut sides = sides.iter();
        sides.try_fold(1usize, |product, side| product.checked_mul((*side)?))
    };
    let (front, back) = sides.split_at(at);
    Ok(Outline::new(
        input.dtype,
        vec![product(front), product(back)],
    ))
}
