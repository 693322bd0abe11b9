//! TensorFlow's nodes about pictures.

use super::joined;
use super::nodes::Site;
use super::planes::Planes;
use crate::ModelError;
use crate::graph::builder::{Builder, ValueId};
use crate::graph::operation::{Operation, Pad, PadMode, ZeroSide};
use crate::graph::operators::block::{Block, BlockOrder};
use crate::graph::operators::convolution::{Convolve, Padding};
use crate::graph::operators::norm::BatchNormalization;
use crate::graph::operators::pool::{Pool, PoolKind, Rounding};
use crate::graph::operators::reduce::{Reduce, Reduced, Reduction, WithoutAxes};
use crate::graph::operators::resize::{Coordinates, Filter, Nearest, Resize};
use crate::graph::operators::transposed::ConvolveTransposed;
use crate::kernels::{Margins, Window};

/// Adds a node about pictures; `None` if it is none.
pub(super) fn lower(
    builder: &mut Builder,
    planes: &mut Planes,
    site: &Site<'_>,
) -> Result<Option<ValueId>, ModelError> {
    let name = &*site.node.operation;
    let made = match name {
        "Conv2D" | "_FusedConv2D" | "DepthwiseConv2dNative" | "FusedDepthwiseConv2dNative" => {
            joined::convolution(builder, planes, site)?
        }
        "_FusedMatMul" => return joined::product(builder, planes, site).map(Some),
        "Conv2DBackpropInput" => transposed(builder, planes, site)?,
        "MaxPool" | "AvgPool" => {
            let input = picture(builder, planes, site, 0)?;
            let operation = Operation::Pool(pool(builder, site)?);
            builder.one(&site.name, operation, &[input])?
        }
        "FusedBatchNorm" | "FusedBatchNormV2" | "FusedBatchNormV3" => {
            if site.node.truth("is_training") {
                return Err(site.unknown(builder, "attribute", "is_training"));
            }
            let mut inputs = site.inputs.clone();
            inputs[0] = picture(builder, planes, site, 0)?;
            let epsilon = site.node.float("epsilon", 1e-4);
            builder.one(
                &site.name,
                Operation::BatchNormalization(BatchNormalization { epsilon }),
                &inputs,
            )?
        }
        "ResizeBilinear" | "ResizeNearestNeighbor" => {
            let input = picture(builder, planes, site, 0)?;
            let sides = site.input(builder, 1)?;
            let operation = Operation::Resize(resize(site));
            let made = builder.add(&site.name, operation, &[Some(input), None, Some(sides)])?;
            made.first().copied().unwrap_or(input)
        }
        "DepthToSpace" | "SpaceToDepth" => {
            let input = picture(builder, planes, site, 0)?;
            let block = Block {
                side: usize::try_from(site.node.integer("block_size")).unwrap_or(0),
                order: BlockOrder::DepthFirst,
            };
            let operation = match name {
                "DepthToSpace" => Operation::DepthToSpace(block),
                _ => Operation::SpaceToDepth(block),
            };
            builder.one(&site.name, operation, &[input])?
        }
        "Pad" | "PadV2" if site.inputs.first().is_some_and(|id| planes.has(*id)) => {
            pad(builder, planes, site)?
        }
        "Mean" | "Max" if site.inputs.first().is_some_and(|id| planes.has(*id)) => {
            return mean(
                builder,
                planes,
                site,
                if name == "Mean" {
                    Reduction::Mean
                } else {
                    Reduction::Largest
                },
            );
        }
        "ConcatV2" if site.inputs.iter().any(|id| planes.has(*id)) => {
            return concat(builder, planes, site);
        }
        _ => return Ok(None),
    };
    planes.last(builder, &site.name, made).map(Some)
}

/// An input with its channels first.
pub(super) fn picture(
    builder: &mut Builder,
    planes: &mut Planes,
    site: &Site<'_>,
    at: usize,
) -> Result<ValueId, ModelError> {
    match site.node.text("data_format") {
        "" | "NHWC" => {}
        other => return Err(site.unknown(builder, "data_format", other)),
    }
    let id = site.input(builder, at)?;
    planes.first(builder, &site.name, id)
}

