//! Where the tensors of a layer are read from.

use candle_core::{DType, Device, Tensor};

use crate::kernels::DenseWeight;
use crate::weights::{TensorSource, format_error, read_tensor};
use crate::{ModelError, Precision};

/// A place in a file of named tensors, as `encoder.layers.3`, with the device that the tensors go
/// to and the precision in which weights of products are kept.
pub(crate) struct Checkpoint<'a> {
    source: &'a dyn TensorSource,
    /// Empty, or ends in a dot.
    prefix: String,
    device: &'a Device,
    precision: Precision,
}

impl<'a> Checkpoint<'a> {
    /// The root of a file. Weights are kept as the file has them.
    pub(crate) fn new(source: &'a dyn TensorSource, device: &'a Device) -> Self {
        Self {
            source,
            prefix: String::new(),
            device,
            precision: Precision::Exact,
        }
    }

    /// Sets the precision of weights.
    pub(crate) fn precision(self, precision: Precision) -> Self {
        Self { precision, ..self }
    }

    /// The place `name` below this one.
    pub(crate) fn at(&self, name: &str) -> Self {
        Self {
            prefix: format!("{}{name}.", self.prefix),
            ..*self
        }
    }

    /// The place `name` below this one if the tensor `known` is there and not here, else this one:
    /// checkpoints of a task have their network below a name, those of the bare network have not.
    pub(crate) fn at_optional(self, name: &str, known: &str) -> Self {
        let below = self.at(name);
        match !self.contains(known) && below.contains(known) {
            true => below,
            false => self,
        }
    }

    /// The device that the tensors go to.
    pub(crate) fn device(&self) -> &'a Device {
        self.device
    }

    /// Says whether the tensor `name` is here.
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.source.shape(&self.name(name)).is_some()
    }

    /// The name in the file of what is called `name` here.
    pub(crate) fn name(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Reads the tensor `name`, which must have this shape, as f32.
    ///
    /// # Errors
    /// [`ModelError::Format`] names the file, the tensor, the expected shape and the one found.
    pub(crate) fn tensor(&self, name: &str, shape: &[usize]) -> Result<Tensor, ModelError> {
        read_tensor(self.source, &self.name(name), shape, self.device)
    }

    /// Reads the tensor `name`, or gives zeros of this shape if it is not here.
    ///
    /// # Errors
    /// [`ModelError::Format`] if it is here and of another shape.
    pub(crate) fn tensor_or_zeros(
        &self,
        name: &str,
        shape: &[usize],
    ) -> Result<Tensor, ModelError> {
        match self.contains(name) {
            true => self.tensor(name, shape),
            false => Tensor::zeros(shape, DType::F32, self.device)
                .map_err(ModelError::compute("lay out weights")),
        }
    }

    /// Lays out f32 weights `[outputs, inputs]` for products.
    ///
    /// # Errors
    /// [`ModelError::Compute`] if memory has no room.
    pub(crate) fn lay_out(&self, weight: &Tensor) -> Result<DenseWeight, ModelError> {
        let laid_out = self.precision.lay_out(weight);
        laid_out.map_err(ModelError::compute("lay out weights"))
    }

    /// Refuses a file that has the tensor `name`, which `expected` rules out.
    ///
    /// # Errors
    /// [`ModelError::Format`] if the tensor is here.
    pub(crate) fn refuse_tensor(&self, name: &str, expected: &str) -> Result<(), ModelError> {
        let name = self.name(name);
        match self.source.shape(&name) {
            Some(_) => Err(format_error(
                self.source.path(),
                expected.to_owned(),
                format!("the tensor `{name}`"),
            )),
            None => Ok(()),
        }
    }
}
