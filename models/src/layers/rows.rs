//! Layers on rows of values in the processor's memory, with weights as GGUF files have them.
//!
//! Each row is computed by itself, so that it comes out the same whatever else is computed with it.

use candle_core::{Device, Result as CandleResult};

use crate::ModelError;
use crate::gguf::GgufFile;
use crate::kernels::{self, GgufWeight};

/// A linear layer with or without a bias.
#[derive(Debug)]
pub(crate) struct Linear {
    weight: GgufWeight,
    bias: Option<Vec<f32>>,
}

/// A scaling of each row to a root mean square of 1, and then by a vector.
#[derive(Debug)]
pub(crate) struct RmsNorm {
    scale: Vec<f32>,
    epsilon: f32,
}

/// The feed-forward block with the gate SwiGLU.
#[derive(Debug)]
pub(crate) struct GatedFeedForward {
    gate: Linear,
    up: Linear,
    down: Linear,
}

/// Reads the weights `[outputs, inputs]` of a product.
pub(crate) fn read_weight(
    file: &mut GgufFile,
    name: &str,
    outputs: usize,
    inputs: usize,
) -> Result<GgufWeight, ModelError> {
    let info = file.take(name, &[outputs, inputs])?;
    let tensor = file.read(&info)?;
    GgufWeight::new(tensor).map_err(ModelError::compute("lay out weights"))
}

/// Reads a vector of `length` values.
pub(crate) fn read_vector(
    file: &mut GgufFile,
    name: &str,
    length: usize,
) -> Result<Vec<f32>, ModelError> {
    let info = file.take(name, &[length])?;
    let tensor = file.read(&info)?;
    let values = tensor
        .dequantize(&Device::Cpu)
        .and_then(|tensor| tensor.flatten_all()?.to_vec1());
    values.map_err(ModelError::compute("read a vector of weights"))
}

/// Reads a vector that may be absent.
pub(crate) fn read_optional_vector(
    file: &mut GgufFile,
    name: &str,
    length: usize,
) -> Result<Option<Vec<f32>>, ModelError> {
    match file.contains(name) {
        true => read_vector(file, name, length).map(Some),
        false => Ok(None),
    }
}

impl Linear {
    /// Reads `name.weight` `[outputs, inputs]` and, if it is there, `name.bias` `[outputs]`.
    pub(crate) fn read(
        file: &mut GgufFile,
        name: &str,
        outputs: usize,
        inputs: usize,
    ) -> Result<Self, ModelError> {
        Ok(Self {
            weight: read_weight(file, &format!("{name}.weight"), outputs, inputs)?,
            bias: read_optional_vector(file, &format!("{name}.bias"), outputs)?,
        })
    }

    /// Rows of `inputs` values to as many rows of `outputs` values.
    pub(crate) fn forward(&self, rows: &[f32]) -> CandleResult<Vec<f32>> {
        let mut product = self.weight.product(rows)?;
        if let Some(bias) = &self.bias {
            for row in product.chunks_exact_mut(bias.len()) {
                for (value, bias) in row.iter_mut().zip(bias) {
                    *value += bias;
                }
            }
        }
        Ok(product)
    }

    /// The bytes that it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.weight.bytes() + self.bias.as_deref().map_or(0, size_of_val)
    }
}

impl RmsNorm {
    /// Reads `name.weight` `[width]`. `epsilon` is added to the mean square.
    pub(crate) fn read(
        file: &mut GgufFile,
        name: &str,
        width: usize,
        epsilon: f32,
    ) -> Result<Self, ModelError> {
        let scale = read_vector(file, &format!("{name}.weight"), width)?;
        Ok(Self { scale, epsilon })
    }

    /// Rows of `width` values to as many rows.
    pub(crate) fn forward(&self, rows: &[f32]) -> Vec<f32> {
        kernels::rms_norm(rows, &self.scale, self.epsilon)
    }

    /// The bytes that it takes.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&*self.scale)
    }
}

impl GatedFeedForward {
    /// Reads `prefix_gate` and `prefix_up` `[wide, width]`, and `prefix_down` `[width, wide]`.
    pub(crate) fn read(
        file: &mut GgufFile,
        prefix: &str,
        width: usize,
        wide: usize,
    ) -> Result<Self, ModelError> {
        Ok(Self {
            gate: Linear::read(file, &format!("{prefix}_gate"), wide, width)?,
            up: Linear::read(file, &format!("{prefix}_up"), wide, width)?,
            down: Linear::read(file, &format!("{prefix}_down"), width, wide)?,
        })
    }

    /// Rows of `width` values to as many rows.
    pub(crate) fn forward(&self, rows: &[f32]) -> CandleResult<Vec<f32>> {
        let mut gates = self.gate.forward(rows)?;
        kernels::swiglu(&mut gates, &self.up.forward(rows)?);
        self.down.forward(&gates)
    }

    /// The bytes that it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.gate.bytes() + self.up.bytes() + self.down.bytes()
    }
}
