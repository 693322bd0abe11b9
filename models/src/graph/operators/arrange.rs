//! Joining, parting, and the order of axes.

use candle_core::{DType, Result, Tensor, bail};

use super::elementwise::{finish, values, with_floats};
use crate::graph::outline::{Arguments, Inputs, Outline, axis};
use crate::kernels::permute;

pub(in crate::graph) fn infer_concat(inputs: Inputs<'_>, along: i64) -> Result<Outline> {
    let dtype = inputs.dtype(0)?;
    let mut joined: Option<Vec<Option<usize>>> = None;
    for at in 0..inputs.0.len() {
        let Some(sides) = &inputs.typed(at, dtype)?.sides else {
            return Ok(Outline::unknown(dtype));
        };
        let along = axis(along, sides.len())?;
        let Some(joined) = &mut joined else {
            joined = Some(sides.clone());
            continue;
        };
        if joined.len() != sides.len() {
            bail!("inputs of as many sides were expected, got {joined:?} and {sides:?}");
        }
        for (at, (side, other)) in joined.iter_mut().zip(sides).enumerate() {
            *side = match (*side, *other) {
                (Some(side), Some(other)) if at == along => side.checked_add(other),
                (_, _) if at == along => None,
                (Some(side), Some(other)) if side != other => {
                    bail!(
                        "inputs that differ along axis {along} alone were expected, got {side} and {other} along {at}"
                    )
                }
                (side, other) => side.or(other),
            };
        }
    }
    match joined {
        Some(sides) => Ok(Outline::new(dtype, sides)),
        None => bail!("at least one input was expected, got none"),
    }
}

pub(in crate::graph) fn concat(inputs: Arguments<'_>, along: i64) -> Result<Tensor> {
    let tensors = inputs.all()?;
    let rank = tensors.first().map_or(0, |tensor| tensor.rank());
    Tensor::cat(&tensors, axis(along, rank)?)?.contiguous()
}

pub(in crate::graph) fn infer_split(
    inputs: Inputs<'_>,
    along: i64,
    parts: usize,
) -> Result<Vec<Outline>> {
    let input = inputs.outline(0)?;
    let Some(sides) = &input.sides else {
        return Ok(vec![Outline::unknown(input.dtype); parts]);
    };
    let along = axis(along, sides.len())?;
    let with = |side: Option<usize>| {
        let mut sides = sides.clone();
        sides[along] = side;
        Outline::new(input.dtype, sides)
    };
    let lengths = match inputs.get(1) {
        Some(_) => inputs.integers(1)?,
        None => None,
    };
    let (Some(side), is_given) = (sides[along], inputs.get(1).is_some()) else {
        return Ok(vec![with(None); parts]);
    };
    let lengths = match lengths {
        Some(lengths) => lengths,
        None if is_given => return Ok(vec![with(None); parts]),
        None => equal_parts(side, parts),
    };
    let counted: Option<Vec<usize>> = lengths
        .iter()
        .map(|length| usize::try_from(*length).ok())
        .collect();
    let total = |lengths: &Vec<usize>| lengths.iter().copied().try_fold(0, usize::checked_add);
    match counted {
        Some(counted) if counted.len() == parts && total(&counted) == Some(side) => Ok(counted
            .into_iter()
            .map(|length| with(Some(length)))
            .collect()),
        _ => bail!("{parts} parts of {side} were expected, got {lengths:?}"),
    }
}

/// The last part is the shorter one.
fn equal_parts(side: usize, parts: usize) -> Vec<i64> {
    let each = side.div_ceil(parts.max(1));
    let part = |at: usize| side.min((at + 1) * each) - side.min(at * each);
    (0..parts).map(|at| part(at) as i64).collect()
}

pub(in crate::graph) fn split(
    inputs: Arguments<'_>,
    along: i64,
    inferred: &[Outline],
) -> Result<Vec<Tensor>> {
    let input = inputs.tensor(0)?;
    let along = axis(along, input.rank())?;
    let mut from = 0;
    let mut parts = Vec::with_capacity(inferred.len());
    for part in inferred {
        let length = part.known().and_then(|sides| sides.get(along).copied());
        let length = length.unwrap_or(0);
        parts.push(input.narrow(along, from, length)?.contiguous()?);
        from += length;
    }
    Ok(parts)
}

/// An empty order turns all axes round.
fn full(order: &[usize], rank: usize) -> Result<Vec<usize>> {
    let order = match order {
        [] => (0..rank).rev().collect(),
        order => order.to_vec(),
    };
    let mut sorted = order.clone();
    sorted.sort_unstable();
    match sorted.into_iter().eq(0..rank) {
        true => Ok(order),
        false => bail!("an order of {rank} axes was expected, got {order:?}"),
    }
}

pub(in crate::graph) fn infer_transpose(inputs: Inputs<'_>, order: &[usize]) -> Result<Outline> {
    let input = inputs.outline(0)?;
    let Some(sides) = &input.sides else {
        return Ok(Outline::unknown(input.dtype));
    };
    let order = full(order, sides.len())?;
    Ok(Outline::new(
        input.dtype,
        order.iter().map(|axis| sides[*axis]).collect(),
    ))
}

pub(in crate::graph) fn transpose(input: &Tensor, order: &[usize]) -> Result<Tensor> {
    let order = full(order, input.rank())?;
    let sides = order.iter().map(|axis| input.dims()[*axis]).collect();
    match input.dtype() {
        DType::F32 => {
            let turned = with_floats(input, |values| Ok(permute(values, input.dims(), &order)))?;
            finish(turned, sides)
        }
        DType::I64 => finish(permute(&values::<i64>(input)?, input.dims(), &order), sides),
        _ => input.permute(order)?.contiguous(),
    }
}
