//! Making a graph, node by node: what only rests on constants is computed at once, and of everything else the type and the sides are worked out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor, WithDType};

use super::operation::Operation;
use super::operators::shape::known_sides;
use super::outline::{Arguments, Inputs, Known, Outline};
use crate::ModelError;
use crate::weights::{format_error, tensor_bytes};

/// More bytes no tensor may have.
pub(super) const TENSOR_LIMIT: usize = 1 << 30;
/// What may be computed at once from constants, beside twice the bytes of the file. More is left to each run.
const FOLDED_LIMIT: usize = 64 << 20;

/// A value of a graph, by its number.
pub(super) type ValueId = usize;

/// A value, of which at least the type is known.
#[derive(Debug, Clone)]
pub(super) struct Value {
    pub(super) outline: Outline,
    pub(super) constant: Option<Tensor>,
}

/// One step of a graph.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// As the file calls it: kind and name.
    pub(super) name: String,
    pub(super) operation: Operation,
    /// Those that may be left out are `None` where they are.
    pub(super) inputs: Vec<Option<ValueId>>,
    pub(super) outputs: Vec<ValueId>,
}

/// A graph that is being made. Nodes stand behind those whose outputs they take.
#[derive(Debug)]
pub(super) struct Builder {
    pub(super) path: PathBuf,
    pub(super) values: Vec<Value>,
    pub(super) nodes: Vec<Node>,
    pub(super) inputs: Vec<(String, ValueId)>,
    pub(super) outputs: Vec<(String, ValueId)>,
    pub(super) metadata: BTreeMap<String, String>,
    /// The bytes that may still be computed from constants.
    room: usize,
}

impl Builder {
    pub(super) fn new(path: &Path, file_bytes: usize) -> Self {
        Self {
            path: path.to_path_buf(),
            values: Vec::new(),
            nodes: Vec::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            metadata: BTreeMap::new(),
            room: file_bytes.saturating_mul(2).saturating_add(FOLDED_LIMIT),
        }
    }

