//! Reading TensorFlow's graphs: frozen ones as GraphDef, and those for TensorFlow.js.
//!
//! Both hold the same operations in two containers. Pictures of TensorFlow have their channels last; ours have them first. Each node with a window is
//! put between two changes of axes, and whatever follows it number by number works on the side of the window: so one change is left where pictures come
//! in and one where something needs them as the file has them. Nodes for control, and those that nothing asks for, are not read.
//!
//! Source: TensorFlow, `graph.proto` and its list of operations; TensorFlow.js, `graph_model` and its weights manifest.

mod attributes;
mod axes;
mod joined;
mod messages;
mod nodes;
mod planes;
mod slices;
mod tensors;
#[cfg(test)]
mod tests;
mod web;
mod windows;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use candle_core::{DType, Tensor};
use prost::Message;

use self::messages::{GraphDef, NodeDef};
use self::nodes::Site;
use self::planes::Planes;
use super::builder::{Builder, ValueId};
use super::order::{Disorder, Names, order};
use super::outline::Outline;
use super::{Graph, Part};
use crate::ModelError;

/// Reads the bytes of a GraphDef. Where no outputs are asked for, they are those of all nodes that no other takes.
pub(super) fn read(bytes: &[u8], path: &Path, part: &Part) -> Result<Graph, ModelError> {
    let builder = Builder::new(path, bytes.len());
    let graph = GraphDef::decode(bytes)
        .map_err(|error| builder.refuse("a GraphDef of TensorFlow", error.to_string()))?;
    build(builder, &graph, HashMap::new(), part)
}

/// Reads a `model.json` of TensorFlow.js, with the weights in the files beside it that it names.
pub(super) fn read_web(path: &Path, part: &Part) -> Result<Graph, ModelError> {
    let web::Model {
        graph,
        weights,
        bytes,
        outputs,
    } = web::read(path)?;
    let mut part = part.clone();
    if part.outputs.is_empty() {
        part.outputs = outputs;
    }
    build(Builder::new(path, bytes), &graph, weights, &part)
}

fn build(
    mut builder: Builder,
    graph: &GraphDef,
    weights: HashMap<String, Tensor>,
    part: &Part,
) -> Result<Graph, ModelError> {
    let mut reader = Reader {
        graph,
        weights,
        values: HashMap::new(),
        planes: Planes::default(),
    };
    reader.read(&mut builder, part)?;
    Graph::finish(builder)
}

/// The name of a value: that of its node, with the number of the output if it is not the first. `None` for what is only waited for.
fn value_name(input: &str) -> Option<&str> {
    match input.strip_suffix(":0") {
        _ if input.starts_with('^') => None,
        Some(name) => Some(name),
        None => Some(input),
    }
}

struct Reader<'a> {
    graph: &'a GraphDef,
    /// Those that stand beside the graph.
    weights: HashMap<String, Tensor>,
    values: HashMap<String, ValueId>,
    planes: Planes,
}

impl<'a> Reader<'a> {
    fn read(&mut self, builder: &mut Builder, part: &Part) -> Result<(), ModelError> {
        for (name, sides) in &part.inputs {
            let dtype = self.graph.nodes.iter().find(|node| node.name == *name);
            let dtype = dtype.and_then(|node| {
                tensors::dtype(
                    node.attributes
                        .get("dtype")
                        .or(node.attributes.get("T"))?
                        .data_type,
                )
            });
            let id = builder.input(
                name,
                Outline::new(dtype.unwrap_or(DType::F32), sides.clone()),
            );
            self.values.insert(name.clone(), id);
        }
        let wanted = match part.outputs.as_slice() {
            [] => self.last_nodes(),
            outputs => outputs.to_vec(),
        };
        for node in self.order(builder, &wanted)? {
            let inputs = node.inputs.iter().filter_map(|input| value_name(input));
            let inputs: Option<Vec<ValueId>> =
                inputs.map(|name| self.values.get(name).copied()).collect();
            let Some(inputs) = inputs else {
                return Err(builder.refuse(
                    format!("a node `{}` whose inputs are there", node.name),
                    format!("{:?}", node.inputs),
                ));
            };
            let made = self.lower(builder, node, inputs)?;
            for (at, id) in made.into_iter().enumerate() {
                let name = if at == 0 {
                    node.name.clone()
                } else {
                    format!("{}:{at}", node.name)
                };
                self.values.insert(name, id);
            }
        }
        for name in wanted {
            let Some(id) = value_name(&name).and_then(|name| self.values.get(name)) else {
                return Err(builder.refuse(format!("a graph with the value `{name}`"), "none"));
            };
            builder.outputs.push((name, *id));
        }
        Ok(())
    }

