//! What follows a convolution becomes part of it.

use candle_core::{DType, Result, Tensor};

use super::uses;
use crate::ModelError;
use crate::graph::builder::{Builder, Node, ValueId};
use crate::graph::operation::{Binary, Operation};
use crate::graph::operators::dense::Dense;
use crate::graph::outline::Arguments;

/// For each output channel, what it is multiplied by and what is added then; `None` where that is nothing.
struct Line {
    factor: Option<Tensor>,
    shift: Option<Tensor>,
}

pub(super) fn fuse(builder: &mut Builder) -> std::result::Result<(), ModelError> {
    let computing = ModelError::compute("join the nodes of a graph");
    join_all(builder).map_err(computing)?;
    for at in 0..builder.nodes.len() {
        let node = &builder.nodes[at];
        let constant = |at: usize| {
            node.inputs
                .get(at)
                .copied()
                .flatten()
                .map(|id| builder.values[id].constant.as_ref())
        };
        let (Some(Some(weights)), bias) = (constant(1), constant(2)) else {
            continue;
        };
        let bias = match bias {
            None => None,
            Some(Some(bias)) => Some(bias),
            Some(None) => continue,
        };
        let prepared = match &node.operation {
            Operation::Convolve(convolve) => convolve
                .prepare(weights, bias)
                .map(|prepared| Operation::Prepared(Box::new(prepared))),
            Operation::ConvolveTransposed(convolve) => convolve
                .prepare(weights, bias)
                .map(|prepared| Operation::PreparedTransposed(Box::new(prepared))),
            Operation::MatMul(product) => match Dense::new(product, weights, bias) {
                Ok(Some(dense))
                    if node.inputs[0]
                        .and_then(|id| builder.rank(id))
                        .is_some_and(|rank| rank > 1) =>
                {
                    Ok(Operation::Dense(Box::new(dense)))
                }
                Ok(_) => continue,
                Err(error) => Err(error),
            },
            _ => continue,
        };
        let prepared = prepared.map_err(|error| {
            builder.refuse(
                format!("a graph whose node {} can be computed", node.name),
                error.to_string(),
            )
        })?;
        let node = &mut builder.nodes[at];
        node.operation = prepared;
        node.inputs.truncate(1);
    }
    Ok(())
}

/// Joins each convolution with the node that alone takes what it makes, as often as it goes.
fn join_all(builder: &mut Builder) -> Result<()> {
    let uses = uses(builder);
    let users = users(builder);
    let mut is_joined = vec![false; builder.nodes.len()];
    for at in 0..builder.nodes.len() {
        while let [made] = builder.nodes[at].outputs[..] {
            let (1, Some(user)) = (uses[made], users[made]) else {
                break;
            };
            if builder.nodes[user].outputs.len() != 1 || !join(builder, at, user, made)? {
                break;
            }
            builder.nodes[at].outputs = std::mem::take(&mut builder.nodes[user].outputs);
            is_joined[user] = true;
        }
    }
    let mut is_joined = is_joined.into_iter();
    builder.nodes.retain(|_| !is_joined.next().unwrap_or(false));
    Ok(())
}

/// For each value a node that takes it.
fn users(builder: &Builder) -> Vec<Option<usize>> {
    let mut users = vec![None; builder.values.len()];
    for (at, node) in builder.nodes.iter().enumerate() {
        for id in node.inputs.iter().flatten() {
            users[*id] = Some(at);
        }
    }
    users
}

/// Makes the node that takes `made` part of the convolution that makes it, if that can be.
fn join(builder: &mut Builder, convolution: usize, user: usize, made: ValueId) -> Result<bool> {
    let (axis, has_activation) = match &builder.nodes[convolution].operation {
        Operation::Convolve(convolve) => (0, convolve.activation.is_some()),
        Operation::ConvolveTransposed(convolve) if convolve.groups == 1 => {
            (1, convolve.activation.is_some())
        }
        _ => return Ok(false),
    };
    if has_activation {
        return follow(builder, convolution, user, made);
    }
    if let Operation::Unary(function) = builder.nodes[user].operation {
        match &mut builder.nodes[convolution].operation {
            Operation::Convolve(convolve) => convolve.activation = Some(function),
            Operation::ConvolveTransposed(convolve) => convolve.activation = Some(function),
            _ => return Ok(false),
        }
        return Ok(true);
    }
    let node = &builder.nodes[convolution];
    let constant = |id: Option<ValueId>| id.and_then(|id| builder.values[id].constant.clone());
    let Some(weights) = constant(node.inputs.get(1).copied().flatten()) else {
        return Ok(false);
    };
    let bias = node.inputs.get(2).copied().flatten();
    let old = constant(bias);
    if weights.rank() < 3 || bias.is_some() != old.is_some() {
        return Ok(false);
    }
    let channels = weights.dim(axis)?;
    let Some(line) = line(
        builder,
        &builder.nodes[user],
        made,
        channels,
        weights.rank(),
    )?
    else {
        return Ok(false);
    };
    let mut sides = vec![1; weights.rank()];
    sides[axis] = channels;
    let (mut weights, mut sum) = (weights, old);
    if let Some(factor) = &line.factor {
        weights = weights.broadcast_mul(&factor.reshape(sides)?)?;
        sum = match sum {
            Some(sum) => Some((sum.flatten_all()? * factor)?),
            None => None,
        };
    }
    if let Some(shift) = line.shift {
        sum = match sum {
            Some(sum) => Some((sum.flatten_all()? + shift)?),
            None => Some(shift),
        };
    }
    let mut inputs = vec![
        builder.nodes[convolution].inputs[0],
        Some(builder.constant(weights)),
    ];
    inputs.extend(sum.map(|sum| Some(builder.constant(sum))));
    builder.nodes[convolution].inputs = inputs;
    Ok(true)
}

