//! Other sides for pictures, `[count, channels, rows, columns]`.

use candle_core::{DType, Result, Tensor, bail};

use super::elementwise::{finish, values, with_floats};
use crate::graph::outline::{Arguments, Inputs, Outline};

/// Other sides for pictures. Inputs: the value, factors (f32) and sides (i64) of all axes or the last two, of which one is given.
#[derive(Debug, Clone, Copy)]
pub(in crate::graph) struct Resize {
    pub(in crate::graph) filter: Filter,
    pub(in crate::graph) coordinates: Coordinates,
}

/// What stands between pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::graph) enum Filter {
    /// The next pixel, by this rounding.
    Nearest(Nearest),
    Bilinear,
}

/// How a place between pixels is rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::graph) enum Nearest {
    /// To the nearest; from the middle down.
    PreferFloor,
    /// To the nearest; from the middle up.
    PreferCeil,
    Floor,
    Ceil,
}

/// Which place of the input a pixel of the output is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::graph) enum Coordinates {
    /// The middles of pixels lie half a pixel behind their beginning.
    HalfPixel,
    /// As `HalfPixel`; a side of 1 is the first pixel.
    PytorchHalfPixel,
    /// The middles of the first pixels and of the last ones lie on each other.
    AlignCorners,
    /// The beginnings of pixels do.
    Asymmetric,
    /// TensorFlow's nearest neighbour with half-pixel centres: as `HalfPixel`, without taking the half off again.
    HalfPixelForNearest,
}

impl Resize {
    pub(in crate::graph) fn infer(&self, inputs: Inputs<'_>) -> Result<Outline> {
        let input = inputs.typed(0, DType::F32)?;
        let Some(sides) = &input.sides else {
            return Ok(Outline::unknown(DType::F32));
        };
        if sides.len() < 3 {
            bail!("an input of at least 3 sides was expected, got {sides:?}");
        }
        let asked: Vec<Option<usize>> = match self.asked(inputs, sides)? {
            Some(asked) => asked,
            None => vec![None; sides.len()],
        };
        let pictures = sides.len() - 2;
        for (axis, (side, asked)) in sides.iter().zip(&asked).enumerate().take(pictures) {
            if side.is_some() && asked.is_some() && side != asked {
                bail!(
                    "other sides for the last two axes were expected, got {asked:?} for axis {axis}"
                );
            }
        }
        let mut result = sides[..pictures].to_vec();
        result.extend(&asked[pictures..]);
        if result[pictures..].contains(&Some(0)) || sides[pictures..].contains(&Some(0)) {
            bail!("sides of at least 1 were expected, got {result:?} of {sides:?}");
        }
        Ok(Outline::new(DType::F32, result))
    }

    fn asked(
        &self,
        inputs: Inputs<'_>,
        sides: &[Option<usize>],
    ) -> Result<Option<Vec<Option<usize>>>> {
        let rank = sides.len();
        let full = |given: Vec<Option<usize>>| match given.len() {
            count if count == rank => Ok(Some(given)),
            2 => {
                let mut all = sides[..rank - 2].to_vec();
                all.extend(given);
                Ok(Some(all))
            }
            count => bail!("sides of {rank} axes or of the last two were expected, got {count}"),
        };
        if inputs.get(2).is_some() {
            let Some(given) = inputs.integers(2)? else {
                return Ok(None);
            };
            let given: Option<Vec<usize>> = given
                .iter()
                .map(|side| usize::try_from(*side).ok())
                .collect();
            return match given {
                Some(given) => full(given.into_iter().map(Some).collect()),
                None => bail!("sides of at least 1 were expected"),
            };
        }
        let factors = inputs.typed(1, DType::F32)?;
        let Some(value) = inputs.get(1).and_then(|known| known.value) else {
            return match factors.known().as_deref() {
                Some([count]) if *count == rank || *count == 2 => Ok(None),
                Some(sides) => bail!("a factor for each axis was expected, got {sides:?}"),
                None => Ok(None),
            };
        };
        let factors = values::<f32>(value)?;
        let last = &sides[rank - factors.len().min(rank)..];
        let grown = last.iter().zip(&factors).map(|(side, factor)| {
            side.map(|side| (side as f64 * f64::from(*factor)).floor() as usize)
        });
        if factors.len() > rank {
            bail!("a factor for each of {rank} axes was expected, got {factors:?}");
        }
        full(grown.collect())
    }

