//! What the layers of encoder and decoder are made of. Both normalise before each step, unlike BERT.

use candle_core::{DType, Device, Result as CandleResult, Tensor};

use crate::kernels::{self, DenseWeight};
use crate::weights::{TensorFile, tensor_bytes};
use crate::{ModelError, Precision};

/// What layer normalisation adds to the variance.
const EPSILON: f64 = 1e-5;

/// Where the tensors of a network are read from.
pub(super) struct Reader<'a> {
    pub(super) file: &'a mut TensorFile,
    /// `model.`, or nothing in checkpoints of the bare network.
    pub(super) prefix: &'static str,
    pub(super) device: &'a Device,
    pub(super) precision: Precision,
}

/// A dense step `x * weight + bias`.
#[derive(Debug)]
pub(super) struct Dense {
    weight: DenseWeight,
    /// `[outputs]`
    bias: Tensor,
}

/// A layer normalisation.
#[derive(Debug)]
pub(super) struct Norm {
    /// `[2, width]`: scale and shift.
    rows: Tensor,
}

/// Two dense steps with a GELU between them, added to their input.
#[derive(Debug)]
pub(super) struct FeedForward {
    norm: Norm,
    wide: Dense,
    narrow: Dense,
}

impl Reader<'_> {
    pub(super) fn read(&mut self, name: &str, shape: &[usize]) -> Result<Tensor, ModelError> {
        let name = format!("{}{name}", self.prefix);
        self.file.read(&name, shape, self.device)
    }

    /// Lays out the weights of a dense step `[outputs, inputs]`.
    pub(super) fn lay_out(&self, weight: &Tensor) -> Result<DenseWeight, ModelError> {
        let laid_out = self.precision.lay_out(weight);
        laid_out.map_err(ModelError::compute("lay out weights"))
    }

    pub(super) fn norm(&mut self, name: &str, width: usize) -> Result<Norm, ModelError> {
        let scale = self.read(&format!("{name}.weight"), &[width])?;
        let shift = self.read(&format!("{name}.bias"), &[width])?;
        let rows = Tensor::stack(&[scale, shift], 0);
        let rows = rows.map_err(ModelError::compute("lay out a normalisation"))?;
        Ok(Norm { rows })
    }

    pub(super) fn dense(
        &mut self,
        name: &str,
        inputs: usize,
        outputs: usize,
    ) -> Result<Dense, ModelError> {
        self.side_by_side(&[name], inputs, outputs)
    }

    /// Dense steps of the same input as one, their outputs side by side. A step without a bias, as Whisper's keys are, gets one of zeros.
    pub(super) fn side_by_side(
        &mut self,
        names: &[&str],
        inputs: usize,
        outputs: usize,
    ) -> Result<Dense, ModelError> {
        let (mut weights, mut biases) = (Vec::new(), Vec::new());
        for name in names {
            weights.push(self.read(&format!("{name}.weight"), &[outputs, inputs])?);
            let bias = format!("{name}.bias");
            biases.push(
                match self.file.contains(&format!("{}{bias}", self.prefix)) {
                    true => self.read(&bias, &[outputs])?,
                    false => Tensor::zeros(outputs, DType::F32, self.device)
                        .map_err(ModelError::compute("lay out weights"))?,
                },
            );
        }
        let dense = || -> CandleResult<Dense> {
            Ok(Dense {
                weight: self.precision.lay_out(&Tensor::cat(&weights, 0)?)?,
                bias: Tensor::cat(&biases, 0)?,
            })
        };
        dense().map_err(ModelError::compute("lay out weights"))
    }

    /// A convolution over three neighbours as a dense step: of each row the values of the one before, its own, and those of the one behind.
    pub(super) fn convolution(
        &mut self,
        name: &str,
        inputs: usize,
        outputs: usize,
    ) -> Result<Dense, ModelError> {
        let weight = self.read(&format!("{name}.weight"), &[outputs, inputs, 3])?;
        let bias = self.read(&format!("{name}.bias"), &[outputs])?;
        let weight = weight
            .transpose(1, 2)
            .and_then(|weight| weight.contiguous()?.reshape((outputs, 3 * inputs)))
            .and_then(|weight| self.precision.lay_out(&weight))
            .map_err(ModelError::compute("lay out weights"))?;
        Ok(Dense { weight, bias })
    }

    pub(super) fn feed_forward(
        &mut self,
        name: &str,
        hidden: usize,
        wide: usize,
    ) -> Result<FeedForward, ModelError> {
        Ok(FeedForward {
            norm: self.norm(&format!("{name}.final_layer_norm"), hidden)?,
            wide: self.dense(&format!("{name}.fc1"), hidden, wide)?,
            narrow: self.dense(&format!("{name}.fc2"), wide, hidden)?,
        })
    }
}

impl Dense {
    /// `[rows, inputs]` to `[rows, outputs]`.
    pub(super) fn forward(&self, input: &Tensor) -> CandleResult<Tensor> {
        kernels::add_bias(self.weight.product(input)?, &self.bias)
    }

    /// The same without the bias, and the bias: for a step that adds it itself.
    pub(super) fn product(&self, input: &Tensor) -> CandleResult<(Tensor, &Tensor)> {
        Ok((self.weight.product(input)?, &self.bias))
    }

    /// The same, followed by a GELU.
    pub(super) fn gelu(&self, input: &Tensor) -> CandleResult<Tensor> {
        kernels::bias_gelu(self.weight.product(input)?, &self.bias)
    }

    /// The same, added to `residual` `[rows, outputs]`.
    pub(super) fn add_to(&self, residual: &Tensor, input: &Tensor) -> CandleResult<Tensor> {
        kernels::add_residual(self.weight.product(input)?, &self.bias, residual)
    }

    fn bytes(&self) -> usize {
        self.weight.bytes() + tensor_bytes(&self.bias)
    }
}

impl Norm {
    /// `[rows, width]` to `[rows, width]`.
    pub(super) fn forward(&self, input: &Tensor) -> CandleResult<Tensor> {
        kernels::norm(input, &self.rows, EPSILON)
    }
}

impl FeedForward {
    /// `[rows, hidden]` to `[rows, hidden]`.
    pub(super) fn forward(&self, input: &Tensor) -> CandleResult<Tensor> {
        let wide = self.wide.gelu(&self.norm.forward(input)?)?;
        self.narrow.add_to(input, &wide)
    }
}

/// The bytes that a part of the network takes on the device.
pub(super) trait Bytes {
    fn bytes(&self) -> usize;
}

impl Bytes for Dense {
    fn bytes(&self) -> usize {
        self.bytes()
    }
}

impl Bytes for FeedForward {
    fn bytes(&self) -> usize {
        self.wide.bytes() + self.narrow.bytes()
    }
}