/// The numbers of rows and columns of a list for all axes. At most 2^20.
fn pair(builder: &Builder, site: &Site<'_>, name: &str) -> Result<[usize; 2], ModelError> {
    let given = site.node.integers(name);
    let counted = |number: i64| {
        usize::try_from(number)
            .ok()
            .filter(|number| (1..=1 << 20).contains(number))
    };
    match given {
        [] => Ok([1, 1]),
        [1, rows, columns, 1] => match (counted(*rows), counted(*columns)) {
            (Some(rows), Some(columns)) => Ok([rows, columns]),
            _ => Err(site.unknown(builder, name, given)),
        },
        _ => Err(site.unknown(builder, name, given)),
    }
}

fn padding(builder: &Builder, site: &Site<'_>) -> Result<Padding, ModelError> {
    let margins = |given: &[i64]| {
        let counted: Option<Vec<usize>> = given
            .iter()
            .map(|number| usize::try_from(*number).ok())
            .collect();
        match counted.as_deref() {
            Some([0, 0, top, bottom, left, right, 0, 0]) => Some(Padding::Given(Margins {
                before: [*top, *left],
                after: [*bottom, *right],
            })),
            _ => None,
        }
    };
    match site.node.text("padding") {
        "SAME" => Ok(Padding::SameUpper),
        "VALID" => Ok(Padding::Given(Margins::default())),
        "EXPLICIT" => {
            let given = site.node.integers("explicit_paddings");
            margins(given).ok_or_else(|| site.unknown(builder, "explicit_paddings", given))
        }
        other => Err(site.unknown(builder, "padding", other)),
    }
}

/// What a convolution is, beside its weights.
pub(super) fn convolve(
    builder: &Builder,
    site: &Site<'_>,
    groups: usize,
) -> Result<Convolve, ModelError> {
    Ok(Convolve {
        stride: pair(builder, site, "strides")?,
        dilation: pair(builder, site, "dilations")?,
        padding: padding(builder, site)?,
        groups,
        activation: None,
        line: Vec::new(),
    })
}

/// Inputs: the sides of the output, weights `[rows, columns, outputs, inputs]`, and pictures.
fn transposed(
    builder: &mut Builder,
    planes: &mut Planes,
    site: &Site<'_>,
) -> Result<ValueId, ModelError> {
    let input = picture(builder, planes, site, 2)?;
    let weights = site.input(builder, 1)?;
    let weights = builder.one(
        &site.name,
        Operation::Transpose(vec![3, 2, 0, 1]),
        &[weights],
    )?;
    let operation = Operation::ConvolveTransposed(ConvolveTransposed {
        stride: pair(builder, site, "strides")?,
        dilation: pair(builder, site, "dilations")?,
        padding: padding(builder, site)?,
        more: [0, 0],
        groups: 1,
        activation: None,
    });
    let made = builder.one(&site.name, operation, &[input, weights])?;
    // Other sides of the output would be another way to cut it.
    if let (Some(asked), Some(found)) = (
        builder.integers(site.input(builder, 0)?),
        builder.values[made].outline.known(),
    ) && let ([_, rows, columns, _], [_, _, height, width]) = (&*asked, &*found)
        && (*rows != *height as i64 || *columns != *width as i64)
    {
        return Err(site.unknown(builder, "side of the output", asked));
    }
    Ok(made)
}

fn pool(builder: &Builder, site: &Site<'_>) -> Result<Pool, ModelError> {
    Ok(Pool {
        window: Window {
            size: pair(builder, site, "ksize")?,
            stride: pair(builder, site, "strides")?,
            dilation: [1, 1],
        },
        padding: padding(builder, site)?,
        kind: match &*site.node.operation {
            "MaxPool" => PoolKind::Largest,
            _ => PoolKind::Mean,
        },
        rounding: Rounding::Dropped,
    })
}

