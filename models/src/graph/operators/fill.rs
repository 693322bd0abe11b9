//! Arrays that are made, or stretched.

use candle_core::{DType, Device, Result, Tensor, bail};

use super::elementwise::values;
use crate::graph::outline::{Arguments, COUNT_LIMIT, Inputs, Outline};

/// Sides that are asked for, as numbers.
fn asked(inputs: Inputs<'_>, at: usize) -> Result<Option<Vec<usize>>> {
    let Some(given) = inputs.integers(at)? else {
        return Ok(None);
    };
    let sides: Option<Vec<usize>> = given
        .iter()
        .map(|side| usize::try_from(*side).ok())
        .collect();
    match sides {
        Some(sides) => Ok(Some(sides)),
        None => bail!("sides of at least 0 were expected, got {given:?}"),
    }
}

pub(in crate::graph) fn infer_fill(inputs: Inputs<'_>) -> Result<Outline> {
    let dtype = inputs.dtype(1)?;
    Ok(match asked(inputs, 0)? {
        Some(sides) => Outline::fixed(dtype, &sides),
        None => match inputs.outline(0)?.known().as_deref() {
            Some([rank]) if *rank <= 16 => Outline::new(dtype, vec![None; *rank]),
            _ => Outline::unknown(dtype),
        },
    })
}

pub(in crate::graph) fn fill(inputs: Arguments<'_>, sides: &[usize]) -> Result<Tensor> {
    let number = inputs.tensor(1)?.flatten_all()?;
    if number.elem_count() != 1 {
        bail!("one number was expected, got {}", number.elem_count());
    }
    number
        .reshape(vec![1; sides.len()])?
        .broadcast_as(sides)?
        .contiguous()
}

pub(in crate::graph) fn infer_expand(inputs: Inputs<'_>) -> Result<Outline> {
    let input = inputs.outline(0)?;
    let (Some(sides), Some(asked)) = (&input.sides, asked(inputs, 1)?) else {
        return Ok(Outline::unknown(input.dtype));
    };
    let rank = sides.len().max(asked.len());
    let missing = (rank - sides.len(), rank - asked.len());
    let stretched = (0..rank).map(|at| {
        let side = match at.checked_sub(missing.0) {
            Some(at) => sides[at],
            None => Some(1),
        };
        let asked = at.checked_sub(missing.1).map_or(1, |at| asked[at]);
        match side {
            Some(1) => Ok(Some(asked)),
            Some(side) if asked == 1 || asked == side => Ok(Some(side)),
            Some(side) => bail!("a side that {side} can be stretched to was expected, got {asked}"),
            None => Ok(None),
        }
    });
    Ok(Outline::new(input.dtype, stretched.collect::<Result<_>>()?))
}

pub(in crate::graph) fn expand(inputs: Arguments<'_>, sides: &[usize]) -> Result<Tensor> {
    inputs.tensor(0)?.broadcast_as(sides)?.contiguous()
}

pub(in crate::graph) fn infer_tile(inputs: Inputs<'_>) -> Result<Outline> {
    let input = inputs.outline(0)?;
    let (Some(sides), Some(times)) = (&input.sides, asked(inputs, 1)?) else {
        return Ok(Outline::unknown(input.dtype));
    };
    if sides.len() != times.len() {
        bail!(
            "a number for each of {} axes was expected, got {times:?}",
            sides.len()
        );
    }
    let tiled = sides.iter().zip(times).map(|(side, times)| match side {
        Some(side) => match side.checked_mul(times) {
            Some(side) => Ok(Some(side)),
            None => bail!("a side of at most {COUNT_LIMIT} was expected, got {times} times {side}"),
        },
        None => Ok(None),
    });
    Ok(Outline::new(input.dtype, tiled.collect::<Result<_>>()?))
}

pub(in crate::graph) fn tile(inputs: Arguments<'_>, sides: &[usize]) -> Result<Tensor> {
    let mut tensor = inputs.tensor(0)?.clone();
    if sides.contains(&0) {
        return Tensor::zeros(sides, tensor.dtype(), &Device::Cpu);
    }
    for (axis, times) in inputs.integers(1)?.into_iter().enumerate() {
        tensor = match times {
            1 => continue,
            times => Tensor::cat(&vec![&tensor; usize::try_from(times).unwrap_or(0)], axis)?,
        };
    }
    tensor.contiguous()
}

pub(in crate::graph) fn infer_range(inputs: Inputs<'_>) -> Result<Outline> {
    let dtype = inputs.dtype(0)?;
    let mut bounds = [0.0; 3];
    for (at, bound) in bounds.iter_mut().enumerate() {
        inputs.typed(at, dtype)?;
        let Some(value) = inputs.get(at).and_then(|known| known.value) else {
            return Ok(Outline::new(dtype, vec![None]));
        };
        *bound = number(value)?;
    }
    Ok(Outline::fixed(dtype, &[steps(bounds)?]))
}

fn number(tensor: &Tensor) -> Result<f64> {
    match values::<f64>(&tensor.to_dtype(DType::F64)?)?.as_slice() {
        [number] => Ok(*number),
        numbers => bail!("one number was expected, got {}", numbers.len()),
    }
}

/// How many numbers from a start up to a limit, which is left out.
fn steps([start, limit, step]: [f64; 3]) -> Result<usize> {
    let count = ((limit - start) / step).ceil();
    if !count.is_finite() || count > COUNT_LIMIT as f64 {
        bail!("at most {COUNT_LIMIT} steps were expected, got {step} from {start} to {limit}");
    }
    Ok(count.max(0.0) as usize)
}

pub(in crate::graph) fn range(inputs: Arguments<'_>) -> Result<Tensor> {
    let bounds = [
        number(inputs.tensor(0)?)?,
        number(inputs.tensor(1)?)?,
        number(inputs.tensor(2)?)?,
    ];
    let (count, dtype) = (steps(bounds)?, inputs.tensor(0)?.dtype());
    let [start, _, step] = bounds;
    if dtype == DType::F32 {
        let numbers = (0..count).map(|at| (start + at as f64 * step) as f32);
        return Tensor::from_vec(numbers.collect::<Vec<f32>>(), count, &Device::Cpu);
    }
    let (start, step) = (start as i64, step as i64);
    let numbers = (0..count as i64).map(|at| start.wrapping_add(at.wrapping_mul(step)));
    Tensor::from_vec(numbers.collect::<Vec<i64>>(), count, &Device::Cpu)?.to_dtype(dtype)
}
