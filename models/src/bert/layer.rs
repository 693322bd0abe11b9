//! One layer of the encoder: attention, then two dense steps, each added to its input and normalised.

use candle_core::{Device, Result as CandleResult, Tensor};

use super::BertConfig;
use crate::ModelError;
use crate::kernels::{self, Packing};
use crate::weights::TensorFile;

/// A dense step `x * weight + bias`.
#[derive(Debug)]
struct Dense {
    /// `[inputs, outputs]`: checkpoints store the transpose, which is slower to multiply with.
    weight: Tensor,
    /// `[outputs]`
    bias: Tensor,
}

/// The scale and shift after a normalisation.
#[derive(Debug)]
pub(super) struct Norm {
    /// `[hidden]`
    pub(super) scale: Tensor,
    /// `[hidden]`
    pub(super) shift: Tensor,
}

#[derive(Debug)]
pub(super) struct Layer {
    /// Query, key and value side by side: `[hidden, 3 * hidden]`.
    attention_in: Dense,
    attention_out: Dense,
    attention_norm: Norm,
    wide: Dense,
    narrow: Dense,
    output_norm: Norm,
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

    pub(super) fn norm(&mut self, name: &str, width: usize) -> Result<Norm, ModelError> {
        Ok(Norm {
            scale: self.read(&format!("{name}.weight"), &[width])?,
            shift: self.read(&format!("{name}.bias"), &[width])?,
        })
    }

    fn dense(&mut self, name: &str, inputs: usize, outputs: usize) -> Result<Dense, ModelError> {
        let weight = self.read(&format!("{name}.weight"), &[outputs, inputs])?;
        Ok(Dense {
            weight: transposed(&weight)?,
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
            weight: transposed(&join(&weights)?)?,
            bias: join(&biases)?,
        })
    }
}

fn transposed(weight: &Tensor) -> Result<Tensor, ModelError> {
    weight
        .t()
        .and_then(|weight| weight.contiguous())
        .map_err(ModelError::compute("lay out weights"))
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
            attention_out: reader.dense(&name("attention.output.dense"), hidden, hidden)?,
            attention_norm: reader.norm(&name("attention.output.LayerNorm"), hidden)?,
            wide: reader.dense(&name("intermediate.dense"), hidden, wide)?,
            narrow: reader.dense(&name("output.dense"), wide, hidden)?,
            output_norm: reader.norm(&name("output.LayerNorm"), hidden)?,
            heads: config.num_attention_heads,
            epsilon: config.layer_norm_eps,
        })
    }

    /// `[tokens, hidden]` to `[tokens, hidden]`.
    pub(super) fn forward(&self, input: &Tensor, packing: &Packing) -> CandleResult<Tensor> {
        let projected = input.matmul(&self.attention_in.weight)?;
        let mixed = kernels::attention(&projected, &self.attention_in.bias, self.heads, packing)?;
        let attended = self.add_norm(&mixed, input, &self.attention_out, &self.attention_norm)?;
        let wide = kernels::bias_gelu(&attended.matmul(&self.wide.weight)?, &self.wide.bias)?;
        self.add_norm(&wide, &attended, &self.narrow, &self.output_norm)
    }

    /// A dense step whose result is added to `residual` and normalised.
    fn add_norm(
        &self,
        input: &Tensor,
        residual: &Tensor,
        dense: &Dense,
        norm: &Norm,
    ) -> CandleResult<Tensor> {
        let projected = input.matmul(&dense.weight)?.broadcast_add(&dense.bias)?;
        kernels::add_norm(&projected, residual, &norm.scale, &norm.shift, self.epsilon)
    }

    pub(super) fn tensors(&self) -> impl Iterator<Item = &Tensor> {
        let denses = [
            &self.attention_in,
            &self.attention_out,
            &self.wide,
            &self.narrow,
        ];
        let norms = [&self.attention_norm, &self.output_norm];
        denses
            .into_iter()
            .flat_map(|dense| [&dense.weight, &dense.bias])
            .chain(
                norms
                    .into_iter()
                    .flat_map(|norm| [&norm.scale, &norm.shift]),
            )
    }
}
