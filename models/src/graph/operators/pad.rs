//! Margins around an array.

use candle_core::{DType, Result, Tensor, WithDType, bail};

use super::elementwise::{finish, values};
use crate::graph::outline::{Arguments, COUNT_LIMIT, Inputs, Outline, axes};

/// Margins around an array.
#[derive(Debug, Clone, Copy)]
pub(in crate::graph) struct Pad {
    pub(in crate::graph) mode: PadMode,
}

/// What stands in the margins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::graph) enum PadMode {
    /// One number, 0 if none is given.
    Constant,
    /// The number at the edge.
    Edge,
    /// What lies behind the edge, mirrored at it; the edge once.
    Reflect,
    /// As `Reflect`, the edge twice.
    Symmetric,
}

/// For each axis, the margin before and after it: negative ones cut off.
fn margins(given: &[i64], asked: Option<Vec<i64>>, rank: usize) -> Result<Vec<[i64; 2]>> {
    let asked = match asked {
        Some(asked) => axes(&asked, rank)?,
        None => (0..rank).collect(),
    };
    if given.len() != 2 * asked.len() {
        bail!(
            "two margins for each of {} axes were expected, got {given:?}",
            asked.len()
        );
    }
    let mut margins = vec![[0, 0]; rank];
    let (before, after) = given.split_at(asked.len());
    for (axis, (before, after)) in asked.iter().zip(before.iter().zip(after)) {
        if before.unsigned_abs().max(after.unsigned_abs()) > COUNT_LIMIT as u64 {
            bail!("margins of at most {COUNT_LIMIT} were expected, got {before} and {after}");
        }
        margins[*axis] = [*before, *after];
    }
    Ok(margins)
}

pub(in crate::graph) fn infer(inputs: Inputs<'_>) -> Result<Outline> {
    let input = inputs.outline(0)?;
    let Some(sides) = &input.sides else {
        return Ok(Outline::unknown(input.dtype));
    };
    let asked = match inputs.get(3) {
        Some(_) => inputs.integers(3)?,
        None => None,
    };
    let is_unknown = inputs.get(3).is_some() && asked.is_none();
    let (Some(given), false) = (inputs.integers(1)?, is_unknown) else {
        return Ok(Outline::new(input.dtype, vec![None; sides.len()]));
    };
    let margins = margins(&given, asked, sides.len())?;
    let mut padded = Vec::with_capacity(sides.len());
    for (side, [before, after]) in sides.iter().zip(&margins) {
        let Some(side) = side else {
            padded.push(None);
            continue;
        };
        let length = i64::try_from(*side).ok();
        let length = length.and_then(|side| side.checked_add(*before)?.checked_add(*after));
        match length.and_then(|length| usize::try_from(length).ok()) {
            Some(length) => padded.push(Some(length)),
            None => {
                bail!("margins that leave a side of {side} were expected, got {before} and {after}")
            }
        }
    }
    Ok(Outline::new(input.dtype, padded))
}

impl Pad {
    pub(in crate::graph) fn run(self, inputs: Arguments<'_>) -> Result<Tensor> {
        match inputs.tensor(0)?.dtype() {
            DType::F32 => self.typed::<f32>(inputs),
            DType::I64 => self.typed::<i64>(inputs),
            _ => self.typed::<u8>(inputs),
        }
    }

    fn typed<T: WithDType + Default>(self, inputs: Arguments<'_>) -> Result<Tensor> {
        let input = inputs.tensor(0)?;
        let asked = inputs
            .get(3)
            .map(crate::graph::outline::integers)
            .transpose()?;
        let margins = margins(&inputs.integers(1)?, asked, input.rank())?;
        let fill = match inputs.get(2) {
            Some(fill) => values::<T>(fill)?.first().copied().unwrap_or_default(),
            None => T::default(),
        };
        let mut sides = input.dims().to_vec();
        let mut padded = values::<T>(input)?;
        // Those that become shorter first, so that nothing on the way is larger than input or output.
        let mut axes: Vec<(usize, [i64; 2])> = margins.into_iter().enumerate().collect();
        axes.sort_by_key(|(_, [before, after])| before + after);
        for (axis, [before, after]) in axes {
            if (before, after) == (0, 0) {
                continue;
            }
            let inner: usize = sides[axis + 1..].iter().product();
            let outer: usize = sides[..axis].iter().product();
            let places = self.places(sides[axis], before, after)?;
            let mut output = Vec::with_capacity(outer * places.len() * inner);
            for run in 0..outer {
                let run = &padded[run * sides[axis] * inner..];
                for place in &places {
                    match place {
                        Some(place) => output.extend_from_slice(&run[place * inner..][..inner]),
                        None => output.extend(std::iter::repeat_n(fill, inner)),
                    }
                }
            }
            sides[axis] = places.len();
            padded = output;
        }
        finish(Some(padded), sides)
    }

    /// For each place along an axis, which one of the input stands there.
    fn places(self, side: usize, before: i64, after: i64) -> Result<Vec<Option<usize>>> {
        let length = side as i64;
        let last = length - 1;
        let at = |place: i64| {
            let place = match (self.mode, place) {
                (_, place) if (0..length).contains(&place) => place,
                (PadMode::Constant, _) => return Ok(None),
                (PadMode::Edge, place) => place.clamp(0, last),
                (PadMode::Reflect, place) if place < 0 => -place,
                (PadMode::Reflect, place) => 2 * last - place,
                (PadMode::Symmetric, place) if place < 0 => -place - 1,
                (PadMode::Symmetric, place) => 2 * last - place + 1,
            };
            match usize::try_from(place) {
                Ok(place) if place < side => Ok(Some(place)),
                _ => bail!(
                    "margins shorter than a side of {side} were expected, got {before} and {after}"
                ),
            }
        };
        (-before..length + after).map(at).collect()
    }
}
