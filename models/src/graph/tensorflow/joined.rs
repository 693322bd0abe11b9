//! Nodes that TensorFlow's own optimizer joined: a convolution or a product, with its bias and its activation.

use super::nodes::Site;
use super::planes::Planes;
use super::windows::{convolve, depthwise_weights, picture};
use crate::ModelError;
use crate::graph::builder::{Builder, ValueId};
use crate::graph::operation::{Binary, Operation, ZeroSide};
use crate::graph::operators::matrix::{MatMul, Side};
use crate::kernels::Unary;

/// A convolution, with channels first. Inputs: pictures, weights, and what was joined to it.
pub(super) fn convolution(
    builder: &mut Builder,
    planes: &mut Planes,
    site: &Site<'_>,
) -> Result<ValueId, ModelError> {
    let input = picture(builder, planes, site, 0)?;
    let is_depthwise = site.node.operation.contains("epthwise");
    let (weights, groups) = if is_depthwise {
        depthwise_weights(builder, site)?
    } else {
        let weights = site.input(builder, 1)?;
        let turned = builder.one(
            &site.name,
            Operation::Transpose(vec![3, 2, 0, 1]),
            &[weights],
        )?;
        (turned, groups(builder, site, input, turned)?)
    };
    let operation = Operation::Convolve(convolve(builder, site, groups)?);
    let made = builder.one(&site.name, operation, &[input, weights])?;
    let channels = |builder: &mut Builder, id: ValueId| {
        let sides = builder.list(&[-1i64, 1, 1])?;
        builder.one(
            &site.name,
            Operation::Reshape(ZeroSide::Empty),
            &[id, sides],
        )
    };
    follow(builder, site, made, channels)
}

/// A file does not say how many groups there are: as many as the weights' channels fit into the pictures'.
fn groups(
    builder: &Builder,
    site: &Site<'_>,
    input: ValueId,
    weights: ValueId,
) -> Result<usize, ModelError> {
    let channels = |id: ValueId| *builder.values[id].outline.sides.as_ref()?.get(1)?;
    match (channels(input), channels(weights)) {
        (Some(all), Some(each)) if each > 0 && all > 0 && all.is_multiple_of(each) => {
            Ok(all / each)
        }
        (None, _) => Ok(1),
        (all, each) => Err(builder.refuse(
            format!(
                "a node {} whose pictures have as many channels as its weights",
                site.name
            ),
            format!("{all:?} and {each:?}"),
        )),
    }
}

/// A product of matrices.
pub(super) fn product(
    builder: &mut Builder,
    _: &mut Planes,
    site: &Site<'_>,
) -> Result<ValueId, ModelError> {
    let side = |name: &str| {
        if site.node.truth(name) {
            Side::Transposed
        } else {
            Side::AsItIs
        }
    };
    let operation = Operation::MatMul(MatMul {
        left: side("transpose_a"),
        right: side("transpose_b"),
        ..MatMul::PLAIN
    });
    let inputs = [site.input(builder, 0)?, site.input(builder, 1)?];
    let made = builder.one(&site.name, operation, &inputs)?;
    follow(builder, site, made, |_, id| Ok(id))
}

/// What was joined, one after the other. `channels` makes something of each channel fit.
fn follow(
    builder: &mut Builder,
    site: &Site<'_>,
    mut made: ValueId,
    channels: impl Fn(&mut Builder, ValueId) -> Result<ValueId, ModelError>,
) -> Result<ValueId, ModelError> {
    let mut next = 2;
    for name in site.node.texts("fused_ops") {
        let operation = match name {
            "BiasAdd" | "Prelu" => {
                let other = site.input(builder, next)?;
                next += 1;
                let other = channels(builder, other)?;
                let binary = if name == "Prelu" {
                    Binary::PRelu
                } else {
                    Binary::Add
                };
                made = builder.one(&site.name, Operation::Binary(binary), &[made, other])?;
                continue;
            }
            "Relu" => Unary::Relu,
            "Relu6" => Unary::Clip(0.0, 6.0),
            "Elu" => Unary::Elu(1.0),
            "LeakyRelu" => Unary::LeakyRelu(site.node.float("leakyrelu_alpha", 0.2)),
            "Sigmoid" => Unary::Sigmoid,
            "Tanh" => Unary::Tanh,
            other => return Err(site.unknown(builder, "joined operation", other)),
        };
        made = builder.one(&site.name, Operation::Unary(operation), &[made])?;
    }
    Ok(made)
}
