//! Running the graphs of others: ONNX files, and TensorFlow's as GraphDef or for TensorFlow.js.
//!
//! A reader turns the nodes of a file into those of one small intermediate form, in which what rests on constants alone is computed at once, and the type and the sides of
//! every value are worked out as far as they can be without an input. Nodes that always follow each other are joined (a convolution, its normalization
//! and its activation), and weights are laid out as the kernels want them. A run goes through the nodes in their order, on the processor.
//!
//! Numbers are f32, whole numbers i64, truth values and bytes u8: narrower and wider types of a file become these. Pictures are
//! `[count, channels, rows, columns]` inside; the reader of TensorFlow, whose pictures have their channels last, puts the change of axes around each
//! node that needs it, and takes those away that undo each other. Inputs and outputs have the axes of the file.
//!
//! What a file says is bounded: a value has at most 2^31 - 1 numbers and 1 GiB, all that live at once 4 GiB, and their sizes are known before anything is
//! allocated. An operation that is not known is an error that names it, if what is asked for needs it.

mod builder;
mod fuse;
mod onnx;
mod operation;
mod operators;
mod order;
mod outline;
mod run;
mod tensorflow;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use candle_core::DType;

use self::builder::{Builder, Node, Value, ValueId};
use crate::ModelError;
use crate::files;

/// Whole files are read.
const FILE_LIMIT: u64 = 512 << 20;

/// A graph that can be run. `Send + Sync`: share it behind an `Arc`.
#[derive(Debug)]
pub struct Graph {
    path: PathBuf,
    values: Vec<Value>,
    nodes: Vec<Node>,
    /// For each node, the values that no later one takes.
    released: Vec<Vec<ValueId>>,
    inputs: Vec<Port>,
    input_ids: Vec<ValueId>,
    outputs: Vec<Port>,
    output_ids: Vec<ValueId>,
    metadata: BTreeMap<String, String>,
    size_in_bytes: usize,
}

/// What a graph takes or gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Port {
    /// As the file has it.
    pub name: String,
    /// F32, I64 or U8.
    pub dtype: DType,
    /// The sides; those that differ from run to run are `None`, and so are all where even their number does.
    pub sides: Option<Vec<Option<usize>>>,
}

/// Which part of a file's graph is to be run; the default is all of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Part {
    /// Values that are given instead of being computed, with their sides, instead of the file's inputs.
    pub inputs: Vec<(String, Vec<Option<usize>>)>,
    /// The values that are asked for, instead of the file's outputs.
    pub outputs: Vec<String>,
}

impl Graph {
    /// Reads an ONNX file.
    ///
    /// # Errors
    /// [`ModelError::File`] if it cannot be read, [`ModelError::Format`] if it is no ONNX file, is damaged, has an
    /// operation that is not known, or values that are too large.
    pub fn from_onnx(path: &Path) -> Result<Self, ModelError> {
        Self::part_from_onnx(path, &Part::default())
    }

    /// Reads a part of an ONNX file.
    ///
    /// # Errors
    /// As [`Self::from_onnx`]; and if there is no such part.
    pub fn part_from_onnx(path: &Path, part: &Part) -> Result<Self, ModelError> {
        let bytes = files::read(path, FILE_LIMIT)?;
        onnx::read(&bytes, path, part)
    }

    /// Reads a part of a frozen graph of TensorFlow, a GraphDef. Where `part` names no outputs, they are all nodes that no other takes.
    ///
    /// # Errors
    /// As [`Self::part_from_onnx`].
    pub fn part_from_tensorflow(path: &Path, part: &Part) -> Result<Self, ModelError> {
        let bytes = files::read(path, FILE_LIMIT)?;
        tensorflow::read(&bytes, path, part)
    }

    /// Reads a part of a graph for TensorFlow.js: its `model.json`, with the weights in the files beside it that it names.
    ///
    /// # Errors
    /// As [`Self::part_from_onnx`].
    pub fn part_from_tfjs(path: &Path, part: &Part) -> Result<Self, ModelError> {
        tensorflow::read_web(path, part)
    }

    /// What a run must be given.
    #[must_use]
    pub fn inputs(&self) -> &[Port] {
        &self.inputs
    }

    /// What a run gives, in this order.
    #[must_use]
    pub fn outputs(&self) -> &[Port] {
        &self.outputs
    }

    /// What the file says of itself: of ONNX, its `metadata_props`.
    #[must_use]
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    /// The bytes of the weights in memory.
    #[must_use]
    pub fn size_in_bytes(&self) -> usize {
        self.size_in_bytes
    }

    /// Joins what can be joined, and works out when values are not needed any more.
    fn finish(mut builder: Builder) -> Result<Self, ModelError> {
        fuse::fuse(&mut builder)?;
        let port = |(name, id): &(String, ValueId)| Port {
            name: name.clone(),
            dtype: builder.values[*id].outline.dtype,
            sides: builder.values[*id].outline.sides.clone(),
        };
        let ids =
            |ports: &[(String, ValueId)]| ports.iter().map(|(_, id)| *id).collect::<Vec<ValueId>>();
        let (inputs, outputs) = (
            builder.inputs.iter().map(port).collect(),
            builder.outputs.iter().map(port).collect(),
        );
        let (input_ids, output_ids) = (ids(&builder.inputs), ids(&builder.outputs));
        let mut is_needed = vec![false; builder.values.len()];
        output_ids.iter().for_each(|id| is_needed[*id] = true);
        let mut released = vec![Vec::new(); builder.nodes.len()];
        for (node, released) in builder.nodes.iter().zip(&mut released).rev() {
            for id in node.inputs.iter().flatten().chain(&node.outputs) {
                if !std::mem::replace(&mut is_needed[*id], true) {
                    released.push(*id);
                }
            }
        }
        let size_in_bytes = builder.bytes();
        Ok(Self {
            path: builder.path,
            values: builder.values,
            nodes: builder.nodes,
            released,
            inputs,
            input_ids,
            outputs,
            output_ids,
            metadata: builder.metadata,
            size_in_bytes,
        })
    }
}
