//! Nodes of ONNX with a window, and those that resize.

use super::nodes::Site;
use crate::ModelError;
use crate::graph::builder::Builder;
use crate::graph::operation::Operation;
use crate::graph::operators::block::{Block, BlockOrder};
use crate::graph::operators::convolution::{Convolve, Padding};
use crate::graph::operators::pool::{Pool, PoolKind, Rounding};
use crate::graph::operators::resize::{Coordinates, Filter, Nearest, Resize};
use crate::graph::operators::transposed::ConvolveTransposed;
use crate::kernels::{Margins, Window};

pub(super) fn lower(
    builder: &mut Builder,
    name: &str,
    site: &Site<'_>,
) -> Result<Option<Operation>, ModelError> {
    let attributes = site.attributes;
    Ok(Some(match name {
        "Conv" => Operation::Convolve(Convolve {
            stride: pair(builder, site, "strides", 1)?,
            dilation: pair(builder, site, "dilations", 1)?,
            padding: padding(builder, site)?,
            groups: groups(builder, site)?,
            activation: None,
            line: Vec::new(),
        }),
        "ConvTranspose" => {
            if attributes.get("output_shape").is_some() {
                return Err(site.unknown(builder, "attribute", "output_shape"));
            }
            Operation::ConvolveTransposed(ConvolveTransposed {
                stride: pair(builder, site, "strides", 1)?,
                dilation: pair(builder, site, "dilations", 1)?,
                padding: padding(builder, site)?,
                more: pair(builder, site, "output_padding", 0)?,
                groups: groups(builder, site)?,
                activation: None,
            })
        }
        "MaxPool" | "AveragePool" => Operation::Pool(pool(builder, name, site)?),
        "DepthToSpace" | "SpaceToDepth" => {
            let block = Block {
                side: usize::try_from(attributes.integer("blocksize", 0)).unwrap_or(0),
                order: match attributes.text("mode", "DCR") {
                    "CRD" => BlockOrder::ChannelFirst,
                    _ => BlockOrder::DepthFirst,
                },
            };
            match name {
                "DepthToSpace" => Operation::DepthToSpace(block),
                _ => Operation::SpaceToDepth(block),
            }
        }
        _ => return Ok(None),
    }))
}

/// Two numbers, of rows and columns; where pictures have one axis, that of columns. At most 2^20.
fn pair(
    builder: &Builder,
    site: &Site<'_>,
    name: &str,
    default: usize,
) -> Result<[usize; 2], ModelError> {
    let Some(given) = site.attributes.integers(name) else {
        return Ok([default; 2]);
    };
    let counted: Option<Vec<usize>> = given
        .iter()
        .map(|number| usize::try_from(*number).ok())
        .collect();
    match counted.as_deref() {
        Some([columns]) if *columns <= 1 << 20 => Ok([default.max(1), *columns]),
        Some([rows, columns]) if *rows.max(columns) <= 1 << 20 => Ok([*rows, *columns]),
        _ => Err(site.unknown(builder, name, given)),
    }
}

fn groups(builder: &Builder, site: &Site<'_>) -> Result<usize, ModelError> {
    let groups = site.attributes.integer("group", 1);
    match usize::try_from(groups) {
        Ok(groups) if groups > 0 => Ok(groups),
        _ => Err(site.unknown(builder, "group", groups)),
    }
}

fn padding(builder: &Builder, site: &Site<'_>) -> Result<Padding, ModelError> {
    let attributes = site.attributes;
    match attributes.text("auto_pad", "NOTSET") {
        "NOTSET" => {}
        "VALID" => return Ok(Padding::Given(Margins::default())),
        "SAME_UPPER" => return Ok(Padding::SameUpper),
        "SAME_LOWER" => return Ok(Padding::SameLower),
        other => return Err(site.unknown(builder, "auto_pad", other)),
    }
    let given = attributes.integers("pads").unwrap_or(&[]);
    let counted: Option<Vec<usize>> = given
        .iter()
        .map(|number| usize::try_from(*number).ok())
        .collect();
    match counted.as_deref() {
        Some([]) => Ok(Padding::Given(Margins::default())),
        Some([left, right]) => Ok(Padding::Given(Margins {
            before: [0, *left],
            after: [0, *right],
        })),
        Some([top, left, bottom, right]) => Ok(Padding::Given(Margins {
            before: [*top, *left],
            after: [*bottom, *right],
        })),
        _ => Err(site.unknown(builder, "pads", given)),
    }
}

fn pool(builder: &Builder, name: &str, site: &Site<'_>) -> Result<Pool, ModelError> {
    let attributes = site.attributes;
    if site.outputs > 1 || attributes.integer("storage_order", 0) != 0 {
        return Err(site.unknown(builder, "output", "the places of the largest numbers"));
    }
    if attributes.integers("kernel_shape").is_none() {
        return Err(site.unknown(builder, "kernel_shape", "none"));
    }
    Ok(Pool {
        window: Window {
            size: pair(builder, site, "kernel_shape", 1)?,
            stride: pair(builder, site, "strides", 1)?,
            dilation: pair(builder, site, "dilations", 1)?,
        },
        padding: padding(builder, site)?,
        kind: match (name, attributes.integer("count_include_pad", 0)) {
            ("MaxPool", _) => PoolKind::Largest,
            (_, 0) => PoolKind::Mean,
            _ => PoolKind::MeanWithMargins,
        },
        rounding: match attributes.integer("ceil_mode", 0) {
            0 => Rounding::Dropped,
            _ => Rounding::Kept,
        },
    })
}

/// How pictures are resized: `Upsample` has no coordinates of its own.
pub(super) fn resize(builder: &Builder, name: &str, site: &Site<'_>) -> Result<Resize, ModelError> {
    let attributes = site.attributes;
    let is_old = name == "Upsample" || site.version < 11;
    let coordinates = match attributes.text("coordinate_transformation_mode", "half_pixel") {
        _ if is_old => Coordinates::Asymmetric,
        "half_pixel" => Coordinates::HalfPixel,
        "pytorch_half_pixel" => Coordinates::PytorchHalfPixel,
        "align_corners" => Coordinates::AlignCorners,
        "asymmetric" => Coordinates::Asymmetric,
        "tf_half_pixel_for_nn" => Coordinates::HalfPixelForNearest,
        other => return Err(site.unknown(builder, "coordinate_transformation_mode", other)),
    };
    let nearest = match attributes.text("nearest_mode", "round_prefer_floor") {
        _ if is_old => Nearest::Floor,
        "round_prefer_floor" => Nearest::PreferFloor,
        "round_prefer_ceil" => Nearest::PreferCeil,
        "floor" => Nearest::Floor,
        "ceil" => Nearest::Ceil,
        other => return Err(site.unknown(builder, "nearest_mode", other)),
    };
    let filter = match attributes.text("mode", "nearest") {
        "nearest" => Filter::Nearest(nearest),
        "linear" | "bilinear" => Filter::Bilinear,
        other => return Err(site.unknown(builder, "mode", other)),
    };
    if attributes.integer("antialias", 0) != 0 || attributes.get("axes").is_some() {
        return Err(site.unknown(builder, "attribute", "antialias or axes"));
    }
    Ok(Resize {
        filter,
        coordinates,
    })
}
