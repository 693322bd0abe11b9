//! Picking parts and single numbers out.

use candle_core::{DType, Device, Result, Tensor, WithDType, bail};

use super::elementwise::values;
use crate::graph::outline::{Arguments, Inputs, Outline, Sides, axes, axis};

/// Which places of one axis are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Places {
    from: usize,
    count: usize,
    step: i64,
}

/// Starts, ends and steps as ONNX has them: negative ones count from the back, those beyond an end are that end.
fn places(side: usize, start: i64, end: i64, step: i64) -> Result<Places> {
    if step == 0 {
        bail!("a step other than 0 was expected");
    }
    let length = side as i64;
    let counted = |at: i64| {
        if at < 0 {
            at.saturating_add(length)
        } else {
            at
        }
    };
    let (least, most) = if step > 0 {
        (0, length)
    } else {
        (-1, length - 1)
    };
    let (start, end) = (
        counted(start).clamp(least.max(0), most.max(0)),
        counted(end).clamp(least, most),
    );
    let apart = if step > 0 { end - start } else { start - end };
    let step_size = step.unsigned_abs();
    let count = u64::try_from(apart).unwrap_or(0).div_ceil(step_size);
    let count = if side == 0 { 0 } else { count };
    Ok(Places {
        from: usize::try_from(start).unwrap_or(0),
        count: usize::try_from(count).unwrap_or(0),
        step,
    })
}

/// For each axis its start, end and step, of those that are asked for.
struct Asked {
    starts: Vec<i64>,
    ends: Vec<i64>,
    axes: Vec<usize>,
    steps: Vec<i64>,
}

impl Asked {
    fn new(
        starts: Vec<i64>,
        ends: Vec<i64>,
        along: Option<Vec<i64>>,
        steps: Option<Vec<i64>>,
        rank: usize,
    ) -> Result<Self> {
        let along = match along {
            Some(along) => axes(&along, rank)?,
            None => (0..starts.len()).collect(),
        };
        let steps = steps.unwrap_or_else(|| vec![1; starts.len()]);
        if [ends.len(), along.len(), steps.len()] != [starts.len(); 3] || along.len() > rank {
            bail!(
                "a start, an end and a step for each of at most {rank} axes were expected, got {starts:?}, {ends:?}, {steps:?}"
            );
        }
        Ok(Self {
            starts,
            ends,
            axes: along,
            steps,
        })
    }

    fn of(&self, at: usize, side: usize) -> Result<Places> {
        places(side, self.starts[at], self.ends[at], self.steps[at])
    }
}

pub(in crate::graph) fn infer_slice(inputs: Inputs<'_>) -> Result<Outline> {
    let input = inputs.outline(0)?;
    let Some(sides) = &input.sides else {
        return Ok(Outline::unknown(input.dtype));
    };
    let optional = |at: usize| match inputs.get(at) {
        Some(_) => inputs.integers(at).map(|given| (given.is_none(), given)),
        None => Ok((false, None)),
    };
    let (starts, ends) = (inputs.integers(1)?, inputs.integers(2)?);
    let ((no_axes, along), (no_steps, steps)) = (optional(3)?, optional(4)?);
    let (Some(starts), Some(ends), false) = (starts, ends, no_axes || no_steps) else {
        return Ok(Outline::new(input.dtype, vec![None; sides.len()]));
    };
    let asked = Asked::new(starts, ends, along, steps, sides.len())?;
    let mut sides = sides.clone();
    for (at, axis) in asked.axes.iter().enumerate() {
        sides[*axis] = match sides[*axis] {
            Some(side) => Some(asked.of(at, side)?.count),
            None => None,
        };
    }
    Ok(Outline::new(input.dtype, sides))
}

pub(in crate::graph) fn slice(inputs: Arguments<'_>) -> Result<Tensor> {
    let mut tensor = inputs.tensor(0)?.clone();
    let optional = |at: usize| {
        inputs
            .get(at)
            .map(crate::graph::outline::integers)
            .transpose()
    };
    let (starts, ends) = (inputs.integers(1)?, inputs.integers(2)?);
    let asked = Asked::new(starts, ends, optional(3)?, optional(4)?, tensor.rank())?;
    for (at, axis) in asked.axes.iter().enumerate() {
        let Places { from, count, step } = asked.of(at, tensor.dim(*axis)?)?;
        tensor = match step {
            1 => tensor.narrow(*axis, from.min(tensor.dim(*axis)?), count)?,
            step => {
                let places = (0..count as i64).map(|place| from as i64 + place * step);
                let places = Tensor::from_vec(places.collect::<Vec<i64>>(), count, &Device::Cpu)?;
                select(&tensor.contiguous()?, &places, *axis)?
            }
        };
    }
    tensor.contiguous()
}

/// An empty selection is one too.
fn select(tensor: &Tensor, places: &Tensor, axis: usize) -> Result<Tensor> {
    if places.elem_count() == 0 {
        return tensor.narrow(axis, 0, 0);
    }
    tensor.index_select(places, axis)
}

/// Places counted from the front; an error if one is outside.
fn counted(places: &Tensor, side: usize) -> Result<Vec<i64>> {
    let places = values::<i64>(places)?;
    let length = side as i64;
    let counted = places.iter().map(|place| match place {
        place if (0..length).contains(place) => Ok(*place),
        place if (-length..0).contains(place) => Ok(place + length),
        place => bail!("places below {side} were expected, got {place}"),
    });
    counted.collect()
}

