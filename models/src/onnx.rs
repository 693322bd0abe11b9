//! Reading weights from an ONNX file.
//!
//! Only what is needed of the format is declared; a reader of protocol buffers skips the rest. The graph is not run: each network is written in candle, and
//! takes the tensors by their names.
//!
//! Source: ONNX, `onnx.proto3`.

use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use prost::Message;

use crate::ModelError;
use crate::files;
use crate::weights::are_finite;

/// Whole files are read: larger networks come as safetensors.
const FILE_LIMIT: u64 = 256 << 20;
/// How ONNX calls 32-bit floats.
const FLOAT: i32 = 1;

#[derive(Clone, PartialEq, Message)]
struct Model {
    #[prost(message, optional, tag = "7")]
    graph: Option<Graph>,
}

#[derive(Clone, PartialEq, Message)]
struct Graph {
    #[prost(message, repeated, tag = "1")]
    nodes: Vec<Node>,
    #[prost(message, repeated, tag = "5")]
    tensors: Vec<NamedTensor>,
}

#[derive(Clone, PartialEq, Message)]
struct Node {
    #[prost(string, repeated, tag = "1")]
    inputs: Vec<String>,
    #[prost(string, tag = "4")]
    operation: String,
}

#[derive(Clone, PartialEq, Message)]
struct NamedTensor {
    #[prost(int64, repeated, tag = "1")]
    dimensions: Vec<i64>,
    #[prost(int32, tag = "2")]
    data_type: i32,
    #[prost(float, repeated, tag = "4")]
    floats: Vec<f32>,
    #[prost(string, tag = "8")]
    name: String,
    #[prost(bytes = "vec", tag = "9")]
    raw: Vec<u8>,
}

/// The weights of an ONNX file.
#[derive(Debug)]
pub(crate) struct OnnxFile {
    path: PathBuf,
    graph: Graph,
}

impl OnnxFile {
    /// Reads a file.
    ///
    /// # Errors
    /// [`ModelError::File`] if it cannot be read, [`ModelError::Format`] if it is no ONNX file or larger than is sensible.
    pub(crate) fn open(path: &Path) -> Result<Self, ModelError> {
        let bytes = files::read(path, FILE_LIMIT)?;
        let mut file = Self {
            path: path.to_path_buf(),
            graph: Graph::default(),
        };
        let expected = || "an ONNX file with a graph".to_owned();
        let model = Model::decode(bytes.as_slice())
            .map_err(|error| file.refuse(expected(), error.to_string()))?;
        file.graph = model
            .graph
            .ok_or_else(|| file.refuse(expected(), "none".to_owned()))?;
        Ok(file)
    }

    /// Reads the tensor `name`, which must be f32, finite and of this shape.
    ///
    /// # Errors
    /// [`ModelError::Format`] if it is missing or another.
    pub(crate) fn read(
        &self,
        name: &str,
        shape: &[usize],
        device: &Device,
    ) -> Result<Tensor, ModelError> {
        let mut tensors = self.graph.tensors.iter();
        let Some(tensor) = tensors.find(|tensor| tensor.name == name) else {
            return Err(self.refuse(
                format!("an ONNX file with the tensor `{name}`"),
                "none of that name".to_owned(),
            ));
        };
        let dimensions = tensor.dimensions.iter().map(|size| usize::try_from(*size));
        let is_shaped = dimensions.eq(shape.iter().map(|size| Ok(*size)));
        if tensor.data_type != FLOAT || !is_shaped {
            return Err(self.refuse(
                format!("an ONNX file whose tensor `{name}` has f32 of the shape {shape:?}"),
                format!("type {} and {:?}", tensor.data_type, tensor.dimensions),
            ));
        }
        let (raw, rest) = tensor.raw.as_chunks::<4>();
        let values: Vec<f32> = match tensor.floats.is_empty() {
            true => raw.iter().map(|quad| f32::from_le_bytes(*quad)).collect(),
            false => tensor.floats.clone(),
        };
        let count: usize = shape.iter().product();
        if values.len() != count || !rest.is_empty() {
            return Err(self.refuse(
                format!("an ONNX file whose tensor `{name}` has {count} values"),
                format!("{} values and {} bytes", values.len(), rest.len()),
            ));
        }
        if !are_finite(&values) {
            return Err(self.refuse(
                format!("an ONNX file whose tensor `{name}` has finite numbers"),
                "one that is infinite or none at all".to_owned(),
            ));
        }
        Tensor::from_vec(values, shape, device)
            .map_err(ModelError::compute("copy weights to the device"))
    }

    /// The names of what the first node with this operation takes.
    ///
    /// # Errors
    /// [`ModelError::Format`] if there is none.
    pub(crate) fn inputs_of(&self, operation: &str) -> Result<&[String], ModelError> {
        let mut nodes = self.graph.nodes.iter();
        match nodes.find(|node| node.operation == operation) {
            Some(node) => Ok(&node.inputs),
            None => Err(self.refuse(
                format!("an ONNX file with a node `{operation}`"),
                "none".to_owned(),
            )),
        }
    }

    /// The file is not what it must be.
    pub(crate) fn refuse(&self, expected: String, found: String) -> ModelError {
        ModelError::Format {
            path: self.path.clone(),
            expected,
            found,
            advice: files::FETCH_AGAIN.to_owned(),
        }
    }
}
