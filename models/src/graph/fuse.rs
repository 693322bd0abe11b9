//! Joining nodes that always follow each other.
//!
//! A normalization, a product or a sum behind a convolution becomes part of its weights, and an activation part of its last step: the numbers are passed once instead
//! of three times. The decomposed forms of hard-swish and swish are found first. Nodes and constants that nothing needs any more go.

mod activations;
mod convolutions;

use super::builder::{Builder, ValueId};
use super::operation::Operation;
use crate::ModelError;

/// Joins what can be joined.
pub(super) fn fuse(builder: &mut Builder) -> Result<(), ModelError> {
    activations::fuse(builder);
    remove_unused(builder);
    convolutions::fuse(builder)?;
    remove_unused(builder);
    Ok(())
}

/// How many nodes and outputs take each value.
fn uses(builder: &Builder) -> Vec<usize> {
    let mut uses = vec![0; builder.values.len()];
    let taken = builder
        .nodes
        .iter()
        .flat_map(|node| node.inputs.iter().flatten());
    for id in taken.chain(builder.outputs.iter().map(|(_, id)| id)) {
        uses[*id] += 1;
    }
    uses
}

/// For each value the node that makes it.
fn makers(builder: &Builder) -> Vec<Option<usize>> {
    let mut makers = vec![None; builder.values.len()];
    for (at, node) in builder.nodes.iter().enumerate() {
        for id in &node.outputs {
            makers[*id] = Some(at);
        }
    }
    makers
}

/// The one number of a constant.
fn number(builder: &Builder, id: ValueId) -> Option<f32> {
    let constant = builder.values[id].constant.as_ref()?;
    match constant
        .flatten_all()
        .ok()?
        .to_vec1::<f32>()
        .ok()?
        .as_slice()
    {
        [number] => Some(*number),
        _ => None,
    }
}

fn remove_unused(builder: &mut Builder) {
    let mut is_needed = vec![false; builder.values.len()];
    for (_, id) in &builder.outputs {
        is_needed[*id] = true;
    }
    let nodes = std::mem::take(&mut builder.nodes);
    let mut kept = Vec::with_capacity(nodes.len());
    for node in nodes.into_iter().rev() {
        if !node.outputs.iter().any(|id| is_needed[*id]) {
            continue;
        }
        for id in node.inputs.iter().flatten() {
            is_needed[*id] = true;
        }
        kept.push(node);
    }
    kept.reverse();
    builder.nodes = kept;
    for (value, is_needed) in builder.values.iter_mut().zip(is_needed) {
        if !is_needed {
            value.constant = None;
        }
    }
}

/// The operation of the node that makes a value, with its inputs.
fn made_by<'a>(
    builder: &'a Builder,
    makers: &[Option<usize>],
    id: ValueId,
) -> Option<(&'a Operation, &'a [Option<ValueId>])> {
    let node = &builder.nodes[makers[id]?];
    Some((&node.operation, &node.inputs))
}
