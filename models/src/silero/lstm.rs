//! The long short-term memory: the one part of the network that goes from frame to frame.

use candle_core::{Device, Result as CandleResult, Tensor};

use super::SileroState;
use super::state::HIDDEN;
use crate::ModelError;
use crate::kernels::{self, DenseWeight};
use crate::weights::TensorFile;

/// Input, forget, cell and output, in the order in which PyTorch stores them.
const GATES: usize = 4;

#[derive(Debug)]
pub(super) struct Lstm {
    /// From `HIDDEN` to `GATES * HIDDEN`.
    input: DenseWeight,
    /// `[HIDDEN, GATES * HIDDEN]`
    recurrent: Tensor,
    /// `[GATES * HIDDEN]`: those of input and recurrence, added.
    bias: Tensor,
}

impl Lstm {
    pub(super) fn read(file: &mut TensorFile, device: &Device) -> Result<Self, ModelError> {
        let mut read =
            |name: &str, shape: &[usize]| file.read(&format!("lstm_cell.{name}"), shape, device);
        let input = read("weight_ih", &[GATES * HIDDEN, HIDDEN])?;
        let recurrent = read("weight_hh", &[GATES * HIDDEN, HIDDEN])?;
        let biases = [
            read("bias_ih", &[GATES * HIDDEN])?,
            read("bias_hh", &[GATES * HIDDEN])?,
        ];
        let laid_out = || {
            Ok(Self {
                input: DenseWeight::new(&input)?,
                recurrent: recurrent.t()?.contiguous()?,
                bias: (&biases[0] + &biases[1])?,
            })
        };
        laid_out().map_err(ModelError::compute("lay out a long short-term memory"))
    }

    /// `[steps, HIDDEN]` to `[steps, HIDDEN]`, from `state` on, which becomes that of the last step.
    pub(super) fn forward(&self, steps: &Tensor, state: &mut SileroState) -> CandleResult<Tensor> {
        let gates = self.input.product(steps)?.broadcast_add(&self.bias)?;
        let before = [state.hidden.as_slice(), state.cell.as_slice()].concat();
        let before = Tensor::from_vec(before, (2, HIDDEN), steps.device())?;
        let all = kernels::lstm(&gates, &self.recurrent, &before)?;
        let count = steps.dim(0)?;
        state.hidden = all.get(count - 1)?.to_vec1()?;
        state.cell = all.get(count)?.to_vec1()?;
        all.narrow(0, 0, count)
    }

    pub(super) fn tensors(&self) -> impl Iterator<Item = &Tensor> {
        [self.input.tensor(), &self.recurrent, &self.bias].into_iter()
    }
}
