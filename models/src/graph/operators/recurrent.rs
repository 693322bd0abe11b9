//! Recurrent layers, with the gates in the order of ONNX: GRU `z r h`, LSTM `i o f c`.
//!
//! Source of the equations: ONNX, operators `GRU` and `LSTM`.

use candle_core::{DType, Device, Result, Tensor, bail};

use super::elementwise::{values, with_floats};
use crate::graph::outline::{Arguments, Inputs, Outline};
use crate::kernels::Unary;

/// A recurrent layer. Inputs: `[steps, count, width]`, weights `[directions, gates * hidden, width]`, recurrent weights
/// `[directions, gates * hidden, hidden]`, biases `[directions, 2 * gates * hidden]`, lengths, which must be left out, and what comes before the first
/// step `[directions, count, hidden]`, of the outputs, and of the cells.
#[derive(Debug, Clone, Copy)]
pub(in crate::graph) struct Recurrent {
    pub(in crate::graph) cell: Cell,
    pub(in crate::graph) direction: Direction,
    pub(in crate::graph) hidden: usize,
}

/// What a layer remembers by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::graph) enum Cell {
    Gru(Reset),
    Lstm,
}

/// To what the reset gate of a GRU is applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::graph) enum Reset {
    /// To the last output, before it is multiplied with the recurrent weights.
    BeforeProduct,
    /// To that product with its bias, as PyTorch and Keras do.
    AfterProduct,
}

/// From where to where the steps are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::graph) enum Direction {
    Forward,
    Reverse,
    Both,
}

impl Direction {
    fn count(self) -> usize {
        if self == Self::Both { 2 } else { 1 }
    }

    fn is_reverse(self, at: usize) -> bool {
        self == Self::Reverse || at == 1
    }
}

impl Recurrent {
    fn gates(&self) -> usize {
        match self.cell {
            Cell::Gru(_) => 3,
            Cell::Lstm => 4,
        }
    }

    pub(in crate::graph) fn infer(&self, inputs: Inputs<'_>) -> Result<Vec<Outline>> {
        if inputs.get(4).is_some() {
            bail!("sequences of one length were expected, got an input with their lengths");
        }
        let (directions, hidden) = (self.direction.count(), self.hidden);
        let Some(gates) = hidden.checked_mul(self.gates()) else {
            bail!("a layer that fits into memory was expected, got {hidden}");
        };
        let (steps, count, width) = match inputs.typed(0, DType::F32)?.sides.as_deref() {
            Some([steps, count, width]) => (*steps, *count, *width),
            None => (None, None, None),
            Some(sides) => bail!("an input of 3 sides was expected, got {sides:?}"),
        };
        let expect =
            |at: usize, sides: [Option<usize>; 3]| match inputs.outline(at)?.sides.as_deref() {
                None => Ok(()),
                Some(found) => {
                    let sides = &sides[..if at == 3 { 2 } else { 3 }];
                    let fits = found.len() == sides.len()
                        && found.iter().zip(sides).all(|(found, side)| {
                            found.is_none() || side.is_none() || found == side
                        });
                    if !fits {
                        bail!("input {at} of the sides {sides:?} was expected, got {found:?}");
                    }
                    Ok(())
                }
            };
        let directions = Some(directions);
        expect(1, [directions, Some(gates), width])?;
        expect(2, [directions, Some(gates), Some(hidden)])?;
        for at in [3, 5, 6] {
            if inputs.get(at).is_some() {
                inputs.typed(at, DType::F32)?;
                let sides = match at {
                    3 => [directions, gates.checked_mul(2), None],
                    _ => [directions, count, Some(hidden)],
                };
                expect(at, sides)?;
            }
        }
        let all = Outline::new(DType::F32, vec![steps, directions, count, Some(hidden)]);
        let last = Outline::new(DType::F32, vec![directions, count, Some(hidden)]);
        Ok(match self.cell {
            Cell::Gru(_) => vec![all, last],
            Cell::Lstm => vec![all, last.clone(), last],
        })
    }

    pub(in crate::graph) fn run(&self, inputs: Arguments<'_>) -> Result<Vec<Tensor>> {
        let (steps, count, _) = inputs.tensor(0)?.dims3()?;
        let (directions, hidden) = (self.direction.count(), self.hidden);
        let each = count * hidden;
        let mut all = vec![0f32; steps * directions * each];
        let (mut last, mut cells) = (Vec::new(), Vec::new());
        for at in 0..directions {
            let mut state = self.state(inputs, at, each)?;
            let layer = Layer::new(*self, inputs, at)?;
            for step in 0..steps {
                let step = if self.direction.is_reverse(at) {
                    steps - 1 - step
                } else {
                    step
                };
                layer.step(step, &mut state)?;
                all[(step * directions + at) * each..][..each].copy_from_slice(&state.output);
            }
            last.extend(state.output);
            cells.extend(state.cell);
        }
        let all = Tensor::from_vec(all, (steps, directions, count, hidden), &Device::Cpu)?;
        let stack = |values| Tensor::from_vec(values, (directions, count, hidden), &Device::Cpu);
        Ok(match self.cell {
            Cell::Gru(_) => vec![all, stack(last)?],
            Cell::Lstm => vec![all, stack(last)?, stack(cells)?],
        })
    }

    fn state(&self, inputs: Arguments<'_>, direction: usize, each: usize) -> Result<State> {
        let before = |at: usize| match inputs.get(at) {
            Some(given) => values::<f32>(&given.get(direction)?),
            None => Ok(vec![0.0; each]),
        };
        Ok(State {
            output: before(5)?,
            cell: before(6)?,
        })
    }
}