/// Makes the node that takes what a convolution makes behind its activation part of it, if it does the same to all numbers of a channel.
fn follow(builder: &mut Builder, convolution: usize, user: usize, made: ValueId) -> Result<bool> {
    if !matches!(builder.nodes[convolution].operation, Operation::Convolve(_)) {
        return Ok(false);
    }
    let weights = builder.nodes[convolution].inputs.get(1).copied().flatten();
    let Some(weights) = weights.and_then(|id| builder.values[id].constant.as_ref()) else {
        return Ok(false);
    };
    let (channels, rank) = (weights.dim(0)?, weights.rank());
    let Some(line) = line(builder, &builder.nodes[user], made, channels, rank)? else {
        return Ok(false);
    };
    let numbers = |tensor: Option<Tensor>, default: f32| match tensor {
        Some(tensor) => tensor.flatten_all()?.to_vec1::<f32>(),
        None => Ok(vec![default; channels]),
    };
    let (factors, shifts) = (numbers(line.factor, 1.0)?, numbers(line.shift, 0.0)?);
    let Operation::Convolve(convolve) = &mut builder.nodes[convolution].operation else {
        return Ok(false);
    };
    convolve.line.resize(channels, [1.0, 0.0]);
    for ([factor, shift], (by, more)) in convolve
        .line
        .iter_mut()
        .zip(factors.into_iter().zip(shifts))
    {
        (*factor, *shift) = (*factor * by, *shift * by + more);
    }
    Ok(true)
}

/// What a node does to each channel of the value, if it is nothing else, and the same in each run.
fn line(
    builder: &Builder,
    node: &Node,
    made: ValueId,
    channels: usize,
    rank: usize,
) -> Result<Option<Line>> {
    let constant = |at: usize| {
        let id = node.inputs.get(at).copied().flatten()?;
        builder.values[id].constant.as_ref()
    };
    match &node.operation {
        Operation::BatchNormalization(norm) if node.inputs[0] == Some(made) => {
            let given = [None, constant(1), constant(2), constant(3), constant(4)];
            let fits =
                |tensor: &Option<&Tensor>| tensor.is_some_and(|tensor| tensor.dims() == [channels]);
            if !given[1..].iter().all(fits) {
                return Ok(None);
            }
            let (factor, shift) = norm.line(Arguments(&given))?;
            Ok(Some(Line {
                factor: Some(factor),
                shift: Some(shift),
            }))
        }
        Operation::Binary(binary) => {
            let place = if node.inputs[0] == Some(made) { 1 } else { 0 };
            let Some(other) = constant(place) else {
                return Ok(None);
            };
            let Some(other) = of_channels(other, channels, rank)? else {
                return Ok(None);
            };
            let (factor, shift) = match (binary, place) {
                (Binary::Multiply, _) => (Some(other), None),
                (Binary::Divide, 1) => (Some(other.recip()?), None),
                (Binary::Add, _) => (None, Some(other)),
                (Binary::Subtract, 1) => (None, Some(other.neg()?)),
                _ => return Ok(None),
            };
            Ok(Some(Line { factor, shift }))
        }
        _ => Ok(None),
    }
}

/// One number for each channel, of a constant that has one, or one for all.
fn of_channels(constant: &Tensor, channels: usize, rank: usize) -> Result<Option<Tensor>> {
    if constant.rank() > rank || constant.dtype() != DType::F32 {
        return Ok(None);
    }
    if constant.elem_count() == 1 {
        return Ok(Some(
            constant
                .flatten_all()?
                .broadcast_as(channels)?
                .contiguous()?,
        ));
    }
    let is_other = constant.rank() + 1 < rank || constant.elem_count() != channels;
    if is_other || constant.dim(constant.rank() + 1 - rank)? != channels {
        return Ok(None);
    }
    Ok(Some(constant.flatten_all()?))
}
