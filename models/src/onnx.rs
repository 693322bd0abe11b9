//! Reading weights from an ONNX file.
//!
//! The graph is not run here: networks that are written in candle take the tensors by their names.
//! [`crate::graph`] runs the graphs of others, and shares the messages.

pub(crate) mod messages;

use std::path::{Path, PathBuf};

use prost::Message;

use self::messages::{Graph, Model, NamedTensor};
use crate::ModelError;
use crate::files;
use crate::weights::{TensorSource, are_finite, format_error, not_finite};

/// Whole files are read: larger networks come as safetensors.
const FILE_LIMIT: u64 = 256 << 20;
/// How ONNX calls 32-bit floats.
const FLOAT: i32 = 1;

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
    /// [`ModelError::File`] if it cannot be read, [`ModelError::Format`] if it is no ONNX file or
    /// larger than is sensible.
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

    /// The error of a file that does not hold what it must.
    pub(crate) fn refuse(&self, expected: String, found: String) -> ModelError {
        format_error(&self.path, expected, found)
    }

    fn tensor(&self, name: &str) -> Option<&NamedTensor> {
        let mut tensors = self.graph.tensors.iter();
        tensors.find(|tensor| tensor.name == name)
    }
}

impl TensorSource for OnnxFile {
    fn path(&self) -> &Path {
        &self.path
    }

    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        let dimensions = self.tensor(name)?.dimensions.iter();
        // No network has a side of that length: a negative one matches no shape.
        let sides = dimensions.map(|side| usize::try_from(*side).unwrap_or(usize::MAX));
        Some(sides.collect())
    }

    fn values(&self, name: &str) -> Result<Vec<f32>, ModelError> {
        let Some(tensor) = self.tensor(name) else {
            return Err(self.refuse(
                format!("an ONNX file with the tensor `{name}`"),
                "no tensor of that name".to_owned(),
            ));
        };
        if tensor.data_type != FLOAT {
            return Err(self.refuse(
                format!("an ONNX file whose tensor `{name}` is f32"),
                format!("type {}", tensor.data_type),
            ));
        }
        let (raw, rest) = tensor.raw.as_chunks::<4>();
        let values: Vec<f32> = match tensor.floats.is_empty() {
            true => raw.iter().map(|quad| f32::from_le_bytes(*quad)).collect(),
            false => tensor.floats.clone(),
        };
        let shape = self.shape(name).unwrap_or_default();
        let count = shape
            .iter()
            .try_fold(1, |count: usize, side| count.checked_mul(*side));
        if count != Some(values.len()) || !rest.is_empty() {
            return Err(self.refuse(
                format!("an ONNX file whose tensor `{name}` has the values of the shape {shape:?}"),
                format!("{} values and {} bytes", values.len(), rest.len()),
            ));
        }
        match are_finite(&values) {
            true => Ok(values),
            false => Err(not_finite(&self.path, name)),
        }
    }
}
