//! The steps of a long short-term memory.
//!
//! What they take from the input is known for all steps at once, and comes as a product; what each takes from the step before is here.
//!
//! Source: Hochreiter and Schmidhuber, "Long Short-Term Memory", 1997, with the forget gate of Gers et al., 2000; the gates in the order of
//! PyTorch: input, forget, cell, output.

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor, bail};

use super::on_cpu::{contiguous, exp, widest};

/// Rows of the recurrent weights that are added up before the sums are written back.
const ROWS: usize = 8;

/// All steps from `before` on, `[2, hidden]`: output and cells of the step before. `gates` `[steps, 4 * hidden]` is what the input gives, with the
/// biases; `recurrent` is `[hidden, 4 * hidden]`. Gives `[steps + 1, hidden]`: the output of each step, then the cells of the last one.
pub(crate) fn lstm(gates: &Tensor, recurrent: &Tensor, before: &Tensor) -> Result<Tensor> {
    if !gates.device().is_cpu() {
        return plain(gates, recurrent, before);
    }
    gates.apply_op3_no_bwd(recurrent, before, &LstmSteps)
}

/// The same in candle operations.
fn plain(gates: &Tensor, recurrent: &Tensor, before: &Tensor) -> Result<Tensor> {
    let width = before.dim(1)?;
    let (mut hidden, mut cell) = (before.narrow(0, 0, 1)?, before.narrow(0, 1, 1)?);
    let mut rows = Vec::new();
    for step in 0..gates.dim(0)? {
        let sums = (gates.narrow(0, step, 1)? + hidden.matmul(recurrent)?)?;
        let gate = |at: usize| sums.narrow(1, at * width, width);
        let sigmoid = |at: usize| (gate(at)?.neg()?.exp()? + 1.0)?.recip();
        cell = ((sigmoid(1)? * &cell)? + (sigmoid(0)? * gate(2)?.tanh()?)?)?;
        hidden = (sigmoid(3)? * cell.tanh()?)?;
        rows.push(hidden.clone());
    }
    rows.push(cell);
    Tensor::cat(&rows, 0)
}

struct LstmSteps;

impl CustomOp3 for LstmSteps {
    fn name(&self) -> &'static str {
        "lstm"
    }

    fn cpu_fwd(
        &self,
        gates: &CpuStorage,
        gates_layout: &Layout,
        recurrent: &CpuStorage,
        recurrent_layout: &Layout,
        before: &CpuStorage,
        before_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (steps, width) = gates_layout.shape().dims2()?;
        let (_, hidden) = before_layout.shape().dims2()?;
        if recurrent_layout.shape().dims() != [hidden, width]
            || width != 4 * hidden
            || before_layout.shape().dims() != [2, hidden]
        {
            bail!(
                "a memory of {hidden} expects weights [{hidden}, {}], got {:?} and gates of {width}",
                4 * hidden,
                recurrent_layout.shape()
            );
        }
        let shape = Shape::from((steps + 1, hidden));
        if hidden == 0 {
            return Ok((CpuStorage::F32(Vec::new()), shape));
        }
        let gates = contiguous(gates, gates_layout)?;
        let recurrent = contiguous(recurrent, recurrent_layout)?;
        let before = contiguous(before, before_layout)?;
        let mut output = vec![0f32; (steps + 1) * hidden];
        let mut sums = vec![0f32; width];
        let (before, cell) = before.split_at(hidden);
        let mut cell = cell.to_vec();
        let mut last = before;
        let (outputs, after) = output.split_at_mut(steps * hidden);
        for (gates, output) in gates
            .chunks_exact(width)
            .zip(outputs.chunks_exact_mut(hidden))
        {
            sums.copy_from_slice(gates);
            widest(
                #[inline(always)]
                || {
                    add_product(&mut sums, last, recurrent);
                    step(&sums, &mut cell, output);
                },
            );
            last = output;
        }
        after.copy_from_slice(&cell);
        Ok((CpuStorage::F32(output), shape))
    }
}

/// Adds `row * weights` to the sums.
#[inline(always)]
fn add_product(sums: &mut [f32], row: &[f32], weights: &[f32]) {
    let width = sums.len();
    let (eights, rest) = row.as_chunks::<ROWS>();
    let (most, few) = weights.split_at(eights.len() * ROWS * width);
    for (values, weights) in eights.iter().zip(most.chunks_exact(ROWS * width)) {
        let mut lines = weights.chunks_exact(width);
        let lines: [&[f32]; ROWS] = std::array::from_fn(|_| lines.next().unwrap_or_default());
        let lines = lines.map(|line| &line[..width]);
        for at in 0..width {
            let mut sum = sums[at];
            for (value, line) in values.iter().zip(&lines) {
                sum = value.mul_add(line[at], sum);
            }
            sums[at] = sum;
        }
    }
    for (value, line) in rest.iter().zip(few.chunks_exact(width)) {
        for (sum, weight) in sums.iter_mut().zip(line) {
            *sum = value.mul_add(*weight, *sum);
        }
    }
}

/// Lets the gates work on the cells.
#[inline(always)]
fn step(sums: &[f32], cell: &mut [f32], output: &mut [f32]) {
    let width = cell.len();
    let (input, rest) = sums.split_at(width);
    let (forget, rest) = rest.split_at(width);
    let (new, out) = rest.split_at(width);
    let output = &mut output[..width];
    for at in 0..width {
        let kept = sigmoid(forget[at]) * cell[at] + sigmoid(input[at]) * tanh(new[at]);
        cell[at] = kept;
        output[at] = sigmoid(out[at]) * tanh(kept);
    }
}

#[inline(always)]
fn sigmoid(x: f32) -> f32 {
    let small = exp(-x.abs());
    let whole = 1.0 / (1.0 + small);
    if x < 0.0 { small * whole } else { whole }
}

#[inline(always)]
fn tanh(x: f32) -> f32 {
    let small = exp(-2.0 * x.abs());
    ((1.0 - small) / (1.0 + small)).copysign(x)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::on_cpu::test::{apart, numbers};

    #[test]
    fn it_agrees_with_the_plain_form() {
        for (steps, hidden) in [(0, 3), (1, 1), (4, 7), (3, 16), (9, 128)] {
            let gates = numbers(&[steps, 4 * hidden], 3.0);
            let recurrent = numbers(&[hidden, 4 * hidden], 0.3);
            let before = numbers(&[2, hidden], 1.0);
            let expected = plain(&gates, &recurrent, &before).unwrap();
            let got = lstm(&gates, &recurrent, &before).unwrap();
            assert_eq!(expected.dims(), got.dims());
            assert!(apart(&expected, &got) < 2e-6, "{steps} x {hidden}");
        }
    }

    #[test]
    fn it_is_right_far_out_and_lets_no_nan_vanish() {
        for x in [-1e30, -90.0, -5.0, -1e-6, 0.0, 1e-6, 5.0, 90.0, 1e30] {
            assert!((sigmoid(x) - 1.0 / (1.0 + (-x).exp())).abs() < 1e-6, "{x}");
            assert!((tanh(x) - x.tanh()).abs() < 1e-6, "{x}");
        }
        assert!(sigmoid(f32::NAN).is_nan() && tanh(f32::NAN).is_nan());
    }

    #[test]
    fn weights_of_another_width_are_an_error() {
        let refused = lstm(
            &numbers(&[2, 12], 1.0),
            &numbers(&[4, 12], 1.0),
            &numbers(&[2, 3], 1.0),
        );
        let error = refused.unwrap_err().to_string();
        assert!(error.contains("a memory of 3 expects"), "{error}");
    }
}