    /// The error of a file that does not hold what it must.
    pub(super) fn refuse(
        &self,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> ModelError {
        format_error(&self.path, expected.into(), found.into())
    }

    pub(super) fn constant(&mut self, tensor: Tensor) -> ValueId {
        let outline = Outline::of(&tensor);
        self.push(outline, Some(tensor))
    }

    /// A constant of one axis.
    ///
    /// # Errors
    /// [`ModelError::Compute`] if candle refuses it.
    pub(super) fn list<T: WithDType>(&mut self, numbers: &[T]) -> Result<ValueId, ModelError> {
        let tensor = Tensor::from_slice(numbers, numbers.len(), &Device::Cpu);
        Ok(self.constant(tensor.map_err(ModelError::compute("make a constant"))?))
    }

    /// A constant without an axis.
    ///
    /// # Errors
    /// [`ModelError::Compute`] if candle refuses it.
    pub(super) fn scalar<T: WithDType>(&mut self, number: T) -> Result<ValueId, ModelError> {
        let tensor = Tensor::from_slice(&[number], (), &Device::Cpu);
        Ok(self.constant(tensor.map_err(ModelError::compute("make a constant"))?))
    }

    /// A value that each run is given.
    pub(super) fn input(&mut self, name: &str, outline: Outline) -> ValueId {
        let id = self.push(outline, None);
        self.inputs.push((name.to_owned(), id));
        id
    }

    fn push(&mut self, outline: Outline, constant: Option<Tensor>) -> ValueId {
        self.values.push(Value { outline, constant });
        self.values.len() - 1
    }

    /// Adds a node that has one output.
    ///
    /// # Errors
    /// As [`Self::add`].
    pub(super) fn one(
        &mut self,
        name: &str,
        operation: Operation,
        inputs: &[ValueId],
    ) -> Result<ValueId, ModelError> {
        let inputs: Vec<Option<ValueId>> = inputs.iter().copied().map(Some).collect();
        let outputs = self.add(name, operation, &inputs)?;
        match outputs.first() {
            Some(output) => Ok(*output),
            None => Err(self.refuse(format!("a node {name} with an output"), "none")),
        }
    }

    /// Adds a node.
    ///
    /// # Errors
    /// [`ModelError::Format`] if it cannot take its inputs, or its outputs would be too large.
    pub(super) fn add(
        &mut self,
        name: &str,
        operation: Operation,
        inputs: &[Option<ValueId>],
    ) -> Result<Vec<ValueId>, ModelError> {
        let path = self.path.clone();
        let refuse = |error: &dyn std::fmt::Display| {
            format_error(
                &path,
                format!("a graph whose node {name} can be computed"),
                error.to_string(),
            )
        };
        if let (Operation::Identity, [Some(input)]) = (&operation, inputs) {
            return Ok(vec![*input]);
        }
        let outlines = infer(&operation, inputs, |id| {
            let value = &self.values[id];
            Known {
                outline: &value.outline,
                value: value.constant.as_ref(),
            }
        });
        let outlines = outlines.map_err(|error| refuse(&error))?;
        let mut bytes = 0;
        for outline in &outlines {
            let these = outline.bytes().map_err(|error| refuse(&error))?;
            if these > TENSOR_LIMIT {
                return Err(refuse(&format!(
                    "a value of {these} bytes, more than {TENSOR_LIMIT}"
                )));
            }
            bytes += these;
        }
        if let (Operation::Shape(from, to), [Some(input)]) = (&operation, inputs)
            && let Some(sides) = known_sides(&self.values[*input].outline, *from, *to)
        {
            return Ok(vec![self.list(&sides)?]);
        }
        let constants: Option<Vec<Option<&Tensor>>> = inputs
            .iter()
            .map(|input| match input {
                Some(id) => self.values[*id].constant.as_ref().map(Some),
                None => Some(None),
            })
            .collect();
        let is_known = outlines.iter().all(|outline| outline.known().is_some());
        if let (Some(constants), true, true) = (constants, is_known, bytes <= self.room) {
            let computed = operation.run(Arguments(&constants), &outlines);
            let computed = computed.map_err(|error| refuse(&error))?;
            self.room -= bytes;
            return Ok(computed
                .into_iter()
                .map(|tensor| self.constant(tensor))
                .collect());
        }
        let outputs: Vec<ValueId> = outlines
            .into_iter()
            .map(|outline| self.push(outline, None))
            .collect();
        self.nodes.push(Node {
            name: name.to_owned(),
            operation,
            inputs: inputs.to_vec(),
            outputs: outputs.clone(),
        });
        Ok(outputs)
    }

    /// The numbers of a constant of whole numbers.
    pub(super) fn integers(&self, id: ValueId) -> Option<Vec<i64>> {
        let constant = self.values[id].constant.as_ref()?;
        (constant.dtype() == DType::I64).then_some(())?;
        super::outline::integers(constant).ok()
    }

    /// How many sides a value has, if that is known.
    pub(super) fn rank(&self, id: ValueId) -> Option<usize> {
        Some(self.values[id].outline.sides.as_ref()?.len())
    }

    /// The bytes of all constants that a node or an output uses.
    pub(super) fn bytes(&self) -> usize {
        let values = self
            .values
            .iter()
            .filter_map(|value| value.constant.as_ref());
        let constants: usize = values.map(tensor_bytes).sum();
        let prepared = self.nodes.iter().map(|node| match &node.operation {
            Operation::Prepared(prepared) => prepared.bytes(),
            Operation::PreparedTransposed(prepared) => prepared.bytes(),
            Operation::Dense(product) => product.bytes(),
            _ => 0,
        });
        constants + prepared.sum::<usize>()
    }
}

/// What comes of a node's inputs.
pub(super) fn infer<'a>(
    operation: &Operation,
    inputs: &[Option<ValueId>],
    known: impl Fn(ValueId) -> Known<'a>,
) -> candle_core::Result<Vec<Outline>> {
    let inputs: Vec<Option<Known<'a>>> = inputs.iter().map(|input| input.map(&known)).collect();
    operation.infer(Inputs(&inputs))
}
