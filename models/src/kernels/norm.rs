//! Layer normalization, of a sum or of one tensor.
//!
//! Source: Ba, Kiros and Hinton, "Layer Normalization", 2016.

use candle_core::{CpuStorage, CustomOp2, InplaceOp3, Layout, Result, Shape, Tensor};

use super::on_cpu::{contiguous, contiguous_mut, sum, widest};

/// Adds `residual` and a bias to `input`, both `[rows, width]`, and normalizes each row to mean 0
/// and variance 1, then scales and shifts it. `weights` `[3, width]` are bias, scale and shift;
/// `epsilon` is added to the variance. On the CPU `input` is changed in place.
pub(crate) fn add_norm(
    input: Tensor,
    residual: &Tensor,
    weights: &Tensor,
    epsilon: f64,
) -> Result<Tensor> {
    let epsilon = epsilon as f32;
    if !input.device().is_cpu() {
        return plain(&input, residual, weights, epsilon);
    }
    input.inplace_op3(residual, weights, &AddNorm { epsilon })?;
    Ok(input)
}

/// The same in candle operations.
fn plain(input: &Tensor, residual: &Tensor, weights: &Tensor, epsilon: f32) -> Result<Tensor> {
    let sum = (input + residual)?.broadcast_add(&weights.get(0)?)?;
    candle_nn::ops::layer_norm(&sum, &weights.get(1)?, &weights.get(2)?, epsilon)
}

/// Normalizes each row of `input` `[rows, width]`, then scales and shifts it by the two rows of
/// `weights`, `[2, width]`.
pub(crate) fn norm(input: &Tensor, weights: &Tensor, epsilon: f64) -> Result<Tensor> {
    let epsilon = epsilon as f32;
    if !input.device().is_cpu() {
        return candle_nn::ops::layer_norm(input, &weights.get(0)?, &weights.get(1)?, epsilon);
    }
    input.apply_op2_no_bwd(weights, &Norm { epsilon })
}

struct Norm {
    epsilon: f32,
}

impl CustomOp2 for Norm {
    fn name(&self) -> &'static str {
        "norm"
    }

    fn cpu_fwd(
        &self,
        input: &CpuStorage,
        input_layout: &Layout,
        weights: &CpuStorage,
        weights_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let mut output = contiguous(input, input_layout)?.to_vec();
        let weights = contiguous(weights, weights_layout)?;
        let (scale, shift) = weights.split_at(weights.len() / 2);
        widest(
            #[inline(always)]
            || {
                for row in output.chunks_exact_mut(scale.len()) {
                    norm_row(row, scale, shift, self.epsilon);
                }
            },
        );
        Ok((CpuStorage::F32(output), input_layout.shape().clone()))
    }
}

struct AddNorm {
    epsilon: f32,
}

impl InplaceOp3 for AddNorm {
    fn name(&self) -> &'static str {
        "add_norm"
    }

    fn cpu_fwd(
        &self,
        input: &mut CpuStorage,
        input_layout: &Layout,
        residual: &CpuStorage,
        residual_layout: &Layout,
        weights: &CpuStorage,
        weights_layout: &Layout,
    ) -> Result<()> {
        let input = contiguous_mut(input, input_layout)?;
        let residual = contiguous(residual, residual_layout)?;
        let weights = contiguous(weights, weights_layout)?;
        let width = weights.len() / 3;
        let (bias, rest) = weights.split_at(width);
        let (scale, shift) = rest.split_at(width);
        widest(
            #[inline(always)]
            || {
                let rows = input.chunks_exact_mut(width);
                for (row, residual) in rows.zip(residual.chunks_exact(width)) {
                    add_norm_row(row, residual, [bias, scale, shift], self.epsilon);
                }
            },
        );
        Ok(())
    }
}

#[inline(always)]
fn add_norm_row(
    row: &mut [f32],
    residual: &[f32],
    [bias, scale, shift]: [&[f32]; 3],
    epsilon: f32,
) {
    for ((value, residual), bias) in row.iter_mut().zip(residual).zip(bias) {
        *value += *residual + *bias;
    }
    norm_row(row, scale, shift, epsilon);
}

#[inline(always)]
fn norm_row(row: &mut [f32], scale: &[f32], shift: &[f32], epsilon: f32) {
    let count = row.len() as f32;
    let mean = sum(row, |value| value) / count;
    let variance = sum(row, |value| (value - mean) * (value - mean)) / count;
    let inverse = 1.0 / (variance + epsilon).sqrt();
    for ((value, scale), shift) in row.iter_mut().zip(scale).zip(shift) {
        *value = ((*value - mean) * inverse).mul_add(*scale, *shift);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::on_cpu::test::{apart, numbers};

    #[test]
    fn it_agrees_with_the_plain_form() {
        for (rows, width) in [(1, 1), (3, 7), (4, 384), (0, 5)] {
            let (input, residual) = (numbers(&[rows, width], 3.0), numbers(&[rows, width], 2.0));
            let weights = numbers(&[3, width], 1.5);
            let expected = plain(&input, &residual, &weights, 1e-12).unwrap();
            let got = add_norm(input.copy().unwrap(), &residual, &weights, 1e-12).unwrap();
            // A row of one value has no variance, and 1e-12 makes rounding errors large.
            let limit = if width == 1 { 10.0 } else { 1e-4 };
            assert!(apart(&expected, &got) < limit, "{rows} x {width}");
        }
    }

    #[test]
    fn one_tensor_is_normalized_as_candle_does() {
        let (input, weights) = (numbers(&[3, 96], 2.0), numbers(&[2, 96], 1.5));
        let (scale, shift) = (weights.get(0).unwrap(), weights.get(1).unwrap());
        let expected = candle_nn::ops::layer_norm(&input, &scale, &shift, 1e-5).unwrap();
        let got = norm(&input, &weights, 1e-5).unwrap();
        assert!(apart(&expected, &got) < 1e-5);
    }

    #[test]
    fn a_nan_stays_in_its_row() {
        let input = numbers(&[2, 16], 1.0);
        let poison = (input.get(0).unwrap() * f64::NAN).unwrap();
        let input = Tensor::stack(&[&poison, &input.get(1).unwrap()], 0).unwrap();
        let residual = numbers(&[2, 16], 1.0);
        let weights = numbers(&[3, 16], 1.0);
        let got = add_norm(input, &residual, &weights, 1e-12).unwrap();
        let got = got.to_vec2::<f32>().unwrap();
        assert!(got[0].iter().all(|value| value.is_nan()));
        assert!(got[1].iter().all(|value| value.is_finite()));
    }
}