    pub(in crate::graph) fn run(&self, inputs: Arguments<'_>, sides: &[usize]) -> Result<Tensor> {
        let input = inputs.tensor(0)?;
        let rank = input.rank();
        let (from, to) = (&input.dims()[rank - 2..], &sides[rank - 2..]);
        let factors = match (inputs.get(2), inputs.get(1)) {
            (None, Some(factors)) => values::<f32>(factors)?,
            _ => Vec::new(),
        };
        let places = |axis: usize| {
            let factor = match factors
                .len()
                .checked_sub(2 - axis)
                .and_then(|at| factors.get(at))
            {
                Some(factor) => f64::from(*factor),
                None => to[axis] as f64 / from[axis] as f64,
            };
            self.places(from[axis], to[axis], factor)
        };
        let (rows, columns) = (places(0), places(1));
        let output = with_floats(input, |values| {
            let mut output = Vec::with_capacity(sides.iter().product());
            for plane in values.chunks_exact(from[0] * from[1]) {
                match self.filter {
                    Filter::Nearest(_) => nearest(plane, from[1], &rows, &columns, &mut output),
                    Filter::Bilinear => bilinear(plane, from[1], &rows, &columns, &mut output),
                }
            }
            Ok(Some(output))
        })?;
        finish(output, sides.to_vec())
    }

    /// For each pixel of the output the two pixels of the input that it lies between, and how near it is to the second.
    fn places(&self, from: usize, to: usize, factor: f64) -> Vec<Between> {
        let last = from - 1;
        let place = |at: usize| {
            let at = at as f64;
            let place = match self.coordinates {
                Coordinates::HalfPixel => (at + 0.5) / factor - 0.5,
                Coordinates::HalfPixelForNearest => (at + 0.5) / factor,
                Coordinates::PytorchHalfPixel if to > 1 => (at + 0.5) / factor - 0.5,
                Coordinates::PytorchHalfPixel => 0.0,
                Coordinates::AlignCorners if to > 1 => at * last as f64 / (to - 1) as f64,
                Coordinates::AlignCorners => 0.0,
                Coordinates::Asymmetric => at / factor,
            };
            let clamped = place.clamp(0.0, last as f64);
            let nearest = match self.filter {
                Filter::Bilinear => clamped.floor(),
                Filter::Nearest(Nearest::Floor) => clamped.floor(),
                Filter::Nearest(Nearest::Ceil) => clamped.ceil(),
                Filter::Nearest(Nearest::PreferFloor) => (clamped - 0.5).ceil(),
                Filter::Nearest(Nearest::PreferCeil) => (clamped + 0.5).floor(),
            };
            let first = (nearest.max(0.0) as usize).min(last);
            Between {
                first,
                second: last.min(first + 1),
                share: (clamped - first as f64) as f32,
            }
        };
        (0..to).map(place).collect()
    }
}

struct Between {
    first: usize,
    second: usize,
    share: f32,
}

fn nearest(
    plane: &[f32],
    width: usize,
    rows: &[Between],
    columns: &[Between],
    output: &mut Vec<f32>,
) {
    let mut known = None;
    for row in rows {
        // A row that is taken again is copied.
        if known == Some(row.first) {
            output.extend_from_within(output.len() - columns.len()..);
            continue;
        }
        known = Some(row.first);
        let line = &plane[row.first * width..][..width];
        output.extend(columns.iter().map(|column| line[column.first]));
    }
}

fn bilinear(
    plane: &[f32],
    width: usize,
    rows: &[Between],
    columns: &[Between],
    output: &mut Vec<f32>,
) {
    let mix = |one: f32, other: f32, share: f32| one + (other - one) * share;
    for row in rows {
        let upper = &plane[row.first * width..][..width];
        let lower = &plane[row.second * width..][..width];
        output.extend(columns.iter().map(|column| {
            let above = mix(upper[column.first], upper[column.second], column.share);
            let below = mix(lower[column.first], lower[column.second], column.share);
            mix(above, below, row.share)
        }));
    }
}
