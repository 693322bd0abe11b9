//! Layer normalization, by itself and fused with a residual sum.
//!
//! Source: Ba, Kiros and Hinton, "Layer Normalization", 2016.

use candle_core::{Result as CandleResult, Tensor};

use super::{AddTo, Checkpoint};
use crate::ModelError;
use crate::kernels::{self, DenseWeight};
use crate::weights::tensor_bytes;

/// A layer normalization.
#[derive(Debug)]
pub(crate) struct LayerNorm {
    /// `[2, width]`: scale and shift.
    rows: Tensor,
    epsilon: f64,
}

/// The normalization of a sum of two tensors and a bias, as networks have it that normalize after
/// each residual sum.
#[derive(Debug)]
pub(crate) struct AddNorm {
    /// `[3, width]`: bias, scale and shift.
    rows: Tensor,
    epsilon: f64,
}

/// A linear layer whose output is added to the residual stream, which is then normalized.
#[derive(Debug)]
pub(crate) struct LinearAddNorm {
    weight: DenseWeight,
    /// Its bias is that of the linear layer.
    norm: AddNorm,
}

impl LayerNorm {
    /// Reads `weight` and `bias`, both `[width]`. `epsilon` is added to the variance.
    pub(crate) fn read(
        checkpoint: &Checkpoint,
        width: usize,
        epsilon: f64,
    ) -> Result<Self, ModelError> {
        let scale = checkpoint.tensor("weight", &[width])?;
        let shift = checkpoint.tensor("bias", &[width])?;
        let rows = Tensor::stack(&[scale, shift], 0);
        let rows = rows.map_err(ModelError::compute("lay out a normalization"))?;
        Ok(Self { rows, epsilon })
    }

    /// `[rows, width]` to `[rows, width]`.
    pub(crate) fn forward(&self, input: &Tensor) -> CandleResult<Tensor> {
        kernels::norm(input, &self.rows, self.epsilon)
    }
}

impl AddNorm {
    /// Reads a normalization of sums that have no bias.
    pub(crate) fn read(
        checkpoint: &Checkpoint,
        width: usize,
        epsilon: f64,
    ) -> Result<Self, ModelError> {
        let zeros = Tensor::zeros(width, candle_core::DType::F32, checkpoint.device());
        let zeros = zeros.map_err(ModelError::compute("lay out a normalization"))?;
        Self::behind(checkpoint, &zeros, epsilon)
    }

    /// Reads a normalization of sums that have this bias.
    fn behind(checkpoint: &Checkpoint, bias: &Tensor, epsilon: f64) -> Result<Self, ModelError> {
        let width = bias.elem_count();
        let scale = checkpoint.tensor("weight", &[width])?;
        let shift = checkpoint.tensor("bias", &[width])?;
        let rows = Tensor::stack(&[bias, &scale, &shift], 0);
        let rows = rows.map_err(ModelError::compute("lay out a normalization"))?;
        Ok(Self { rows, epsilon })
    }

    /// The normalized sum of `input`, which may be changed in place, and `residual`.
    pub(crate) fn forward(&self, input: Tensor, residual: &Tensor) -> CandleResult<Tensor> {
        kernels::add_norm(input, residual, &self.rows, self.epsilon)
    }

    /// The bytes that it takes on the device.
    pub(crate) fn bytes(&self) -> usize {
        tensor_bytes(&self.rows)
    }
}

impl LinearAddNorm {
    /// Reads the linear layer and the normalization of these names.
    pub(crate) fn read(
        checkpoint: &Checkpoint,
        [linear, norm]: [&str; 2],
        [inputs, outputs]: [usize; 2],
        epsilon: f64,
    ) -> Result<Self, ModelError> {
        let linear = checkpoint.at(linear);
        let weight = linear.tensor("weight", &[outputs, inputs])?;
        let bias = linear.tensor("bias", &[outputs])?;
        Ok(Self {
            weight: checkpoint.lay_out(&weight)?,
            norm: AddNorm::behind(&checkpoint.at(norm), &bias, epsilon)?,
        })
    }
}

impl AddTo for LinearAddNorm {
    fn add_to(&self, residual: &Tensor, input: &Tensor) -> CandleResult<Tensor> {
        self.norm.forward(self.weight.product(input)?, residual)
    }

    fn bytes(&self) -> usize {
        self.weight.bytes() + self.norm.bytes()
    }
}
