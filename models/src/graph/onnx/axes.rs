//! Nodes of ONNX about axes and places. What older versions have as attributes becomes inputs, as newer ones have it.

use candle_core::DType;

use super::nodes::Site;
use super::{tensors, windows};
use crate::ModelError;
use crate::graph::builder::{Builder, ValueId};
use crate::graph::operation::{Operation, Pad, PadMode, ZeroSide};
use crate::graph::operators::reduce::{
    ArgExtreme, Order, Reduce, Reduced, Reduction, TopK, WithoutAxes,
};

pub(super) fn lower(
    builder: &mut Builder,
    name: &str,
    site: &Site<'_>,
) -> Result<Option<Vec<ValueId>>, ModelError> {
    let attributes = site.attributes;
    let mut inputs = site.inputs.clone();
    let operation = match name {
        "Shape" => {
            let end = attributes.get("end").map(|end| end.integer);
            Operation::Shape(attributes.integer("start", 0), end)
        }
        "Concat" => Operation::Concat(attributes.integer("axis", 0)),
        "Flatten" => Operation::Flatten(attributes.integer("axis", 1)),
        "Gather" => Operation::Gather(attributes.integer("axis", 0)),
        "GatherElements" => Operation::GatherElements(attributes.integer("axis", 0)),
        "GatherND" if attributes.integer("batch_dims", 0) == 0 => Operation::GatherNd,
        "Expand" => Operation::Expand,
        "Tile" => Operation::Tile,
        "Range" => Operation::Range,
        "Reshape" => Operation::Reshape(match attributes.integer("allowzero", 0) {
            0 => ZeroSide::OfInput,
            _ => ZeroSide::Empty,
        }),
        "Transpose" => {
            let order = attributes.integers("perm").unwrap_or(&[]).iter();
            // What is no axis is refused with the order.
            Operation::Transpose(
                order
                    .map(|axis| usize::try_from(*axis).unwrap_or(usize::MAX))
                    .collect(),
            )
        }
        "Squeeze" => {
            attribute_as_input(builder, site, &mut inputs, "axes", 1)?;
            Operation::Squeeze
        }
        "Unsqueeze" => {
            attribute_as_input(builder, site, &mut inputs, "axes", 1)?;
            Operation::Unsqueeze
        }
        "Slice" => {
            for (at, name) in ["starts", "ends", "axes", "steps"].into_iter().enumerate() {
                attribute_as_input(builder, site, &mut inputs, name, at + 1)?;
            }
            Operation::Slice
        }
        "Split" => {
            attribute_as_input(builder, site, &mut inputs, "split", 1)?;
            Operation::Split(attributes.integer("axis", 0), site.outputs)
        }
        "Pad" => {
            attribute_as_input(builder, site, &mut inputs, "pads", 1)?;
            if let Some(value) = attributes.get("value") {
                fill_up(&mut inputs, 2);
                inputs[2] = Some(builder.scalar(value.float)?);
            }
            Operation::Pad(pad(builder, site)?)
        }
        "ConstantOfShape" => {
            let value = match attributes.tensor("value") {
                Some(value) => tensors::constant(builder, value)?,
                None => builder.scalar(0f32)?,
            };
            inputs.push(Some(value));
            Operation::Fill
        }
        "TopK" => {
            if let Some(count) = attributes.get("k") {
                fill_up(&mut inputs, 1);
                inputs[1] = Some(builder.list(&[count.integer])?);
            }
            Operation::TopK(TopK {
                axis: attributes.integer("axis", -1),
                order: match attributes.integer("largest", 1) {
                    0 => Order::Least,
                    _ => Order::Largest,
                },
            })
        }
        "ArgMax" | "ArgMin" if attributes.integer("select_last_index", 0) == 0 => {
            Operation::ArgExtreme(ArgExtreme {
                axis: attributes.integer("axis", 0),
                order: if name == "ArgMax" {
                    Order::Largest
                } else {
                    Order::Least
                },
                sides: reduced(site),
            })
        }
        "Resize" | "Upsample" => return resize(builder, name, site).map(Some),
        "GlobalAveragePool" | "GlobalMaxPool" => return global(builder, name, site).map(Some),
        name => match reduction(name) {
            Some(kind) => {
                attribute_as_input(builder, site, &mut inputs, "axes", 1)?;
                Operation::Reduce(Reduce {
                    kind,
                    sides: reduced(site),
                    without_axes: match attributes.integer("noop_with_empty_axes", 0) {
                        0 => WithoutAxes::AllAxes,
                        _ => WithoutAxes::NoAxes,
                    },
                })
            }
            None => return Ok(None),
        },
    };
    builder.add(&site.name, operation, &inputs).map(Some)
}

