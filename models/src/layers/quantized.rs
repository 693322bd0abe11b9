//! Layers on tensors of any device, with weights as GGUF files have them and candle's own products.
//!
//! They are what other devices than the processor have. On the processor they serve to be compared
//! with those of [`rows`](super::rows), which are faster there.

use candle_core::quantized::{GgmlDType, QMatMul, QStorage, QTensor};
use candle_core::{Device, Module, Result as CandleResult, Tensor};

use crate::ModelError;
use crate::gguf::GgufFile;
use crate::layers::rows::{read_optional_vector, read_vector};
use crate::weights::tensor_bytes;

/// A linear layer with or without a bias. Plain numbers are kept in 32 bits, all else as it is.
#[derive(Debug)]
pub(crate) struct Linear {
    weight: QMatMul,
    bias: Option<Tensor>,
}

/// A scaling of each row to a root mean square of 1, and then by a vector.
#[derive(Debug)]
pub(crate) struct RmsNorm {
    scale: Tensor,
    epsilon: f32,
}

/// The feed-forward block with the gate SwiGLU.
#[derive(Debug)]
pub(crate) struct GatedFeedForward {
    gate: Linear,
    up: Linear,
    down: Linear,
}

/// Copies a vector to a device.
pub(crate) fn vector_on(values: Vec<f32>, device: &Device) -> Result<Tensor, ModelError> {
    let length = values.len();
    Tensor::from_vec(values, length, device)
        .map_err(ModelError::compute("copy weights to the device"))
}

/// Copies weights to a device: plain numbers in 32 bits, blocks as they are.
fn product_on(weight: &QTensor, device: &Device) -> CandleResult<QMatMul> {
    let kind = weight.dtype();
    if matches!(kind, GgmlDType::F32 | GgmlDType::F16 | GgmlDType::BF16) {
        return Ok(QMatMul::Tensor(weight.dequantize(device)?));
    }
    let storage = QStorage::from_data(weight.data()?, device, kind)?;
    QMatMul::from_qtensor(QTensor::new(storage, weight.shape().clone())?)
}

impl Linear {
    /// Reads `name.weight` `[outputs, inputs]` and, if it is there, `name.bias` `[outputs]`.
    pub(crate) fn read(
        file: &mut GgufFile,
        name: &str,
        outputs: usize,
        inputs: usize,
        device: &Device,
    ) -> Result<Self, ModelError> {
        let info = file.take(&format!("{name}.weight"), &[outputs, inputs])?;
        let weight = file.read(&info)?;
        let bias = read_optional_vector(file, &format!("{name}.bias"), outputs)?;
        Ok(Self {
            bias: bias.map(|bias| vector_on(bias, device)).transpose()?,
            ..Self::of(&weight, device)?
        })
    }

    /// One without a bias, of weights in the processor's memory.
    pub(crate) fn of(weight: &QTensor, device: &Device) -> Result<Self, ModelError> {
        let weight = product_on(weight, device);
        Ok(Self {
            weight: weight.map_err(ModelError::compute("copy weights to the device"))?,
            bias: None,
        })
    }

    /// `[rows, inputs]`, contiguous, to `[rows, outputs]`.
    pub(crate) fn forward(&self, rows: &Tensor) -> CandleResult<Tensor> {
        let product = self.weight.forward(rows)?;
        match &self.bias {
            Some(bias) => product.broadcast_add(bias),
            None => Ok(product),
        }
    }

    /// The bytes that it takes on the device.
    pub(crate) fn bytes(&self) -> usize {
        let weight = match &self.weight {
            QMatMul::QTensor(weight) => weight.storage_size_in_bytes(),
            QMatMul::Tensor(weight) | QMatMul::TensorF16(weight) => tensor_bytes(weight),
        };
        weight + self.bias.as_ref().map_or(0, tensor_bytes)
    }
}

impl RmsNorm {
    /// Reads `name.weight` `[width]`. `epsilon` is added to the mean square.
    pub(crate) fn read(
        file: &mut GgufFile,
        name: &str,
        width: usize,
        epsilon: f32,
        device: &Device,
    ) -> Result<Self, ModelError> {
        let scale = read_vector(file, &format!("{name}.weight"), width)?;
        Ok(Self {
            scale: vector_on(scale, device)?,
            epsilon,
        })
    }

    /// `[rows, width]`, contiguous, to as many.
    pub(crate) fn forward(&self, rows: &Tensor) -> CandleResult<Tensor> {
        candle_nn::ops::rms_norm(rows, &self.scale, self.epsilon)
    }

    /// The bytes that it takes on the device.
    pub(crate) fn bytes(&self) -> usize {
        tensor_bytes(&self.scale)
    }
}

impl GatedFeedForward {
    /// Reads `prefix_gate` and `prefix_up` `[wide, width]`, and `prefix_down` `[width, wide]`.
    pub(crate) fn read(
        file: &mut GgufFile,
        prefix: &str,
        width: usize,
        wide: usize,
        device: &Device,
    ) -> Result<Self, ModelError> {
        Ok(Self {
            gate: Linear::read(file, &format!("{prefix}_gate"), wide, width, device)?,
            up: Linear::read(file, &format!("{prefix}_up"), wide, width, device)?,
            down: Linear::read(file, &format!("{prefix}_down"), width, wide, device)?,
        })
    }

    /// `[rows, width]`, contiguous, to as many.
    pub(crate) fn forward(&self, rows: &Tensor) -> CandleResult<Tensor> {
        let gates = self.gate.forward(rows)?.silu()?;
        self.down.forward(&(gates * self.up.forward(rows)?)?)
    }

    /// The bytes that it takes on the device.
    pub(crate) fn bytes(&self) -> usize {
        self.gate.bytes() + self.up.bytes() + self.down.bytes()
    }
}