pub(in crate::graph) fn infer_gather(inputs: Inputs<'_>, along: i64) -> Result<Outline> {
    let input = inputs.outline(0)?;
    let places = inputs.typed(1, DType::I64)?;
    let (Some(sides), Some(places)) = (&input.sides, &places.sides) else {
        return Ok(Outline::unknown(input.dtype));
    };
    let along = axis(along, sides.len())?;
    let mut picked: Sides = sides[..along].to_vec();
    picked.extend(places);
    picked.extend(&sides[along + 1..]);
    Ok(Outline::new(input.dtype, picked))
}

pub(in crate::graph) fn gather(inputs: Arguments<'_>, along: i64) -> Result<Tensor> {
    let (input, places) = (inputs.tensor(0)?, inputs.tensor(1)?);
    let along = axis(along, input.rank())?;
    let mut sides = input.dims()[..along].to_vec();
    sides.extend(places.dims());
    sides.extend(&input.dims()[along + 1..]);
    let places = counted(places, input.dim(along)?)?;
    let places = Tensor::from_slice(&places, places.len(), &Device::Cpu)?;
    select(&input.contiguous()?, &places, along)?
        .contiguous()?
        .reshape(sides)
}

pub(in crate::graph) fn infer_gather_elements(inputs: Inputs<'_>, along: i64) -> Result<Outline> {
    let input = inputs.outline(0)?;
    let places = inputs.typed(1, DType::I64)?;
    if let (Some(sides), Some(places)) = (&input.sides, &places.sides) {
        let along = axis(along, sides.len())?;
        let mut pairs = sides.iter().zip(places).enumerate();
        let fits = pairs.all(|(at, (side, place))| match (side, place) {
            (Some(side), Some(place)) => at == along || place <= side,
            _ => true,
        });
        if !fits || sides.len() != places.len() {
            bail!("places of sides within {sides:?} were expected, got {places:?}");
        }
    }
    Ok(Outline {
        dtype: input.dtype,
        sides: places.sides.clone(),
    })
}

pub(in crate::graph) fn gather_elements(inputs: Arguments<'_>, along: i64) -> Result<Tensor> {
    let (input, places) = (inputs.tensor(0)?, inputs.tensor(1)?);
    let along = axis(along, input.rank())?;
    let sides = places.dims();
    let places = counted(places, input.dim(along)?)?;
    input
        .contiguous()?
        .gather(&Tensor::from_slice(&places, sides, &Device::Cpu)?, along)
}

pub(in crate::graph) fn infer_gather_nd(inputs: Inputs<'_>) -> Result<Outline> {
    let input = inputs.outline(0)?;
    let places = inputs.typed(1, DType::I64)?;
    let (Some(sides), Some(places)) = (&input.sides, &places.sides) else {
        return Ok(Outline::unknown(input.dtype));
    };
    let Some((depth, outer)) = places.split_last() else {
        bail!("places of at least one side were expected");
    };
    let Some(depth) = depth else {
        return Ok(Outline::unknown(input.dtype));
    };
    let Some(rest) = sides.get(*depth..) else {
        bail!(
            "places of at most {} axes were expected, got {depth}",
            sides.len()
        );
    };
    let picked = outer.iter().chain(rest).copied().collect();
    Ok(Outline::new(input.dtype, picked))
}

pub(in crate::graph) fn gather_nd(inputs: Arguments<'_>) -> Result<Tensor> {
    match inputs.tensor(0)?.dtype() {
        DType::F32 => gather_nd_typed::<f32>(inputs),
        DType::I64 => gather_nd_typed::<i64>(inputs),
        _ => gather_nd_typed::<u8>(inputs),
    }
}

fn gather_nd_typed<T: WithDType>(inputs: Arguments<'_>) -> Result<Tensor> {
    let (input, places) = (inputs.tensor(0)?, inputs.tensor(1)?);
    let depth = places.dims().last().copied().unwrap_or(0);
    let (axes, rest) = input.dims().split_at(depth.min(input.rank()));
    let each: usize = rest.iter().product();
    let numbers = values::<T>(input)?;
    let mut picked = Vec::new();
    let outer = &places.dims()[..places.rank().saturating_sub(1)];
    let runs: usize = outer.iter().product();
    let all = values::<i64>(places)?;
    for run in 0..runs {
        let mut at = 0;
        for (place, side) in all[run * depth..][..depth].iter().zip(axes) {
            let place = axis(*place, *side)?;
            at = at * side + place;
        }
        picked.extend_from_slice(&numbers[at * each..][..each]);
    }
    let sides: Vec<usize> = outer.iter().chain(rest).copied().collect();
    Tensor::from_vec(picked, sides, &Device::Cpu)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_are_those_of_python() {
        let got = |side, start, end, step| {
            let places = places(side, start, end, step).unwrap();
            (0..places.count as i64)
                .map(|place| places.from as i64 + place * step)
                .collect::<Vec<i64>>()
        };
        assert_eq!(got(5, 0, i64::MAX, 2), [0, 2, 4]);
        assert_eq!(got(5, -2, 10, 1), [3, 4]);
        assert_eq!(got(5, -1, i64::MIN, -1), [4, 3, 2, 1, 0]);
        assert_eq!(got(5, 10, 1, -2), [4, 2]);
        assert_eq!(got(5, 3, 1, 1), [0i64; 0]);
        assert_eq!(got(0, 0, 5, 1), [0i64; 0]);
        assert_eq!(got(0, -1, -5, -1), [0i64; 0]);
        assert!(places(5, 0, 5, 0).is_err());
    }
}
