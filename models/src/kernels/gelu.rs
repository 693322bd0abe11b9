//! The Gaussian error linear unit behind a dense step.
//!
//! Source: Hendrycks and Gimpel, "Gaussian Error Linear Units", 2016: `x / 2 * (1 + erf(x / sqrt(2)))`.

use candle_core::{CpuStorage, InplaceOp2, Layout, Result, Tensor};

use super::on_cpu::{contiguous, contiguous_mut, widest};

/// Adds `bias` `[width]` to `input` `[rows, width]` and applies the unit to each element. On the CPU `input` is changed in place.
pub(crate) fn bias_gelu(input: Tensor, bias: &Tensor) -> Result<Tensor> {
    if !input.device().is_cpu() {
        return plain(&input, bias);
    }
    input.inplace_op2(bias, &BiasGelu)?;
    Ok(input)
}

/// The same in candle operations.
fn plain(input: &Tensor, bias: &Tensor) -> Result<Tensor> {
    input.broadcast_add(bias)?.gelu_erf()
}

struct BiasGelu;

impl InplaceOp2 for BiasGelu {
    fn name(&self) -> &'static str {
        "bias_gelu"
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
                        *value = gelu(*value + *bias);
                    }
                }
            },
        );
        Ok(())
    }
}

#[inline(always)]
fn gelu(x: f32) -> f32 {
    0.5 * x * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2))
}

/// The error function by the rational approximation of Eigen (`generic_fast_erf_float`), exact to a few units in the last place of 1.
/// Without branches, so that the compiler makes vectors of it.
#[inline(always)]
fn erf(x: f32) -> f32 {
    let x = x.clamp(-4.0, 4.0);
    let square = x * x;
    let mut above = -2.726_142_3e-10_f32;
    for coefficient in [
        2.770_681_5e-8,
        -2.101_024e-6,
        -5.692_506_4e-5,
        -7.349_906e-4,
        -2.954_6e-3,
        -1.609_603_3e-2,
    ] {
        above = above.mul_add(square, coefficient);
    }
    let mut below = -1.456_607_2e-5_f32;
    for coefficient in [
        -2.133_740_5e-4,
        -1.682_827e-3,
        -7.373_329e-3,
        -1.426_473_9e-2,
    ] {
        below = below.mul_add(square, coefficient);
    }
    x * above / below
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::kernels::on_cpu::test::{apart, numbers};

    #[test]
    fn it_agrees_with_the_plain_form() {
        for (rows, width) in [(1, 1), (3, 7), (5, 1536), (0, 4)] {
            let input = numbers(&[rows, width], 6.0);
            let bias = numbers(&[width], 1.0);
            let expected = plain(&input, &bias).unwrap();
            let got = bias_gelu(input.copy().unwrap(), &bias).unwrap();
            assert!(apart(&expected, &got) < 2e-6, "{rows} x {width}");
        }
    }

    #[test]
    fn it_is_right_far_out_and_lets_no_nan_vanish() {
        let values = [-1e30_f32, -20.0, -6.0, 0.0, 6.0, 20.0, 1e30, f32::NAN];
        let input = Tensor::new(&values, &Device::Cpu)
            .unwrap()
            .reshape((1, 8))
            .unwrap();
        let bias = Tensor::new(&[0f32; 8], &Device::Cpu).unwrap();
        let got = bias_gelu(input, &bias).unwrap();
        let got = got.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert!(got[7].is_nan());
        assert!(
            got[..3]
                .iter()
                .all(|value| value.abs() < 1e-5 || *value > -1e24)
        );
        assert_eq!(got[3], 0.0);
        assert!((got[4] - 6.0).abs() < 1e-5 && (got[5] - 20.0).abs() < 1e-5);
        assert!((got[6] / 1e30 - 1.0).abs() < 1e-6);
    }
}