    fn lower(
        &mut self,
        builder: &mut Builder,
        node: &NodeDef,
        inputs: Vec<ValueId>,
    ) -> Result<Vec<ValueId>, ModelError> {
        match &*node.operation {
            "Placeholder" | "PlaceholderWithDefault" => {
                let attributes = &node.attributes;
                let data_type = attributes.get("dtype").map_or(0, |dtype| dtype.data_type);
                let Some(dtype) = tensors::dtype(data_type) else {
                    return Err(builder.refuse(
                        format!("numbers as the input `{}`", node.name),
                        format!("type {data_type}"),
                    ));
                };
                let shape = attributes
                    .get("shape")
                    .and_then(|shape| shape.shape.as_ref());
                let sides = shape.and_then(tensors::sides);
                Ok(vec![builder.input(&node.name, Outline { dtype, sides })])
            }
            "Const" => {
                let tensor = match (self.weights.get(&node.name), node.attributes.get("value")) {
                    (Some(tensor), _) => tensor.clone(),
                    (None, Some(value)) => match &value.tensor {
                        Some(tensor) => tensors::read(builder, &node.name, tensor)?,
                        None => return Err(missing(builder, node)),
                    },
                    (None, None) => return Err(missing(builder, node)),
                };
                Ok(vec![builder.constant(tensor)])
            }
            _ => {
                let site = Site {
                    name: format!("`{}` ({})", node.name, node.operation),
                    node,
                    inputs,
                };
                nodes::lower(builder, &mut self.planes, &site)
            }
        }
    }

    /// What no node takes.
    fn last_nodes(&self) -> Vec<String> {
        let taken = self.graph.nodes.iter().flat_map(|node| &node.inputs);
        let taken: HashSet<&str> = taken
            .map(|input| node_of(input.trim_start_matches('^')))
            .collect();
        let last = self
            .graph
            .nodes
            .iter()
            .filter(|node| !taken.contains(&*node.name) && node.operation != "NoOp");
        last.map(|node| node.name.clone()).collect()
    }

    fn order(&self, builder: &Builder, wanted: &[String]) -> Result<Vec<&'a NodeDef>, ModelError> {
        let graph = self.graph;
        // A node does not say how many outputs it has: those that are asked for.
        let mut outputs: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let asked = graph
            .nodes
            .iter()
            .flat_map(|node| &node.inputs)
            .chain(wanted);
        for name in asked.filter_map(|name| value_name(name)) {
            if node_of(name) != name {
                outputs.entry(node_of(name)).or_default().push(name);
            }
        }
        let names = graph.nodes.iter().map(|node| {
            let mut names = vec![&*node.name];
            names.extend(outputs.get(&*node.name).into_iter().flatten());
            Names {
                inputs: node
                    .inputs
                    .iter()
                    .filter_map(|input| value_name(input))
                    .collect(),
                outputs: names,
            }
        });
        let names: Vec<Names<'_>> = names.collect();
        let known: HashSet<&str> = self.values.keys().map(String::as_str).collect();
        let wanted: Vec<&str> = wanted.iter().filter_map(|name| value_name(name)).collect();
        match order(&names, &wanted, &known) {
            Ok(order) => Ok(order.into_iter().map(|at| &graph.nodes[at]).collect()),
            Err(Disorder::Cycle(name)) => {
                Err(builder.refuse("a graph without a cycle", format!("one through `{name}`")))
            }
            Err(Disorder::Missing(name)) => Err(builder.refuse(
                format!("a graph in which something gives `{name}`"),
                "nothing",
            )),
        }
    }
}

/// The node of a value.
fn node_of(name: &str) -> &str {
    match name.rsplit_once(':') {
        Some((node, output)) if output.bytes().all(|byte| byte.is_ascii_digit()) => node,
        _ => name,
    }
}

fn missing(builder: &Builder, node: &NodeDef) -> ModelError {
    builder.refuse(
        format!("a graph with the values of the constant `{}`", node.name),
        "none",
    )
}
