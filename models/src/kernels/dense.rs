//! The product with a layer's weights.
//!
//! A general product lays its right side out anew for its inner loops, which pays when many rows share the work. For a short text it costs
//! more than the product itself, since the time goes into reading the weights. So few rows take a loop of their own, which reads each
//! weight once, in the order in which they lie in memory.

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor};

use super::on_cpu::{contiguous, widest};

/// Up to how many rows the loop for few rows is the faster one.
const FEW: usize = 16;
/// How many columns are worked on together: what they sum up to stays in the nearest cache.
const COLUMNS: usize = 512;
/// How many weights of a column are read together.
const DEPTH: usize = 4;

/// `input` `[rows, inputs]` times `weight` `[inputs, outputs]`, both contiguous: `[rows, outputs]`.
pub(crate) fn dense(input: &Tensor, weight: &Tensor) -> Result<Tensor> {
    if !input.device().is_cpu() || input.dim(0)? > FEW {
        return input.matmul(weight);
    }
    input.apply_op2_no_bwd(weight, &FewRows)
}

struct FewRows;

impl CustomOp2 for FewRows {
    fn name(&self) -> &'static str {
        "few_rows"
    }

    fn cpu_fwd(
        &self,
        input: &CpuStorage,
        input_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (rows, inputs) = input_layout.shape().dims2()?;
        let (_, outputs) = weight_layout.shape().dims2()?;
        let input = contiguous(input, input_layout)?;
        let weight = contiguous(weight, weight_layout)?;
        let mut output = vec![0f32; rows * outputs];
        widest(
            #[inline(always)]
            || {
                for from in (0..outputs).step_by(COLUMNS) {
                    let to = outputs.min(from + COLUMNS);
                    let depths = (0..inputs).step_by(DEPTH);
                    for depth in depths {
                        let weights = weight[depth * outputs..].chunks(outputs);
                        let weights = weights.take(DEPTH.min(inputs - depth));
                        let inputs = (depth, inputs);
                        add_depth(input, inputs, weights, from..to, &mut output, outputs);
                    }
                }
            },
        );
        Ok((CpuStorage::F32(output), Shape::from((rows, outputs))))
    }
}

/// Adds what a few weights of each column contribute.
#[inline(always)]
fn add_depth<'a>(
    input: &[f32],
    (depth, inputs): (usize, usize),
    weights: impl Iterator<Item = &'a [f32]>,
    columns: std::ops::Range<usize>,
    output: &mut [f32],
    outputs: usize,
) {
    let mut parts: [&[f32]; DEPTH] = [&[]; DEPTH];
    let mut count = 0;
    for (part, weights) in parts.iter_mut().zip(weights) {
        *part = &weights[columns.clone()];
        count += 1;
    }
    let rows = input
        .chunks_exact(inputs)
        .zip(output.chunks_exact_mut(outputs));
    for (input, output) in rows {
        let output = &mut output[columns.clone()];
        let input = &input[depth..][..count];
        if let ([a, b, c, d], [one, two, three, four]) = (input, parts) {
            let parts = one.iter().zip(two).zip(three).zip(four);
            for (sum, (((one, two), three), four)) in output.iter_mut().zip(parts) {
                *sum = a.mul_add(
                    *one,
                    b.mul_add(*two, c.mul_add(*three, d.mul_add(*four, *sum))),
                );
            }
            continue;
        }
        for (input, part) in input.iter().zip(parts) {
            for (sum, weight) in output.iter_mut().zip(part) {
                *sum = input.mul_add(*weight, *sum);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::on_cpu::test::{apart, numbers};

    #[test]
    fn few_rows_and_many_agree_with_the_general_product() {
        for (rows, inputs, outputs) in [
            (0, 3, 4),
            (1, 1, 1),
            (3, 5, 7),
            (7, 384, 1536),
            (16, 33, 513),
            (17, 8, 8),
        ] {
            let (input, weight) = (
                numbers(&[rows, inputs], 1.0),
                numbers(&[inputs, outputs], 1.0),
            );
            let expected = input.matmul(&weight).unwrap();
            let got = dense(&input, &weight).unwrap();
            assert_eq!(expected.dims(), got.dims());
            assert!(
                apart(&expected, &got) < 1e-4,
                "{rows} x {inputs} x {outputs}"
            );
        }
    }
}
