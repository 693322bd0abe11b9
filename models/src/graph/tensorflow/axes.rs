//! TensorFlow's nodes about axes and places.

use super::nodes::Site;
use crate::ModelError;
use crate::graph::builder::{Builder, ValueId};
use crate::graph::operation::{Operation, Pad, PadMode, ZeroSide};
use crate::graph::operators::reduce::{
    ArgExtreme, Order, Reduce, Reduced, Reduction, TopK, WithoutAxes,
};
use crate::graph::outline::axis;

/// Adds a node about axes; `None` if it is none.
pub(super) fn lower(
    builder: &mut Builder,
    site: &Site<'_>,
) -> Result<Option<Vec<ValueId>>, ModelError> {
    let name = &*site.node.operation;
    if let Some(kind) = reduction(name) {
        let operation = Operation::Reduce(Reduce {
            kind,
            sides: if site.node.truth("keep_dims") {
                Reduced::Kept
            } else {
                Reduced::Dropped
            },
            without_axes: WithoutAxes::NoAxes,
        });
        let axes = whole_list(builder, site, 1)?;
        let input = site.input(builder, 0)?;
        return Ok(Some(vec![builder.one(
            &site.name,
            operation,
            &[input, axes],
        )?]));
    }
    let operation = match name {
        "Shape" => Operation::Shape(0, None),
        "Size" => Operation::Size,
        "Reshape" => Operation::Reshape(ZeroSide::Empty),
        "Fill" => Operation::Fill,
        "Range" => Operation::Range,
        "Tile" => Operation::Tile,
        "BroadcastTo" => Operation::Expand,
        "GatherNd" => Operation::GatherNd,
        "Transpose" => {
            let order = site.constant(builder, 1)?;
            let order = order
                .iter()
                .map(|axis| usize::try_from(*axis).unwrap_or(usize::MAX))
                .collect();
            return one(builder, site, Operation::Transpose(order), &[0]);
        }
        "ExpandDims" => return expand(builder, site).map(Some),
        "Squeeze" => return squeeze(builder, site).map(Some),
        "ConcatV2" => {
            let last = site.inputs.len().saturating_sub(1);
            let axis = site.constant_number(builder, last)?;
            let parts: Vec<usize> = (0..last).collect();
            return one(builder, site, Operation::Concat(axis), &parts);
        }
        "Pack" => return pack(builder, site).map(Some),
        "Unpack" => return unpack(builder, site).map(Some),
        "Split" => {
            let axis = site.constant_number(builder, 0)?;
            let parts = count(builder, site, "num_split")?;
            let input = site.input(builder, 1)?;
            return builder
                .add(&site.name, Operation::Split(axis, parts), &[Some(input)])
                .map(Some);
        }
        "SplitV" => {
            let (axis, parts) = (
                site.constant_number(builder, 2)?,
                count(builder, site, "num_split")?,
            );
            let inputs = [site.input(builder, 0)?, site.input(builder, 1)?].map(Some);
            return builder
                .add(&site.name, Operation::Split(axis, parts), &inputs)
                .map(Some);
        }
        "GatherV2" if site.node.integer("batch_dims") == 0 => {
            let axis = site.constant_number(builder, 2)?;
            return one(builder, site, Operation::Gather(axis), &[0, 1]);
        }
        "Gather" => Operation::Gather(0),
        "StridedSlice" => return super::slices::strided(builder, site).map(Some),
        "Slice" => return super::slices::plain(builder, site).map(Some),
        "Pad" | "PadV2" | "MirrorPad" => return pad(builder, site).map(Some),
        "TopKV2" => return top(builder, site).map(Some),
        "ArgMax" | "ArgMin" => {
            let operation = Operation::ArgExtreme(ArgExtreme {
                axis: site.constant_number(builder, 1)?,
                order: if name == "ArgMax" {
                    Order::Largest
                } else {
                    Order::Least
                },
                sides: Reduced::Dropped,
            });
            return one(builder, site, operation, &[0]);
        }
        _ => return Ok(None),
    };
    Ok(Some(vec![builder.one(
        &site.name,
        operation,
        &site.inputs,
    )?]))
}

fn one(
    builder: &mut Builder,
    site: &Site<'_>,
    operation: Operation,
    inputs: &[usize],
) -> Result<Option<Vec<ValueId>>, ModelError> {
    let mut ids = Vec::with_capacity(inputs.len());
    for at in inputs {
        ids.push(site.input(builder, *at)?);
    }
    Ok(Some(vec![builder.one(&site.name, operation, &ids)?]))
}

