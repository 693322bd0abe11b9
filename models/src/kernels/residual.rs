//! What follows a dense step: its bias, and what the step's input adds to its result.

use candle_core::{CpuStorage, InplaceOp2, InplaceOp3, Layout, Result, Tensor};

use super::on_cpu::{contiguous, contiguous_mut, widest};

/// Adds `bias` `[width]` to each row of `input` `[rows, width]`. On the CPU `input` is changed in place.
pub(crate) fn add_bias(input: Tensor, bias: &Tensor) -> Result<Tensor> {
    if !input.device().is_cpu() {
        return input.broadcast_add(bias);
    }
    input.inplace_op2(bias, &AddBias)?;
    Ok(input)
}

/// Adds `bias` `[width]` and `residual`, `[rows, width]` like `input`. On the CPU `input` is changed in place.
pub(crate) fn add_residual(input: Tensor, bias: &Tensor, residual: &Tensor) -> Result<Tensor> {
    if !input.device().is_cpu() {
        return (input + residual)?.broadcast_add(bias);
    }
    input.inplace_op3(bias, residual, &AddResidual)?;
    Ok(input)
}

struct AddBias;

impl InplaceOp2 for AddBias {
    fn name(&self) -> &'static str {
        "add_bias"
    }

    fn cpu_fwd(
        &self,
        input: &mut CpuStorage,
        input_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<()> {
        let input = contiguous_mut(input, input_layout)?;
        let bias = contiguous(bias, bias_layout)?;
        widest(
            #[inline(always)]
            || {
                for row in input.chunks_exact_mut(bias.len()) {
                    for (value, bias) in row.iter_mut().zip(bias) {
                        *value += *bias;
                    }
                }
            },
        );
        Ok(())
    }
}

struct AddResidual;

impl InplaceOp3 for AddResidual {
    fn name(&self) -> &'static str {
        "add_residual"
    }

    fn cpu_fwd(
        &self,
        input: &mut CpuStorage,
        input_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
        residual: &CpuStorage,
        residual_layout: &Layout,
    ) -> Result<()> {
        let input = contiguous_mut(input, input_layout)?;
        let bias = contiguous(bias, bias_layout)?;
        let residual = contiguous(residual, residual_layout)?;
        widest(
            #[inline(always)]
            || {
                let rows = input.chunks_exact_mut(bias.len());
                for (row, residual) in rows.zip(residual.chunks_exact(bias.len())) {
                    for ((value, bias), residual) in row.iter_mut().zip(bias).zip(residual) {
                        *value += *bias + *residual;
                    }
                }
            },
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::on_cpu::test::{apart, numbers};

    #[test]
    fn they_agree_with_the_plain_form() {
        for (rows, width) in [(1, 1), (3, 7), (4, 384), (0, 5)] {
            let input = numbers(&[rows, width], 3.0);
            let (bias, residual) = (numbers(&[width], 1.5), numbers(&[rows, width], 2.0));
            let expected = input.broadcast_add(&bias).unwrap();
            let got = add_bias(input.copy().unwrap(), &bias).unwrap();
            assert!(apart(&expected, &got) < 1e-6, "{rows} x {width}");
            let expected = (expected + &residual).unwrap();
            let got = add_residual(input.copy().unwrap(), &bias, &residual).unwrap();
            assert!(apart(&expected, &got) < 1e-6, "{rows} x {width}");
        }
    }
}
