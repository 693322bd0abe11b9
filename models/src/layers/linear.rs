//! The linear layer, `x * weight + bias`.

use candle_core::{Result as CandleResult, Tensor};

use super::{AddTo, Checkpoint};
use crate::ModelError;
use crate::kernels::{self, DenseWeight};
use crate::weights::tensor_bytes;

/// A linear layer. What follows it is fused with adding its bias.
#[derive(Debug)]
pub(crate) struct Linear {
    weight: DenseWeight,
    /// `[outputs]`
    bias: Tensor,
}

/// Whether a checkpoint must have the bias of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bias {
    /// It must.
    Required,
    /// A missing bias is zero.
    OrZero,
}

impl Linear {
    /// Reads `weight` `[outputs, inputs]` and `bias` `[outputs]`.
    pub(crate) fn read(
        checkpoint: &Checkpoint,
        inputs: usize,
        outputs: usize,
    ) -> Result<Self, ModelError> {
        let weight = checkpoint.tensor("weight", &[outputs, inputs])?;
        Ok(Self {
            weight: checkpoint.lay_out(&weight)?,
            bias: checkpoint.tensor("bias", &[outputs])?,
        })
    }

    /// Reads layers of the same input, each `[outputs, inputs]`, as one with their outputs side by
    /// side.
    pub(crate) fn joined(
        checkpoint: &Checkpoint,
        names: &[&str],
        inputs: usize,
        outputs: usize,
        bias: Bias,
    ) -> Result<Self, ModelError> {
        let (mut weights, mut biases) = (Vec::new(), Vec::new());
        for name in names {
            let part = checkpoint.at(name);
            weights.push(part.tensor("weight", &[outputs, inputs])?);
            biases.push(match bias {
                Bias::Required => part.tensor("bias", &[outputs])?,
                Bias::OrZero => part.tensor_or_zeros("bias", &[outputs])?,
            });
        }
        let join =
            |parts: &[Tensor]| Tensor::cat(parts, 0).map_err(ModelError::compute("join weights"));
        Ok(Self {
            weight: checkpoint.lay_out(&join(&weights)?)?,
            bias: join(&biases)?,
        })
    }

    /// Reads a convolution, `weight` `[outputs, inputs, taps]`, as a linear layer of its windows:
    /// each row has the inputs of the first tap, then those of the second, and so on.
    pub(crate) fn convolution(
        checkpoint: &Checkpoint,
        inputs: usize,
        outputs: usize,
        taps: usize,
    ) -> Result<Self, ModelError> {
        let weight = checkpoint.tensor("weight", &[outputs, inputs, taps])?;
        let bias = checkpoint.tensor("bias", &[outputs])?;
        let weight = weight
            .transpose(1, 2)
            .and_then(|weight| weight.contiguous()?.reshape((outputs, taps * inputs)))
            .map_err(ModelError::compute("lay out a convolution"))?;
        let weight = checkpoint.lay_out(&weight)?;
        Ok(Self { weight, bias })
    }

    /// `[rows, inputs]` to `[rows, outputs]`.
    pub(crate) fn forward(&self, input: &Tensor) -> CandleResult<Tensor> {
        kernels::add_bias(self.weight.product(input)?, &self.bias)
    }

    /// The product without the bias, and the bias, for a kernel that adds it itself.
    pub(crate) fn product(&self, input: &Tensor) -> CandleResult<(Tensor, &Tensor)> {
        Ok((self.weight.product(input)?, &self.bias))
    }

    /// [`forward`](Self::forward), followed by GELU.
    pub(crate) fn gelu(&self, input: &Tensor) -> CandleResult<Tensor> {
        kernels::bias_gelu(self.weight.product(input)?, &self.bias)
    }

    /// The bytes that it takes on the device.
    pub(crate) fn bytes(&self) -> usize {
        self.weight.bytes() + tensor_bytes(&self.bias)
    }
}

impl AddTo for Linear {
    fn add_to(&self, residual: &Tensor, input: &Tensor) -> CandleResult<Tensor> {
        kernels::add_residual(self.weight.product(input)?, &self.bias, residual)
    }

    fn bytes(&self) -> usize {
        self.bytes()
    }
}
