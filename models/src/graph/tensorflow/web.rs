//! TensorFlow.js: the graph as JSON, and weights in files beside it, which may be narrower than they are used.
//!
//! Source: TensorFlow.js, `tfjs-core/src/io/types.ts` and `io_utils.ts`.

use std::collections::HashMap;
use std::path::{Component, Path};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use candle_core::{Device, Tensor};
use half::f16;
use serde::Deserialize;
use serde_json::Value;

use super::messages::{Attribute, Dimension, GraphDef, List, NodeDef, Shape};
use super::tensors::{kind, raw};
use crate::graph::FILE_LIMIT;
use crate::graph::builder::TENSOR_LIMIT;
use crate::weights::format_error;
use crate::{ModelError, files};

/// The JSON of a graph: the largest known has some hundred kilobytes.
const JSON_LIMIT: u64 = 32 << 20;

/// What a `model.json` holds.
pub(super) struct Model {
    pub(super) graph: GraphDef,
    pub(super) weights: HashMap<String, Tensor>,
    /// How many bytes of weights there are.
    pub(super) bytes: usize,
    /// The names of the values that the file says it gives.
    pub(super) outputs: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    model_topology: Topology,
    weights_manifest: Vec<Group>,
    signature: Option<Signature>,
    user_defined_metadata: Option<Metadata>,
}

#[derive(Deserialize)]
struct Metadata {
    signature: Option<Signature>,
}

#[derive(Deserialize)]
struct Signature {
    #[serde(default)]
    outputs: serde_json::Map<String, Value>,
}

#[derive(Deserialize)]
struct Topology {
    node: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    name: String,
    op: String,
    #[serde(default)]
    input: Vec<String>,
    #[serde(default)]
    attr: HashMap<String, Value>,
}

#[derive(Deserialize)]
struct Group {
    paths: Vec<String>,
    weights: Vec<Weight>,
}

#[derive(Deserialize)]
struct Weight {
    name: String,
    shape: Vec<usize>,
    dtype: String,
    quantization: Option<Quantization>,
}

/// How a number is stored: as it is in 16 bits, or as `min + scale * whole`.
#[derive(Deserialize)]
struct Quantization {
    dtype: String,
    #[serde(default)]
    min: f64,
    scale: Option<f64>,
}

pub(super) fn read(path: &Path) -> Result<Model, ModelError> {
    let document: Document = files::read_json(path, JSON_LIMIT)?;
    let mut weights = HashMap::new();
    let mut bytes = 0;
    for group in &document.weights_manifest {
        bytes += read_group(path, group, &mut weights)?;
    }
    let nodes = document
        .model_topology
        .node
        .into_iter()
        .map(|node| NodeDef {
            name: node.name,
            operation: node.op,
            inputs: node.input,
            attributes: node
                .attr
                .iter()
                .map(|(name, value)| (name.clone(), attribute(value)))
                .collect(),
        });
    let of_metadata = document
        .user_defined_metadata
        .and_then(|metadata| metadata.signature);
    let signature = document.signature.or(of_metadata);
    let outputs = signature
        .map(|signature| signature.outputs)
        .unwrap_or_default();
    let outputs = outputs.iter().map(|(key, output)| {
        let name = output.get("name").and_then(Value::as_str).unwrap_or(key);
        name.strip_suffix(":0").unwrap_or(name).to_owned()
    });
    Ok(Model {
        graph: GraphDef {
            nodes: nodes.collect(),
        },
        weights,
        bytes,
        outputs: outputs.collect(),
    })
}

/// Reads the weights of a group, and returns how many bytes they took.
fn read_group(
    path: &Path,
    group: &Group,
    weights: &mut HashMap<String, Tensor>,
) -> Result<usize, ModelError> {
    let refuse = |expected: &str, found: String| format_error(path, expected.to_owned(), found);
    let folder = path.parent().unwrap_or_else(|| Path::new(""));
    let mut bytes = Vec::new();
    for name in &group.paths {
        let mut parts = Path::new(name).components();
        let (Some(Component::Normal(_)), None) = (parts.next(), parts.next()) else {
            return Err(refuse("weights in files beside it", format!("`{name}`")));
        };
        bytes.extend(files::read(
            &folder.join(name),
            FILE_LIMIT.saturating_sub(bytes.len() as u64),
        )?);
    }
    let mut rest = &*bytes;
    for weight in &group.weights {
        let count = weight
            .shape
            .iter()
            .try_fold(1usize, |count, side| count.checked_mul(*side));
        let width = weight.width();
        let (Some(count), Some(width)) = (count.filter(|count| *count <= TENSOR_LIMIT / 4), width)
        else {
            let expected = "weights of float32, int32, uint8 or bool, or stored as float16, uint8 or uint16, that fit into memory";
            return Err(refuse(
                expected,
                format!(
                    "`{}` of {} and the sides {:?}",
                    weight.name, weight.dtype, weight.shape
                ),
            ));
        };
        let Some((own, others)) = rest.split_at_checked(count * width) else {
            return Err(refuse(
                &format!("{} bytes of the weight `{}`", count * width, weight.name),
                rest.len().to_string(),
            ));
        };
        rest = others;
        let tensor = weight
            .tensor(own)
            .and_then(|tensor| tensor.reshape(&*weight.shape));
        weights.insert(
            weight.name.clone(),
            tensor.map_err(ModelError::compute("read a tensor"))?,
        );
    }
    Ok(bytes.len())
}