fn reduction(name: &str) -> Option<Reduction> {
    Some(match name {
        "ReduceSum" => Reduction::Sum,
        "ReduceMean" => Reduction::Mean,
        "ReduceMax" => Reduction::Largest,
        "ReduceMin" => Reduction::Least,
        "ReduceProd" => Reduction::Product,
        "ReduceL1" => Reduction::L1,
        "ReduceL2" => Reduction::L2,
        "ReduceSumSquare" => Reduction::SquareSum,
        _ => return None,
    })
}

fn reduced(site: &Site<'_>) -> Reduced {
    match site.attributes.integer("keepdims", 1) {
        0 => Reduced::Dropped,
        _ => Reduced::Kept,
    }
}

fn fill_up(inputs: &mut Vec<Option<ValueId>>, at: usize) {
    while inputs.len() <= at {
        inputs.push(None);
    }
}

fn attribute_as_input(
    builder: &mut Builder,
    site: &Site<'_>,
    inputs: &mut Vec<Option<ValueId>>,
    name: &str,
    at: usize,
) -> Result<(), ModelError> {
    let Some(numbers) = site.attributes.integers(name) else {
        return Ok(());
    };
    fill_up(inputs, at);
    if inputs[at].is_none() {
        inputs[at] = Some(builder.list(numbers)?);
    }
    Ok(())
}

fn pad(builder: &Builder, site: &Site<'_>) -> Result<Pad, ModelError> {
    let mode = match site.attributes.text("mode", "constant") {
        "constant" => PadMode::Constant,
        "edge" => PadMode::Edge,
        "reflect" => PadMode::Reflect,
        other => return Err(site.unknown(builder, "mode", other)),
    };
    Ok(Pad { mode })
}

/// Inputs are the value, a region, which only another mode uses, factors and sides; up to version 10 the value and factors.
fn resize(builder: &mut Builder, name: &str, site: &Site<'_>) -> Result<Vec<ValueId>, ModelError> {
    let operation = Operation::Resize(windows::resize(builder, name, site)?);
    let input = site.input(builder, 0)?;
    let is_old = name == "Upsample" || site.version < 11;
    let given = |at: usize| site.inputs.get(at).copied().flatten();
    let factors = if is_old { given(1) } else { given(2) };
    // Some exporters write no factors as an empty list.
    let factors = factors.filter(|id| builder.values[*id].outline.known().as_deref() != Some(&[0]));
    let sides = if is_old { None } else { given(3) };
    builder.add(&site.name, operation, &[Some(input), factors, sides])
}

/// All axes behind the channels.
fn global(builder: &mut Builder, name: &str, site: &Site<'_>) -> Result<Vec<ValueId>, ModelError> {
    let input = site.input(builder, 0)?;
    let Some(rank) = builder.rank(input) else {
        return Err(builder.refuse(
            format!(
                "a node {} whose input has a known number of sides",
                site.name
            ),
            "another",
        ));
    };
    if builder.values[input].outline.dtype != DType::F32 {
        return Err(builder.refuse(format!("a node {} of numbers", site.name), "others"));
    }
    let axes: Vec<i64> = (2..rank as i64).collect();
    let axes = builder.list(&axes)?;
    let operation = Operation::Reduce(Reduce {
        kind: if name == "GlobalMaxPool" {
            Reduction::Largest
        } else {
            Reduction::Mean
        },
        sides: Reduced::Kept,
        without_axes: WithoutAxes::NoAxes,
    });
    Ok(vec![builder.one(&site.name, operation, &[input, axes])?])
}
