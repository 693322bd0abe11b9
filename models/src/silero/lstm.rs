//! The long short-term memory: the one part of the network that goes from frame to frame.

use candle_core::{Result as CandleResult, Tensor};

use super::SileroState;
use super::state::HIDDEN;
use crate::ModelError;
use crate::kernels::{self, DenseWeight};
use crate::layers::Checkpoint;
use crate::onnx::OnnxFile;
use crate::weights::tensor_bytes;

/// How many gates there are. The network takes them in the order input, forget, cell, output.
const GATES: usize = 4;
/// Where they are among those of ONNX: input, output, forget, cell.
const IN_ONNX: [usize; GATES] = [0, 2, 3, 1];

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
    /// Reads the one that the file's only `LSTM` node takes.
    pub(super) fn read(file: &OnnxFile, checkpoint: &Checkpoint) -> Result<Self, ModelError> {
        let [_, input, recurrent, bias, ..] = file.inputs_of("LSTM")? else {
            return Err(file.refuse(
                "an ONNX file whose `LSTM` has weights and biases".to_owned(),
                "one without".to_owned(),
            ));
        };
        let input = checkpoint.tensor(input, &[1, GATES * HIDDEN, HIDDEN])?;
        let recurrent = checkpoint.tensor(recurrent, &[1, GATES * HIDDEN, HIDDEN])?;
        let bias = checkpoint.tensor(bias, &[1, 2 * GATES * HIDDEN])?;
        let laid_out = || {
            let bias = bias.reshape((2, GATES * HIDDEN))?.sum(0)?;
            Ok(Self {
                input: DenseWeight::new(&reordered(&input.squeeze(0)?)?)?,
                recurrent: reordered(&recurrent.squeeze(0)?)?.t()?.contiguous()?,
                bias: reordered(&bias)?,
            })
        };
        laid_out().map_err(ModelError::compute("lay out a long short-term memory"))
    }

    /// `[steps, HIDDEN]` to `[steps, HIDDEN]`, from `state` on, which becomes that of the last
    /// step.
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

    pub(super) fn bytes(&self) -> usize {
        self.input.bytes() + tensor_bytes(&self.recurrent) + tensor_bytes(&self.bias)
    }
}

/// The rows of all gates in the network's order.
fn reordered(rows: &Tensor) -> CandleResult<Tensor> {
    let gates = IN_ONNX.map(|gate| rows.narrow(0, gate * HIDDEN, HIDDEN));
    Tensor::cat(&gates.into_iter().collect::<CandleResult<Vec<_>>>()?, 0)
}
