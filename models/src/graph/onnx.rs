//! Reading ONNX files.
//!
//! Weights are taken from initialisers and from `Constant` nodes alike. Operator sets from version 7 on are read; where versions differ, the node is read as its
//! own has it.
//!
//! Source: ONNX, `onnx.proto3` and `Operators.md`.

mod attributes;
mod axes;
mod nodes;
mod tensors;
#[cfg(test)]
mod tests;
mod windows;

use std::collections::{HashMap, HashSet};
use std::path::Path;

use candle_core::DType;
use prost::Message;

use self::attributes::Attributes;
use self::nodes::Site;
use super::builder::{Builder, ValueId};
use super::order::{Disorder, Names, order};
use super::outline::Outline;
use super::{Graph, Part};
use crate::ModelError;
use crate::onnx::messages::{Graph as GraphMessage, Model, Node, OperatorSet, ValueInfo};

/// Reads the bytes of a file.
pub(super) fn read(bytes: &[u8], path: &Path, part: &Part) -> Result<Graph, ModelError> {
    let mut builder = Builder::new(path, bytes.len());
    let model =
        Model::decode(bytes).map_err(|error| builder.refuse("an ONNX file", error.to_string()))?;
    let Some(graph) = model.graph else {
        return Err(builder.refuse("an ONNX file with a graph", "none"));
    };
    let metadata = model
        .metadata
        .into_iter()
        .map(|entry| (entry.key, entry.value));
    builder.metadata = metadata.collect();
    let reader = Reader {
        version: version(&model.operator_sets),
        graph: &graph,
    };
    reader.read(&mut builder, part)?;
    Graph::finish(builder)
}

/// Of the operators that ONNX itself defines.
fn version(sets: &[OperatorSet]) -> i64 {
    let own = sets
        .iter()
        .find(|set| set.domain.is_empty() || set.domain == "ai.onnx");
    own.map_or(1, |set| set.version)
}

struct Reader<'a> {
    version: i64,
    graph: &'a GraphMessage,
}

impl Reader<'_> {
    fn read(&self, builder: &mut Builder, part: &Part) -> Result<(), ModelError> {
        let mut values: HashMap<&str, ValueId> = HashMap::new();
        let given = self.inputs(builder, part)?;
        for (name, outline) in &given {
            values.insert(name, builder.input(name, outline.clone()));
        }
        let initial = self
            .graph
            .tensors
            .iter()
            .filter(|tensor| !values.contains_key(&*tensor.name));
        let initial: HashMap<&str, _> = initial.map(|tensor| (&*tensor.name, tensor)).collect();
        let wanted: Vec<&str> = match part.outputs.as_slice() {
            [] => self
                .graph
                .outputs
                .iter()
                .map(|output| &*output.name)
                .collect(),
            outputs => outputs.iter().map(String::as_str).collect(),
        };
        let known: HashSet<&str> = values.keys().chain(initial.keys()).copied().collect();
        for node in self.order(builder, &wanted, &known)? {
            let mut inputs = Vec::with_capacity(node.inputs.len());
            for name in &node.inputs {
                let id = match (values.get(&**name), initial.get(&**name)) {
                    _ if name.is_empty() => None,
                    (Some(id), _) => Some(*id),
                    (None, Some(tensor)) => {
                        let id = tensors::constant(builder, tensor)?;
                        values.insert(name, id);
                        Some(id)
                    }
                    (None, None) => None,
                };
                inputs.push(id);
            }
            let site = Site {
                name: format!("`{}` ({})", node.name, node.operation),
                attributes: Attributes(&node.attributes),
                inputs,
                version: self.version,
                outputs: node.outputs.len(),
            };
            let made = nodes::lower(builder, node, &site)?;
            values.extend(node.outputs.iter().map(String::as_str).zip(made));
        }
        for name in wanted {
            let id = match (values.get(name), initial.get(name)) {
                (Some(id), _) => *id,
                (None, Some(tensor)) => tensors::constant(builder, tensor)?,
                (None, None) => {
                    return Err(
                        builder.refuse(format!("an ONNX file with the value `{name}`"), "none")
                    );
                }
            };
            builder.outputs.push((name.to_owned(), id));
        }
        Ok(())
    }

    fn order(
        &self,
        builder: &Builder,
        wanted: &[&str],
        known: &HashSet<&str>,
    ) -> Result<Vec<&Node>, ModelError> {
        let names = self.graph.nodes.iter().map(|node| Names {
            inputs: node.inputs.iter().map(String::as_str).collect(),
            outputs: node.outputs.iter().map(String::as_str).collect(),
        });
        let names: Vec<Names<'_>> = names.collect();
        match order(&names, wanted, known) {
            Ok(order) => Ok(order.into_iter().map(|at| &self.graph.nodes[at]).collect()),
            Err(Disorder::Cycle(name)) => {
                Err(builder.refuse("a graph without a cycle", format!("one through `{name}`")))
            }
            Err(Disorder::Missing(name)) => Err(builder.refuse(
                format!("an ONNX file in which something gives `{name}`"),
                "nothing",
            )),
        }
    }

    /// What a run must give: the inputs that have no initialiser.
    fn inputs(&self, builder: &Builder, part: &Part) -> Result<Vec<(String, Outline)>, ModelError> {
        if !part.inputs.is_empty() {
            let given = part.inputs.iter().map(|(name, sides)| {
                let dtype = self
                    .graph
                    .inputs
                    .iter()
                    .find(|input| input.name == *name)
                    .and_then(dtype);
                (
                    name.clone(),
                    Outline::new(dtype.unwrap_or(DType::F32), sides.clone()),
                )
            });
            return Ok(given.collect());
        }
        let initial: HashSet<&str> = self
            .graph
            .tensors
            .iter()
            .map(|tensor| &*tensor.name)
            .collect();
        let given = self
            .graph
            .inputs
            .iter()
            .filter(|input| !initial.contains(&*input.name));
        let outlines = given.map(|input| match dtype(input) {
            Some(dtype) => Ok((
                input.name.clone(),
                Outline {
                    dtype,
                    sides: sides(input),
                },
            )),
            None => Err(builder.refuse(
                format!("a tensor of numbers as the input `{}`", input.name),
                "something else",
            )),
        });
        outlines.collect()
    }
}

fn dtype(input: &ValueInfo) -> Option<DType> {
    tensors::dtype(input.kind.as_ref()?.tensor.as_ref()?.data_type)
}

fn sides(input: &ValueInfo) -> Option<Vec<Option<usize>>> {
    let shape = input.kind.as_ref()?.tensor.as_ref()?.shape.as_ref()?;
    let sides = shape.dimensions.iter();
    // A side of 0 or -1 stands for one that is not known either.
    Some(
        sides
            .map(|side| usize::try_from(side.value?).ok().filter(|side| *side > 0))
            .collect(),
    )
}