/// What goes from step to step, `[count, hidden]` each; a GRU has no cell.
struct State {
    output: Vec<f32>,
    cell: Vec<f32>,
}

/// One direction of a layer.
struct Layer {
    layer: Recurrent,
    count: usize,
    /// What the input gives to the gates, with its bias: `[steps, count, gates * hidden]`.
    given: Vec<f32>,
    /// `[hidden, gates * hidden]`
    recurrent: Tensor,
    /// The bias of the recurrent product.
    bias: Vec<f32>,
}

impl Layer {
    fn new(layer: Recurrent, inputs: Arguments<'_>, direction: usize) -> Result<Self> {
        let (steps, count, width) = inputs.tensor(0)?.dims3()?;
        let gates = layer.gates() * layer.hidden;
        let bias = match inputs.get(3) {
            Some(bias) => values::<f32>(&bias.get(direction)?)?,
            None => vec![0.0; 2 * gates],
        };
        let (of_input, of_output) = bias.split_at(gates);
        let weights = inputs.tensor(1)?.get(direction)?.t()?;
        let input = inputs.tensor(0)?.reshape((steps * count, width))?;
        let of_input = Tensor::from_slice(of_input, gates, &Device::Cpu)?;
        let given = input
            .contiguous()?
            .matmul(&weights)?
            .broadcast_add(&of_input)?;
        Ok(Self {
            layer,
            count,
            given: values(&given)?,
            recurrent: inputs.tensor(2)?.get(direction)?.t()?.contiguous()?,
            bias: of_output.to_vec(),
        })
    }

    /// The products of the outputs with some columns of the recurrent weights, with their bias.
    fn product(&self, outputs: &[f32], from: usize, columns: usize) -> Result<Vec<f32>> {
        let hidden = self.layer.hidden;
        let outputs = Tensor::from_slice(outputs, (self.count, hidden), &Device::Cpu)?;
        let product = outputs.matmul(&self.recurrent.narrow(1, from, columns)?.contiguous()?)?;
        let mut sums = with_floats(&product, |values| Ok(values.to_vec()))?;
        for row in sums.chunks_exact_mut(columns.max(1)) {
            for (sum, bias) in row.iter_mut().zip(&self.bias[from..]) {
                *sum += bias;
            }
        }
        Ok(sums)
    }

    fn step(&self, step: usize, state: &mut State) -> Result<()> {
        let hidden = self.layer.hidden;
        let gates = self.layer.gates() * hidden;
        let given = &self.given[step * self.count * gates..][..self.count * gates];
        match self.layer.cell {
            Cell::Lstm => self.lstm(given, state),
            Cell::Gru(reset) => self.gru(reset, given, state),
        }
    }

    fn lstm(&self, given: &[f32], state: &mut State) -> Result<()> {
        let hidden = self.layer.hidden;
        let mut gates = self.product(&state.output, 0, 4 * hidden)?;
        for (gate, given) in gates.iter_mut().zip(given) {
            *gate += given;
        }
        let rows = gates.chunks_exact_mut((4 * hidden).max(1));
        let states = state
            .output
            .chunks_exact_mut(hidden.max(1))
            .zip(state.cell.chunks_exact_mut(hidden.max(1)));
        for (gates, (output, cell)) in rows.zip(states) {
            let (three, candidate) = gates.split_at_mut(3 * hidden);
            Unary::Sigmoid.apply(three);
            Unary::Tanh.apply(candidate);
            let (input, others) = three.split_at(hidden);
            let (shown, forget) = others.split_at(hidden);
            for at in 0..hidden {
                cell[at] = forget[at] * cell[at] + input[at] * candidate[at];
                output[at] = shown[at] * cell[at].tanh();
            }
        }
        Ok(())
    }

    fn gru(&self, reset: Reset, given: &[f32], state: &mut State) -> Result<()> {
        let hidden = self.layer.hidden;
        let mut gates = self.product(&state.output, 0, 2 * hidden)?;
        let rows = gates
            .chunks_exact_mut((2 * hidden).max(1))
            .zip(given.chunks_exact((3 * hidden).max(1)));
        for (gates, given) in rows {
            for (gate, given) in gates.iter_mut().zip(given) {
                *gate += given;
            }
            Unary::Sigmoid.apply(gates);
        }
        let resets = gates
            .chunks_exact((2 * hidden).max(1))
            .flat_map(|row| &row[hidden..]);
        let mut candidates = match reset {
            Reset::AfterProduct => {
                let product = self.product(&state.output, 2 * hidden, hidden)?;
                resets
                    .zip(product)
                    .map(|(reset, product)| reset * product)
                    .collect()
            }
            Reset::BeforeProduct => {
                let kept: Vec<f32> = resets
                    .zip(&state.output)
                    .map(|(reset, output)| reset * output)
                    .collect();
                self.product(&kept, 2 * hidden, hidden)?
            }
        };
        for (row, given) in candidates
            .chunks_exact_mut(hidden.max(1))
            .zip(given.chunks_exact((3 * hidden).max(1)))
        {
            for (candidate, given) in row.iter_mut().zip(&given[2 * hidden..]) {
                *candidate += given;
            }
            Unary::Tanh.apply(row);
        }
        let updates = gates
            .chunks_exact((2 * hidden).max(1))
            .flat_map(|row| &row[..hidden]);
        for ((output, candidate), update) in state.output.iter_mut().zip(&candidates).zip(updates) {
            *output = (1.0 - update) * candidate + update * *output;
        }
        Ok(())
    }
}
