//! TensorFlow's slices, as those of ONNX with axes that are put in or taken out.
//!
//! Source: TensorFlow, `StridedSlice` in its list of operations.

use super::nodes::Site;
use crate::ModelError;
use crate::graph::builder::{Builder, ValueId};
use crate::graph::operation::Operation;

/// Starts and sizes of all axes; a size of -1 is all that is left.
pub(super) fn plain(builder: &mut Builder, site: &Site<'_>) -> Result<Vec<ValueId>, ModelError> {
    let (starts, sizes) = (site.constant(builder, 1)?, site.constant(builder, 2)?);
    let ends = starts.iter().zip(&sizes).map(|(start, size)| match size {
        -1 => i64::MAX,
        size => start.saturating_add(*size),
    });
    let (starts, ends) = (builder.list(&starts)?, ends.collect::<Vec<i64>>());
    let inputs = [site.input(builder, 0)?, starts, builder.list(&ends)?];
    Ok(vec![builder.one(&site.name, Operation::Slice, &inputs)?])
}

/// What is done to the axes, in their order.
#[derive(Default)]
struct Steps {
    starts: Vec<i64>,
    ends: Vec<i64>,
    axes: Vec<i64>,
    strides: Vec<i64>,
    /// Of the input, those that go.
    dropped: Vec<i64>,
    /// Of the output, those that are new.
    new: Vec<i64>,
}

pub(super) fn strided(builder: &mut Builder, site: &Site<'_>) -> Result<Vec<ValueId>, ModelError> {
    let (starts, ends) = (site.constant(builder, 1)?, site.constant(builder, 2)?);
    let strides = site.constant(builder, 3)?;
    let rank = site.rank(builder, 0)?;
    if [ends.len(), strides.len()] != [starts.len(); 2] || starts.len() > 32 {
        return Err(site.unknown(builder, "slice", (starts, ends, strides)));
    }
    let mask = |name: &str, at: usize| site.node.integer(name) >> at & 1 == 1;
    let new = (0..starts.len())
        .filter(|at| mask("new_axis_mask", *at))
        .count();
    let is_ellipsis = |at: usize| mask("ellipsis_mask", at);
    let ellipses = (0..starts.len()).filter(|at| is_ellipsis(*at)).count();
    let named = starts.len() - new - ellipses;
    let Some(skipped) = rank.checked_sub(named).filter(|_| ellipses < 2) else {
        return Err(site.unknown(builder, "slice", (starts, ends, strides)));
    };
    let mut steps = Steps::default();
    let (mut input, mut output) = (0i64, 0i64);
    for at in 0..starts.len() {
        if is_ellipsis(at) {
            (input, output) = (input + skipped as i64, output + skipped as i64);
            continue;
        }
        if mask("new_axis_mask", at) {
            steps.new.push(output);
            output += 1;
            continue;
        }
        let (start, stride) = (starts[at], strides[at]);
        if mask("shrink_axis_mask", at) {
            let end = if start == -1 {
                i64::MAX
            } else {
                start.saturating_add(1)
            };
            steps.push(input, start, end, 1);
            steps.dropped.push(input);
            input += 1;
            continue;
        }
        let start = match (mask("begin_mask", at), stride > 0) {
            (false, _) => start,
            (true, true) => 0,
            (true, false) => i64::MAX,
        };
        let end = match (mask("end_mask", at), stride > 0) {
            (false, _) => ends[at],
            (true, true) => i64::MAX,
            (true, false) => i64::MIN,
        };
        steps.push(input, start, end, stride);
        (input, output) = (input + 1, output + 1);
    }
    steps.add(builder, site)
}

impl Steps {
    fn push(&mut self, axis: i64, start: i64, end: i64, stride: i64) {
        self.axes.push(axis);
        self.starts.push(start);
        self.ends.push(end);
        self.strides.push(stride);
    }

    fn add(&self, builder: &mut Builder, site: &Site<'_>) -> Result<Vec<ValueId>, ModelError> {
        let lists = [&self.starts, &self.ends, &self.axes, &self.strides];
        let mut inputs = vec![site.input(builder, 0)?];
        for list in lists {
            inputs.push(builder.list(list)?);
        }
        let mut made = builder.one(&site.name, Operation::Slice, &inputs)?;
        for (axes, operation) in [
            (&self.dropped, Operation::Squeeze),
            (&self.new, Operation::Unsqueeze),
        ] {
            if !axes.is_empty() {
                let axes = builder.list(axes)?;
                made = builder.one(&site.name, operation, &[made, axes])?;
            }
        }
        Ok(vec![made])
    }
}