fn reduction(name: &str) -> Option<Reduction> {
    Some(match name {
        "Sum" => Reduction::Sum,
        "Mean" => Reduction::Mean,
        "Max" | "Any" => Reduction::Largest,
        "Min" | "All" => Reduction::Least,
        "Prod" => Reduction::Product,
        _ => return None,
    })
}

/// Axes may be one number without a side.
fn whole_list(builder: &mut Builder, site: &Site<'_>, at: usize) -> Result<ValueId, ModelError> {
    let numbers = site.constant(builder, at)?;
    builder.list(&numbers)
}

/// A number of outputs; no file has as many as 2^16.
fn count(builder: &Builder, site: &Site<'_>, name: &str) -> Result<usize, ModelError> {
    let count = site.node.integer(name);
    match usize::try_from(count) {
        Ok(count) if (1..1 << 16).contains(&count) => Ok(count),
        _ => Err(site.unknown(builder, name, count)),
    }
}

fn expand(builder: &mut Builder, site: &Site<'_>) -> Result<Vec<ValueId>, ModelError> {
    let (input, axes) = (site.input(builder, 0)?, whole_list(builder, site, 1)?);
    Ok(vec![builder.one(
        &site.name,
        Operation::Unsqueeze,
        &[input, axes],
    )?])
}

fn squeeze(builder: &mut Builder, site: &Site<'_>) -> Result<Vec<ValueId>, ModelError> {
    let input = site.input(builder, 0)?;
    let axes = match site.node.integers("squeeze_dims") {
        [] => None,
        axes => Some(builder.list(axes)?),
    };
    builder.add(&site.name, Operation::Squeeze, &[Some(input), axes])
}

fn pack(builder: &mut Builder, site: &Site<'_>) -> Result<Vec<ValueId>, ModelError> {
    let axis = site.node.integer("axis");
    let axes = builder.list(&[axis])?;
    let mut parts = Vec::with_capacity(site.inputs.len());
    for input in &site.inputs {
        parts.push(builder.one(&site.name, Operation::Unsqueeze, &[*input, axes])?);
    }
    Ok(vec![builder.one(
        &site.name,
        Operation::Concat(axis),
        &parts,
    )?])
}

fn unpack(builder: &mut Builder, site: &Site<'_>) -> Result<Vec<ValueId>, ModelError> {
    let (axis, input) = (site.node.integer("axis"), site.input(builder, 0)?);
    let parts = builder.add(
        &site.name,
        Operation::Split(axis, count(builder, site, "num")?),
        &[Some(input)],
    )?;
    let axes = builder.list(&[axis])?;
    let parts = parts
        .into_iter()
        .map(|part| builder.one(&site.name, Operation::Squeeze, &[part, axes]));
    parts.collect()
}

fn pad(builder: &mut Builder, site: &Site<'_>) -> Result<Vec<ValueId>, ModelError> {
    let mode = match (&*site.node.operation, site.node.text("mode")) {
        ("MirrorPad", "REFLECT") => PadMode::Reflect,
        ("MirrorPad", "SYMMETRIC") => PadMode::Symmetric,
        ("MirrorPad", other) => return Err(site.unknown(builder, "mode", other)),
        _ => PadMode::Constant,
    };
    let given = site.constant(builder, 1)?;
    let (pairs, _) = given.as_chunks::<2>();
    let (before, after): (Vec<i64>, Vec<i64>) =
        pairs.iter().map(|[before, after]| (before, after)).unzip();
    let margins = builder.list(&[before, after].concat())?;
    let fill = (mode == PadMode::Constant)
        .then(|| site.inputs.get(2).copied())
        .flatten();
    let inputs = [Some(site.input(builder, 0)?), Some(margins), fill];
    builder.add(&site.name, Operation::Pad(Pad { mode }), &inputs)
}

fn top(builder: &mut Builder, site: &Site<'_>) -> Result<Vec<ValueId>, ModelError> {
    let rank = site.rank(builder, 0)?;
    // A number of sides that no axis counts is refused with the node.
    let last = axis(-1, rank).unwrap_or(0) as i64;
    let operation = Operation::TopK(TopK {
        axis: last,
        order: Order::Largest,
    });
    let inputs = [site.input(builder, 0)?, site.input(builder, 1)?].map(Some);
    builder.add(&site.name, operation, &inputs)
}
