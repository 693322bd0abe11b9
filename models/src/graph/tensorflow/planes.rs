//! Values in both orders of axes.

use std::collections::HashMap;

use candle_core::DType;

use crate::ModelError;
use crate::graph::builder::{Builder, ValueId};
use crate::graph::operation::{Operation, ZeroSide};

/// From channels last to channels first.
const TO_FIRST: [usize; 4] = [0, 3, 1, 2];
/// And back.
const TO_LAST: [usize; 4] = [0, 2, 3, 1];

/// The values that are there with their channels first too.
#[derive(Debug, Default)]
pub(super) struct Planes {
    first: HashMap<ValueId, ValueId>,
}

impl Planes {
    /// A picture with its channels first.
    pub(super) fn first(
        &mut self,
        builder: &mut Builder,
        name: &str,
        last: ValueId,
    ) -> Result<ValueId, ModelError> {
        if let Some(first) = self.first.get(&last) {
            return Ok(*first);
        }
        let first = builder.one(name, Operation::Transpose(TO_FIRST.to_vec()), &[last])?;
        self.first.insert(last, first);
        Ok(first)
    }

    /// A picture with its channels last, of one that has them first. If nothing needs it so, it is not computed.
    pub(super) fn last(
        &mut self,
        builder: &mut Builder,
        name: &str,
        first: ValueId,
    ) -> Result<ValueId, ModelError> {
        let last = builder.one(name, Operation::Transpose(TO_LAST.to_vec()), &[first])?;
        self.first.insert(last, first);
        Ok(last)
    }

    /// Whether a value is there with its channels first.
    pub(super) fn has(&self, last: ValueId) -> bool {
        self.first.contains_key(&last)
    }

    /// Adds a node that works number by number: with channels first, if one of its inputs is there so and all others can be.
    pub(super) fn pointwise(
        &mut self,
        builder: &mut Builder,
        name: &str,
        operation: Operation,
        inputs: &[ValueId],
    ) -> Result<ValueId, ModelError> {
        let can_be = |id: &ValueId| {
            self.has(*id) || builder.rank(*id) == Some(4) || is_of_channels(builder, *id)
        };
        if !inputs.iter().any(|id| self.has(*id)) || !inputs.iter().all(can_be) {
            return builder.one(name, operation, inputs);
        }
        let mut turned = Vec::with_capacity(inputs.len());
        for id in inputs {
            turned.push(self.beside(builder, name, *id)?);
        }
        let made = builder.one(name, operation, &turned)?;
        self.last(builder, name, made)
    }

    /// A value so that it can be put beside pictures with channels first.
    fn beside(
        &mut self,
        builder: &mut Builder,
        name: &str,
        id: ValueId,
    ) -> Result<ValueId, ModelError> {
        if self.has(id) || builder.rank(id) == Some(4) {
            return self.first(builder, name, id);
        }
        let count = builder.values[id]
            .outline
            .known()
            .and_then(|sides| sides.iter().copied().reduce(|one, other| one * other));
        match (builder.rank(id), count) {
            (Some(1..), Some(count)) if count != 1 => {
                let sides = builder.list(&[count as i64, 1, 1])?;
                builder.one(name, Operation::Reshape(ZeroSide::Empty), &[id, sides])
            }
            (Some(1..), _) => {
                let sides = builder.list(&[1i64, 1, 1])?;
                builder.one(name, Operation::Reshape(ZeroSide::Empty), &[id, sides])
            }
            _ => Ok(id),
        }
    }
}

/// Whether a value has one number for all, or one for each channel.
fn is_of_channels(builder: &Builder, id: ValueId) -> bool {
    let outline = &builder.values[id].outline;
    let is_number = outline.dtype == DType::F32;
    let Some(sides) = outline.known() else {
        return false;
    };
    let outer = sides.split_last().map_or(&[][..], |(_, outer)| outer);
    is_number && sides.len() < 4 && outer.iter().all(|side| *side == 1)
}
