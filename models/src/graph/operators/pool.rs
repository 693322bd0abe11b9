//! The largest number under a window, or the mean of all of them.

use candle_core::{DType, Result, Tensor, bail};

use super::convolution::{Padding, output_sides, picture_sides, places};
use super::elementwise::{finish, with_floats};
use crate::graph::outline::{Arguments, Inputs, Outline};
use crate::kernels::{Margins, Window};

/// A window that moves over each channel of its own. Input: pictures.
#[derive(Debug, Clone, Copy)]
pub(in crate::graph) struct Pool {
    pub(in crate::graph) window: Window,
    pub(in crate::graph) padding: Padding,
    pub(in crate::graph) kind: PoolKind,
    pub(in crate::graph) rounding: Rounding,
}

/// What is taken of the numbers under a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::graph) enum PoolKind {
    Largest,
    /// Of those within the picture.
    Mean,
    /// Margins count as zeros.
    MeanWithMargins,
}

/// What becomes of a rest that is shorter than the stride.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::graph) enum Rounding {
    Dropped,
    /// Its numbers get a place of their own, with margins behind them.
    Kept,
}

impl Pool {
    /// The margins, with those that a kept rest needs.
    fn margins(&self, sides: [usize; 2]) -> Result<Margins> {
        let mut margins = self.padding.margins(&self.window, sides)?;
        if self.rounding == Rounding::Dropped {
            return Ok(margins);
        }
        for axis in 0..2 {
            let (stride, before) = (self.window.stride[axis], margins.before[axis]);
            let padded = sides[axis]
                .saturating_add(before)
                .saturating_add(margins.after[axis]);
            let room = self
                .window
                .span(axis)
                .and_then(|span| padded.checked_sub(span));
            let Some(room) = room.filter(|_| stride > 0) else {
                bail!(
                    "a picture that holds the window {:?} was expected, got {sides:?}",
                    self.window
                );
            };
            let rest = room % stride;
            // A place that begins behind the picture is none.
            let last = (room - rest).saturating_add(stride);
            if rest > 0 && last < sides[axis].saturating_add(before) {
                margins.after[axis] = margins.after[axis].saturating_add(stride - rest);
            }
        }
        Ok(margins)
    }

    pub(in crate::graph) fn infer(&self, inputs: Inputs<'_>) -> Result<Outline> {
        let Some(sides) = &inputs.typed(0, DType::F32)?.sides else {
            return Ok(Outline::unknown(DType::F32));
        };
        let [_, channels, rows, columns] = picture_sides(sides)?;
        let [Some(height), Some(width)] = [rows, columns] else {
            return Ok(output_sides(sides, channels, [None, None]));
        };
        let margins = Padding::Given(self.margins([height, width])?);
        let places = places(&self.window, margins, 1, [rows, columns])?;
        Ok(output_sides(sides, channels, places))
    }

    pub(in crate::graph) fn run(&self, inputs: Arguments<'_>) -> Result<Tensor> {
        let input = inputs.tensor(0)?;
        let outline = Outline::of(input);
        let sides = outline.sides.unwrap_or_default();
        let [_, channels, Some(rows), Some(columns)] = picture_sides(&sides)? else {
            bail!("pictures of known sides were expected");
        };
        let margins = self.margins([rows, columns])?;
        let given = self.padding.margins(&self.window, [rows, columns])?;
        let Some(places) = self.window.positions([rows, columns], margins) else {
            bail!(
                "a picture that holds the window {:?} was expected",
                self.window
            );
        };
        let place = Place {
            pool: self,
            sides: [rows, columns],
            // Margins that only a kept rest needs count for no mean.
            counted: [
                rows + given.before[0] + given.after[0],
                columns + given.before[1] + given.after[1],
            ],
            before: margins.before,
        };
        let output = with_floats(input, |values| {
            let planes = values.chunks_exact((rows * columns).max(1));
            let mut output = Vec::with_capacity(planes.len() * places[0] * places[1]);
            for plane in planes {
                for row in 0..places[0] {
                    output.extend((0..places[1]).map(|column| place.value(plane, [row, column])));
                }
            }
            Ok(Some(output))
        })?;
        let outline = output_sides(&sides, channels, places.map(Some));
        finish(output, outline.known().unwrap_or_default())
    }
}

struct Place<'a> {
    pool: &'a Pool,
    sides: [usize; 2],
    counted: [usize; 2],
    before: [usize; 2],
}

impl Place<'_> {
    /// The taps of one axis that lie within a side, and how many lie within the margins too.
    fn taps(&self, axis: usize, place: usize) -> (std::ops::Range<usize>, usize) {
        let window = &self.pool.window;
        let start = place * window.stride[axis];
        let dilation = window.dilation[axis].max(1);
        let first = self.before[axis].saturating_sub(start).div_ceil(dilation);
        let up_to = |end: usize| {
            end.saturating_sub(start)
                .div_ceil(dilation)
                .min(window.size[axis])
        };
        let last = up_to(self.sides[axis] + self.before[axis]);
        (first.min(last)..last, up_to(self.counted[axis]))
    }

    fn value(&self, plane: &[f32], place: [usize; 2]) -> f32 {
        let (rows, all_rows) = self.taps(0, place[0]);
        let (columns, all_columns) = self.taps(1, place[1]);
        let count = match self.pool.kind {
            PoolKind::MeanWithMargins => all_rows * all_columns,
            _ => rows.len() * columns.len(),
        };
        let window = &self.pool.window;
        let start = |axis: usize, tap: usize| {
            place[axis] * window.stride[axis] + tap * window.dilation[axis] - self.before[axis]
        };
        let is_largest = self.pool.kind == PoolKind::Largest;
        let mut value = if is_largest { f32::NEG_INFINITY } else { 0.0 };
        if columns.is_empty() {
            return value;
        }
        for row in rows {
            let line = &plane[start(0, row) * self.sides[1] + start(1, columns.start)..];
            let line = line
                .iter()
                .step_by(window.dilation[1].max(1))
                .take(columns.len());
            value = match is_largest {
                true => line.fold(value, |most, one| {
                    if *one > most || one.is_nan() {
                        *one
                    } else {
                        most
                    }
                }),
                false => line.fold(value, |sum, one| sum + one),
            };
        }
        if is_largest {
            value
        } else {
            value / count.max(1) as f32
        }
    }
}
