//! One number of many along some axes.

use std::cmp::Ordering;

use candle_core::{DType, Device, Result, Tensor, bail};

use super::arrange::transpose;
use super::elementwise::{finish, values, with_floats};
use crate::graph::outline::{Arguments, Inputs, Outline, axes, axis, integers};

/// One number of all along some axes.
#[derive(Debug, Clone, Copy)]
pub(in crate::graph) struct Reduce {
    pub(in crate::graph) kind: Reduction,
    pub(in crate::graph) sides: Reduced,
    pub(in crate::graph) without_axes: WithoutAxes,
}

/// What is made of the numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::graph) enum Reduction {
    Sum,
    Mean,
    Largest,
    Least,
    Product,
    /// The sum of the absolute numbers.
    L1,
    /// The root of the sum of the squares.
    L2,
    SquareSum,
}

/// What becomes of an axis along which there is one number left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::graph) enum Reduced {
    /// It has the length 1.
    Kept,
    Dropped,
}

/// What no axes at all mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::graph) enum WithoutAxes {
    AllAxes,
    NoAxes,
}

impl Reduce {
    fn axes(&self, given: Option<Vec<i64>>, rank: usize) -> Result<Vec<usize>> {
        let given = axes(&given.unwrap_or_default(), rank)?;
        match (given.is_empty(), self.without_axes) {
            (true, WithoutAxes::AllAxes) => Ok((0..rank).collect()),
            _ => Ok(given),
        }
    }

    pub(in crate::graph) fn infer(&self, inputs: Inputs<'_>) -> Result<Outline> {
        let input = inputs.outline(0)?;
        let given = match inputs.get(1) {
            Some(_) => inputs.integers(1)?,
            None => None,
        };
        let is_unknown = given.is_none() && inputs.get(1).is_some();
        let (Some(sides), false) = (&input.sides, is_unknown) else {
            return Ok(Outline::unknown(input.dtype));
        };
        let axes = self.axes(given, sides.len())?;
        let left = sides
            .iter()
            .enumerate()
            .filter_map(|(at, side)| match self.sides {
                _ if !axes.contains(&at) => Some(*side),
                Reduced::Kept => Some(Some(1)),
                Reduced::Dropped => None,
            });
        Ok(Outline::new(input.dtype, left.collect()))
    }

    pub(in crate::graph) fn run(&self, inputs: Arguments<'_>) -> Result<Tensor> {
        let input = inputs.tensor(0)?;
        let axes = self.axes(inputs.get(1).map(integers).transpose()?, input.rank())?;
        let left: Vec<usize> = (0..input.rank())
            .filter(|axis| !axes.contains(axis))
            .collect();
        let width: usize = axes.iter().map(|axis| input.dims()[*axis]).product();
        let mut sides = Vec::with_capacity(input.rank());
        for at in 0..input.rank() {
            match self.sides {
                _ if left.contains(&at) => sides.push(input.dims()[at]),
                Reduced::Kept => sides.push(1),
                Reduced::Dropped => {}
            }
        }
        let mut order = left;
        let mut behind = axes;
        behind.sort_unstable();
        order.extend(behind);
        let turned = match order.is_sorted() {
            true => input.clone(),
            false => transpose(input, &order)?,
        };
        let count: usize = sides.iter().product();
        match input.dtype() {
            DType::F32 => {
                let reduced =
                    with_floats(&turned, |values| Ok(self.of_floats(values, width, count)))?;
                finish(Some(reduced), sides)
            }
            DType::I64 => finish(
                Some(self.of_integers(&values::<i64>(&turned)?, width, count)?),
                sides,
            ),
            _ => finish(
                Some(self.of_truths(&values::<u8>(&turned)?, width, count)?),
                sides,
            ),
        }
    }