fn resize(site: &Site<'_>) -> Resize {
    let (corners, half) = (
        site.node.truth("align_corners"),
        site.node.truth("half_pixel_centers"),
    );
    let is_nearest = site.node.operation == "ResizeNearestNeighbor";
    let coordinates = match (corners, half) {
        (true, _) => Coordinates::AlignCorners,
        (_, true) if is_nearest => Coordinates::HalfPixelForNearest,
        (_, true) => Coordinates::HalfPixel,
        _ => Coordinates::Asymmetric,
    };
    let filter = match (is_nearest, corners) {
        (false, _) => Filter::Bilinear,
        (true, true) => Filter::Nearest(Nearest::PreferCeil),
        (true, false) => Filter::Nearest(Nearest::Floor),
    };
    Resize {
        filter,
        coordinates,
    }
}

fn pad(builder: &mut Builder, planes: &mut Planes, site: &Site<'_>) -> Result<ValueId, ModelError> {
    let given = site.constant(builder, 1)?;
    let [n, n2, top, bottom, left, right, c, c2] = given[..] else {
        return Err(site.unknown(builder, "margin", given));
    };
    let input = picture(builder, planes, site, 0)?;
    let margins = builder.list(&[n, c, top, left, n2, c2, bottom, right])?;
    let fill = site.inputs.get(2).copied();
    let operation = Operation::Pad(Pad {
        mode: PadMode::Constant,
    });
    let made = builder.add(&site.name, operation, &[Some(input), Some(margins), fill])?;
    Ok(made.first().copied().unwrap_or(input))
}

/// Over rows and columns; other axes are those of the file.
fn mean(
    builder: &mut Builder,
    planes: &mut Planes,
    site: &Site<'_>,
    kind: Reduction,
) -> Result<Option<ValueId>, ModelError> {
    let mut axes = site.constant(builder, 1)?;
    axes.iter_mut()
        .filter(|axis| **axis < 0)
        .for_each(|axis| *axis += 4);
    axes.sort_unstable();
    if axes != [1, 2] {
        return Ok(None);
    }
    let input = picture(builder, planes, site, 0)?;
    let first = builder.list(&[2i64, 3])?;
    let is_kept = site.node.truth("keep_dims");
    let operation = Operation::Reduce(Reduce {
        kind,
        sides: if is_kept {
            Reduced::Kept
        } else {
            Reduced::Dropped
        },
        without_axes: WithoutAxes::NoAxes,
    });
    let made = builder.one(&site.name, operation, &[input, first])?;
    match is_kept {
        true => planes.last(builder, &site.name, made).map(Some),
        false => Ok(Some(made)),
    }
}

fn concat(
    builder: &mut Builder,
    planes: &mut Planes,
    site: &Site<'_>,
) -> Result<Option<ValueId>, ModelError> {
    let Some((_, parts)) = site.inputs.split_last() else {
        return Ok(None);
    };
    let axis = match site.constant_number(builder, parts.len())? {
        3 | -1 => 1,
        0 | -4 => 0,
        1 | -3 => 2,
        _ => 3,
    };
    let mut turned = Vec::with_capacity(parts.len());
    for part in parts {
        turned.push(planes.first(builder, &site.name, *part)?);
    }
    let made = builder.one(&site.name, Operation::Concat(axis), &turned)?;
    planes.last(builder, &site.name, made).map(Some)
}

/// The weights of a convolution of each channel, `[rows, columns, channels, times]`, as ours has them.
pub(super) fn depthwise_weights(
    builder: &mut Builder,
    site: &Site<'_>,
) -> Result<(ValueId, usize), ModelError> {
    let weights = site.input(builder, 1)?;
    let Some([rows, columns, channels, times]) = builder.values[weights]
        .outline
        .known()
        .and_then(|sides| <[usize; 4]>::try_from(sides).ok())
    else {
        return Err(builder.refuse(
            format!("a node {} with weights of 4 known sides", site.name),
            "others",
        ));
    };
    let turned = builder.one(
        &site.name,
        Operation::Transpose(vec![2, 3, 0, 1]),
        &[weights],
    )?;
    let outputs = channels.saturating_mul(times);
    let sides = [outputs, 1, rows, columns].map(|side| side as i64);
    let sides = builder.list(&sides)?;
    let made = builder.one(
        &site.name,
        Operation::Reshape(ZeroSide::Empty),
        &[turned, sides],
    )?;
    Ok((made, channels))
}
