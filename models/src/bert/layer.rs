//! One layer of the encoder: attention, then two dense steps, each added to its input and normalised.

use candle_core::{Device, Result as CandleResult, Tensor};

use super::BertConfig;
use crate::ModelError;
use crate::kernels::{self, DenseWeight, NormWeights, Packing};
use crate::weights::{TensorFile, tensor_bytes};

/// A dense step `x * weight + bias`.
#[derive(Debug)]
struct Dense {
    weight: DenseWeight,
    /// `[outputs]`
    bias: Tensor,
}

/// What follows a dense step whose result is added to something and normalised.
#[derive(Debug)]
pub(super) struct Norm {
    /// `[3, hidden]`: the bias of the step, then scale and shift.
    pub(super) rows: Tensor,
}

/// A dense step whose result is added to its input and normalised.
#[derive(Debug)]
struct DenseNorm {
    weight: DenseWeight,
    norm: Norm,
}

#[derive(Debug)]
pub(super) struct Layer {
    /// Query, key and value side by side: from `hidden` to `3 * hidden`.
    attention_in: Dense,
    attention_out: DenseNorm,
    wide: Dense,
    narrow: DenseNorm,
    heads: usize,
    epsilon: f64,
}

/// Where the tensors of a network are read from.
pub(super) struct Reader<'a> {
    pub(super) file: &'a mut TensorFile,
    pub(super) prefix: String,
    pub(super) device: &'a Device,
}

impl Reader<'_> {
    pub(super) fn read(&mut self, name: &str, shape: &[usize]) -> Result<Tensor, ModelError> {
        self.file
            .read(&format!("{}{name}", self.prefix), shape, self.device)
    }

    /// The normalisation of that name, behind a step with that bias.
    pub(super) fn norm(&mut self, name: &str, bias: &Tensor) -> Result<Norm, ModelError> {
        let width = bias.elem_count();
        let scale = self.read(&format!("{name}.weight"), &[width])?;
        let shift = self.read(&format!("{name}.bias"), &[width])?;
        let rows = Tensor::stack(&[bias, &scale, &shift], 0);
        let rows = rows.map_err(ModelError::compute("lay out a normalisation"))?;
        Ok(Norm { rows })
    }

    fn dense_norm(
        &mut self,
        dense: &str,
        norm: &str,
        inputs: usize,
        outputs: usize,
    ) -> Result<DenseNorm, ModelError> {
        let Dense { weight, bias } = self.dense(dense, inputs, outputs)?;
        let norm = self.norm(norm, &bias)?;
        Ok(DenseNorm { weight, norm })
    }

    fn dense(&mut self, name: &str, inputs: usize, outputs: usize) -> Result<Dense, ModelError> {
        let weight = self.read(&format!("{name}.weight"), &[outputs, inputs])?;
        Ok(Dense {
            weight: laid_out(&weight)?,
            bias: self.read(&format!("{name}.bias"), &[outputs])?,
        })
    }

    fn attention_in(&mut self, name: &str, hidden: usize) -> Result<Dense, ModelError> {
        let mut weights = Vec::new();
        let mut biases = Vec::new();
        for part in ["query", "key", "value"] {
            weights.push(self.read(&format!("{name}.{part}.weight"), &[hidden, hidden])?);
            biases.push(self.read(&format!("{name}.{part}.bias"), &[hidden])?);
        }
        let join = |parts: &[Tensor]| {
            Tensor::cat(parts, 0).map_err(ModelError::compute("join attention weights"))
        };
        Ok(Dense {
            weight: laid_out(&join(&weights)?)?,
            bias: join(&biases)?,
        })
    }
}

fn laid_out(weight: &Tensor) -> Result<DenseWeight, ModelError> {
    DenseWeight::new(weight).map_err(ModelError::compute("lay out weights"))
}

impl Layer {
    pub(super) fn read(
        reader: &mut Reader,
        index: usize,
        config: &BertConfig,
    ) -> Result<Self, ModelError> {
        let (hidden, wide) = (config.hidden_size, config.intermediate_size);
        let name = |part: &str| format!("encoder.layer.{index}.{part}");
        Ok(Self {
            attention_in: reader.attention_in(&name("attention.self"), hidden)?,
            attention_out: reader.dense_norm(
                &name("attention.output.dense"),
                &name("attention.output.LayerNorm"),
                hidden,
                hidden,
            )?,
            wide: reader.dense(&name("intermediate.dense"), hidden, wide)?,
            narrow: reader.dense_norm(
                &name("output.dense"),
                &name("output.LayerNorm"),
                wide,
                hidden,
            )?,
            heads: config.num_attention_heads,
            epsilon: config.layer_norm_eps,
        })
    }

    /// `[tokens, hidden]` to `[tokens, hidden]`.
    pub(super) fn forward(&self, input: &Tensor, packing: &Packing) -> CandleResult<Tensor> {
        let projected = self.attention_in.weight.product(input)?;
        let mixed = kernels::attention(&projected, &self.attention_in.bias, self.heads, packing)?;
        let attended = self.add_norm(&mixed, input, &self.attention_out)?;
        let wide = kernels::bias_gelu(self.wide.weight.product(&attended)?, &self.wide.bias)?;
        self.add_norm(&wide, &attended, &self.narrow)
    }

    fn add_norm(
        &self,
        input: &Tensor,
        residual: &Tensor,
        step: &DenseNorm,
    ) -> CandleResult<Tensor> {
        let weights = step.norm.weights(self.epsilon);
        kernels::add_norm(step.weight.product(input)?, residual, &weights)
    }

    pub(super) fn bytes(&self) -> usize {
        let denses = [&self.attention_in, &self.wide];
        let denses = denses.map(|dense| dense.weight.bytes() + tensor_bytes(&dense.bias));
        let norms = [&self.attention_out, &self.narrow];
        let norms = norms.map(|step| step.weight.bytes() + tensor_bytes(&step.norm.rows));
        denses.into_iter().chain(norms).sum()
    }
}

impl Norm {
    pub(super) fn weights(&self, epsilon: f64) -> NormWeights<'_> {
        NormWeights {
            rows: &self.rows,
            epsilon,
        }
    }
}