    fn of_floats(&self, values: &[f32], width: usize, count: usize) -> Vec<f32> {
        // In eight sums beside each other, which is faster, and rounds less.
        let sum = |row: &[f32], term: fn(f32) -> f32| {
            let (chunks, rest) = row.as_chunks::<8>();
            let mut sums = [0f32; 8];
            for chunk in chunks {
                for (sum, value) in sums.iter_mut().zip(chunk) {
                    *sum += term(*value);
                }
            }
            sums.iter().sum::<f32>() + rest.iter().map(|value| term(*value)).sum::<f32>()
        };
        rows(values, width, count, |row| match self.kind {
            Reduction::Sum => sum(row, |value| value),
            Reduction::Mean => sum(row, |value| value) / row.len() as f32,
            Reduction::Largest => row.iter().fold(f32::NEG_INFINITY, |most, value| {
                if *value > most || value.is_nan() {
                    *value
                } else {
                    most
                }
            }),
            Reduction::Least => row.iter().fold(f32::INFINITY, |least, value| {
                if *value < least || value.is_nan() {
                    *value
                } else {
                    least
                }
            }),
            Reduction::Product => row.iter().product(),
            Reduction::L1 => sum(row, f32::abs),
            Reduction::L2 => sum(row, |value| value * value).sqrt(),
            Reduction::SquareSum => sum(row, |value| value * value),
        })
    }

    fn of_integers(&self, values: &[i64], width: usize, count: usize) -> Result<Vec<i64>> {
        let sum = |row: &[i64]| row.iter().copied().fold(0, i64::wrapping_add);
        Ok(match self.kind {
            Reduction::Sum => rows(values, width, count, sum),
            Reduction::Mean => rows(values, width, count, |row| {
                sum(row).checked_div(row.len() as i64).unwrap_or(0)
            }),
            Reduction::Largest => rows(values, width, count, |row| {
                row.iter().copied().max().unwrap_or(i64::MIN)
            }),
            Reduction::Least => rows(values, width, count, |row| {
                row.iter().copied().min().unwrap_or(i64::MAX)
            }),
            Reduction::Product => rows(values, width, count, |row| {
                row.iter().copied().fold(1, i64::wrapping_mul)
            }),
            kind => bail!("numbers with a fraction were expected for {kind:?}, got whole ones"),
        })
    }

    /// Of truth values: whether all are true, or any is.
    fn of_truths(&self, values: &[u8], width: usize, count: usize) -> Result<Vec<u8>> {
        Ok(match self.kind {
            Reduction::Largest => rows(values, width, count, |row| {
                row.iter().copied().max().unwrap_or(0)
            }),
            Reduction::Least => rows(values, width, count, |row| {
                row.iter().copied().min().unwrap_or(1)
            }),
            kind => bail!("numbers were expected for {kind:?}, got truth values"),
        })
    }
}

/// The rows of `width` values, `count` of them even where they are empty.
fn rows<T, R>(values: &[T], width: usize, count: usize, function: impl Fn(&[T]) -> R) -> Vec<R> {
    match width {
        0 => (0..count).map(|_| function(&[])).collect(),
        width => values.chunks_exact(width).map(function).collect(),
    }
}

/// The place of the largest number along an axis, or of the least; the first of equal ones.
#[derive(Debug, Clone, Copy)]
pub(in crate::graph) struct ArgExtreme {
    pub(in crate::graph) axis: i64,
    pub(in crate::graph) order: Order,
    pub(in crate::graph) sides: Reduced,
}

/// Which numbers come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::graph) enum Order {
    Largest,
    Least,
}

impl Order {
    /// Which of two numbers comes first. What is no number is beyond all others, so that there is one order of all.
    fn compare(self, one: f32, other: f32) -> Ordering {
        let compared = one
            .partial_cmp(&other)
            .unwrap_or_else(|| one.total_cmp(&other));
        match self {
            Self::Largest => compared.reverse(),
            Self::Least => compared,
        }
    }
}

impl ArgExtreme {
    pub(in crate::graph) fn infer(&self, inputs: Inputs<'_>) -> Result<Outline> {
        let Some(sides) = &inputs.outline(0)?.sides else {
            return Ok(Outline::unknown(DType::I64));
        };
        let along = axis(self.axis, sides.len())?;
        let mut sides = sides.clone();
        match self.sides {
            Reduced::Kept => sides[along] = Some(1),
            Reduced::Dropped => drop(sides.remove(along)),
        }
        Ok(Outline::new(DType::I64, sides))
    }

    pub(in crate::graph) fn run(&self, inputs: Arguments<'_>) -> Result<Tensor> {
        let input = inputs.tensor(0)?.to_dtype(DType::F32)?;
        let along = axis(self.axis, input.rank())?;
        if input.dim(along)? == 0 {
            bail!("at least one number along the axis was expected");
        }
        let (_, places) = first_of_rows(&input, along, 1, self.order)?;
        match self.sides {
            Reduced::Kept => Ok(places),
            Reduced::Dropped => places.squeeze(along),
        }
    }
}

