//! The product with weights that are the same in each run.

use candle_core::{DType, Result, Tensor, bail};

use super::matrix::{MatMul, Side};
use crate::graph::outline::{Arguments, Inputs, Outline};
use crate::kernels::DenseWeight;

/// The product of the last axis with weights that are laid out. Inputs: a value of at least two sides.
#[derive(Debug, Clone)]
pub(in crate::graph) struct Dense {
    weight: DenseWeight,
    inputs: usize,
    outputs: usize,
    /// One for each output.
    bias: Option<Tensor>,
}

impl Dense {
    /// Lays out the right side of a product; `None` if it is none of one matrix, or one that is scaled.
    pub(in crate::graph) fn new(
        product: &MatMul,
        right: &Tensor,
        bias: Option<&Tensor>,
    ) -> Result<Option<Self>> {
        let is_plain = product.left == Side::AsItIs && product.alpha == 1.0 && product.beta == 1.0;
        if !is_plain || right.rank() != 2 || right.dtype() != DType::F32 {
            return Ok(None);
        }
        let weight = match product.right {
            Side::AsItIs => right.t()?.contiguous()?,
            Side::Transposed => right.contiguous()?,
        };
        let (outputs, inputs) = weight.dims2()?;
        if bias.is_some_and(|bias| bias.dims() != [outputs]) || outputs == 0 || inputs == 0 {
            return Ok(None);
        }
        Ok(Some(Self {
            weight: DenseWeight::new(&weight)?,
            inputs,
            outputs,
            bias: bias.cloned(),
        }))
    }

    pub(in crate::graph) fn infer(&self, inputs: Inputs<'_>) -> Result<Outline> {
        let Some(sides) = &inputs.typed(0, DType::F32)?.sides else {
            return Ok(Outline::unknown(DType::F32));
        };
        let Some((last, outer)) = sides.split_last().filter(|(_, outer)| !outer.is_empty()) else {
            bail!("an input of at least two sides was expected, got {sides:?}");
        };
        if last.is_some_and(|last| last != self.inputs) {
            bail!("a last side of {} was expected, got {sides:?}", self.inputs);
        }
        let mut sides = outer.to_vec();
        sides.push(Some(self.outputs));
        Ok(Outline::new(DType::F32, sides))
    }

    pub(in crate::graph) fn run(&self, inputs: Arguments<'_>) -> Result<Tensor> {
        let input = inputs.tensor(0)?;
        let rows = input
            .contiguous()?
            .reshape((input.elem_count() / self.inputs, self.inputs))?;
        let mut sides = input.dims().to_vec();
        sides.pop();
        sides.push(self.outputs);
        if rows.elem_count() == 0 {
            return Tensor::zeros(sides, DType::F32, rows.device());
        }
        let mut product = self.weight.product(&rows)?;
        if let Some(bias) = &self.bias {
            product = product.broadcast_add(bias)?;
        }
        product.reshape(sides)
    }

    /// The bytes of the weights.
    pub(in crate::graph) fn bytes(&self) -> usize {
        self.weight.bytes()
            + self
                .bias
                .as_ref()
                .map_or(0, |_| self.outputs * size_of::<f32>())
    }
}