impl Weight {
    fn stored(&self) -> &str {
        self.quantization
            .as_ref()
            .map_or(&*self.dtype, |quantization| &quantization.dtype)
    }

    /// The bytes of a number in the file; `None` for types that are not read.
    fn width(&self) -> Option<usize> {
        match (&*self.dtype, self.stored()) {
            ("float32", "float32") | ("int32", "int32") => Some(4),
            ("float32", "float16") | ("float32" | "int32", "uint16") => Some(2),
            ("float32" | "int32", "uint8") | ("uint8", "uint8") | ("bool", "bool") => Some(1),
            _ => None,
        }
    }

    fn tensor(&self, bytes: &[u8]) -> candle_core::Result<Tensor> {
        let line = |whole: f64| match &self.quantization {
            Some(Quantization {
                min,
                scale: Some(scale),
                ..
            }) => whole * scale + min,
            _ => whole,
        };
        let numbers: Vec<f64> = match (&*self.dtype, self.stored()) {
            ("float32", "float32") => {
                return Tensor::new(raw(bytes, f32::from_le_bytes), &Device::Cpu);
            }
            ("float32", "float16") => {
                return Tensor::new(
                    raw(bytes, |pair| f16::from_le_bytes(pair).to_f32()),
                    &Device::Cpu,
                );
            }
            ("uint8" | "bool", _) => return Tensor::new(bytes, &Device::Cpu),
            (_, "int32") => raw(bytes, |value| f64::from(i32::from_le_bytes(value))),
            (_, "uint16") => raw(bytes, |pair| line(f64::from(u16::from_le_bytes(pair)))),
            _ => raw(bytes, |[byte]: [u8; 1]| line(f64::from(byte))),
        };
        match &*self.dtype {
            "int32" => Tensor::new(
                numbers
                    .iter()
                    .map(|number| number.round() as i64)
                    .collect::<Vec<i64>>(),
                &Device::Cpu,
            ),
            _ => Tensor::new(
                numbers
                    .iter()
                    .map(|number| *number as f32)
                    .collect::<Vec<f32>>(),
                &Device::Cpu,
            ),
        }
    }
}

/// An attribute as protocol buffers have it: JSON writes whole numbers and bytes as text.
fn attribute(value: &Value) -> Attribute {
    let list = value.get("list").map(|list| {
        let many = |name: &str| {
            list.get(name)
                .and_then(Value::as_array)
                .map_or(&[][..], Vec::as_slice)
        };
        List {
            texts: many("s").iter().map(text).collect(),
            integers: many("i").iter().map(integer).collect(),
        }
    });
    Attribute {
        list,
        text: value.get("s").map(text).unwrap_or_default(),
        integer: value.get("i").map_or(0, integer),
        float: value.get("f").and_then(Value::as_f64).unwrap_or_default() as f32,
        truth: value.get("b").and_then(Value::as_bool).unwrap_or_default(),
        data_type: value.get("type").map_or(0, data_type),
        shape: value.get("shape").map(shape),
        tensor: None,
    }
}

fn integer(value: &Value) -> i64 {
    let text = value.as_str().and_then(|text| text.parse().ok());
    value.as_i64().or(text).unwrap_or_default()
}

fn text(value: &Value) -> Vec<u8> {
    BASE64_STANDARD
        .decode(value.as_str().unwrap_or_default())
        .unwrap_or_default()
}

fn data_type(value: &Value) -> i32 {
    match value.as_str() {
        Some("DT_FLOAT") => kind::FLOAT,
        Some("DT_DOUBLE") => kind::DOUBLE,
        Some("DT_HALF") => kind::HALF,
        Some("DT_INT32") => kind::INT32,
        Some("DT_INT64") => kind::INT64,
        Some("DT_UINT8") => kind::UINT8,
        Some("DT_BOOL") => kind::BOOL,
        _ => value
            .as_i64()
            .and_then(|number| i32::try_from(number).ok())
            .unwrap_or_default(),
    }
}

fn shape(value: &Value) -> Shape {
    let sides = value.get("dim").and_then(Value::as_array);
    Shape {
        dimensions: sides
            .into_iter()
            .flatten()
            .map(|side| Dimension {
                size: side.get("size").map_or(0, integer),
            })
            .collect(),
        unknown_rank: value
            .get("unknownRank")
            .and_then(Value::as_bool)
            .unwrap_or_default(),
    }
}