/// The largest numbers along an axis, or the least, with their places, in their order. Inputs: the value, and how many.
#[derive(Debug, Clone, Copy)]
pub(in crate::graph) struct TopK {
    pub(in crate::graph) axis: i64,
    pub(in crate::graph) order: Order,
}

impl TopK {
    pub(in crate::graph) fn infer(&self, inputs: Inputs<'_>) -> Result<Vec<Outline>> {
        let input = inputs.typed(0, DType::F32)?;
        let both = |sides: Option<Vec<Option<usize>>>| {
            [DType::F32, DType::I64]
                .map(|dtype| Outline {
                    dtype,
                    sides: sides.clone(),
                })
                .to_vec()
        };
        let count = inputs.integers(1)?;
        let Some(sides) = &input.sides else {
            return Ok(both(None));
        };
        let along = axis(self.axis, sides.len())?;
        let mut sides = sides.clone();
        let count = match count.as_deref() {
            Some([count]) => usize::try_from(*count).ok(),
            Some(counts) => bail!("one count was expected, got {counts:?}"),
            None => None,
        };
        if let (Some(side), Some(count)) = (sides[along], count)
            && count > side
        {
            bail!("at most {side} numbers along axis {along} were expected, got {count}");
        }
        sides[along] = count;
        Ok(both(Some(sides)))
    }

    pub(in crate::graph) fn run(&self, inputs: Arguments<'_>) -> Result<Vec<Tensor>> {
        let input = inputs.tensor(0)?;
        let count = inputs.integers(1)?.first().copied().unwrap_or(0);
        let along = axis(self.axis, input.rank())?;
        let (numbers, places) = first_of_rows(
            input,
            along,
            usize::try_from(count).unwrap_or(0),
            self.order,
        )?;
        Ok(vec![numbers, places])
    }
}

/// Along an axis, the first numbers of an order with their places.
fn first_of_rows(
    input: &Tensor,
    along: usize,
    count: usize,
    order: Order,
) -> Result<(Tensor, Tensor)> {
    let last = input.rank().saturating_sub(1);
    let mut turn: Vec<usize> = (0..input.rank()).collect();
    turn.swap(along, last);
    let turned = transpose_if(input, &turn, along != last)?;
    let width = input.dim(along)?;
    let (mut numbers, mut places) = (Vec::new(), Vec::new());
    for row in values::<f32>(&turned)?.chunks_exact(width.max(1)) {
        for place in first_of(row, count, order) {
            numbers.push(row[place]);
            places.push(place as i64);
        }
    }
    let mut sides = turned.dims().to_vec();
    if let Some(side) = sides.last_mut() {
        *side = count;
    }
    let numbers = Tensor::from_vec(numbers, &*sides, &Device::Cpu)?;
    let places = Tensor::from_vec(places, &*sides, &Device::Cpu)?;
    Ok((
        transpose_if(&numbers, &turn, along != last)?,
        transpose_if(&places, &turn, along != last)?,
    ))
}

fn transpose_if(tensor: &Tensor, order: &[usize], is_other: bool) -> Result<Tensor> {
    if is_other {
        transpose(tensor, order)
    } else {
        Ok(tensor.clone())
    }
}

/// The places of the first numbers of an order; the first of equal ones first.
fn first_of(row: &[f32], count: usize, order: Order) -> Vec<usize> {
    let compare =
        |one: &usize, other: &usize| order.compare(row[*one], row[*other]).then(one.cmp(other));
    let mut places: Vec<usize> = (0..row.len()).collect();
    if count < places.len() {
        places.select_nth_unstable_by(count, compare);
        places.truncate(count);
    }
    places.sort_unstable_by(compare);
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_numbers_and_those_that_are_none_have_one_order() {
        let row = [1.0, f32::NAN, 3.0, 1.0, -f32::NAN, 3.0, 2.0];
        assert_eq!(first_of(&row, 4, Order::Largest), [1, 2, 5, 6]);
        assert_eq!(first_of(&row, 3, Order::Least), [4, 0, 3]);
        let many: Vec<f32> = (0..1000)
            .map(|at| {
                if at % 7 == 0 {
                    f32::NAN
                } else {
                    (at % 13) as f32
                }
            })
            .collect();
        assert_eq!(first_of(&many, 1000, Order::Largest).len(), 1000);
    }
}
