//! The product with quantised weights, by candle's kernels.
//!
//! A row of the result depends on its own row of the input only, bit for bit, however many rows are asked for at once: a conversation gets the same
//! text alone and in company, and with what it said before read anew or not.

use std::borrow::Cow;
use std::ops::RangeInclusive;
use std::sync::Arc;

use candle_core::quantized::{GgmlDType, QMatMul, QStorage, QTensor};
use candle_core::{Device, Module, Result, Tensor, bail};

/// The weights of a dense step, `[outputs, inputs]`, in blocks of few bits with a scale each.
#[derive(Debug, Clone)]
pub(crate) struct QuantisedWeight {
    weight: Arc<QTensor>,
    product: QMatMul,
    inputs: usize,
    outputs: usize,
    /// How many rows may be multiplied at once, so that the sums of each have the same order.
    together: RangeInclusive<usize>,
}

impl QuantisedWeight {
    /// Keeps the kinds that candle has fast kernels for, and turns all others into Q8_0.
    ///
    /// Rows must be of 32 values or a multiple. 8 bits for a weight lose next to nothing of kinds with fewer, of which one takes half to
    /// three quarters of the memory and, without a kernel in vectors, several times as long.
    pub(crate) fn new(weight: QTensor) -> Result<Self> {
        let (outputs, inputs) = weight.shape().dims2()?;
        let weight = match weight.dtype() {
            GgmlDType::Q8_0 | GgmlDType::Q4K | GgmlDType::Q6K => weight,
            _ => QTensor::quantize(&weight.dequantize(&Device::Cpu)?, GgmlDType::Q8_0)?,
        };
        let together = match weight.dtype() {
            // candle has kernels of their own for one row of Q6K, and on some machines for 32 rows of Q4K and more.
            GgmlDType::Q6K => 2..=usize::MAX,
            GgmlDType::Q4K => 1..=31,
            _ => 1..=usize::MAX,
        };
        let weight = Arc::new(weight);
        let product = QMatMul::from_arc(weight.clone())?;
        Ok(Self {
            weight,
            product,
            inputs,
            outputs,
            together,
        })
    }

    /// The products of rows of `inputs` values: as many rows of `outputs` values.
    pub(crate) fn product(&self, input: &[f32]) -> Result<Vec<f32>> {
        let (least, most) = (*self.together.start(), *self.together.end());
        let rows = input.len() / self.inputs;
        if rows > most {
            let parts = input.chunks(most * self.inputs);
            let parts = parts.map(|part| self.product(part));
            return Ok(parts.collect::<Result<Vec<_>>>()?.concat());
        }
        if rows < least {
            let mut product = self.multiply(&input.repeat(least), rows * least)?;
            product.truncate(rows * self.outputs);
            return Ok(product);
        }
        self.multiply(input, rows)
    }

    fn multiply(&self, input: &[f32], rows: usize) -> Result<Vec<f32>> {
        let input = Tensor::from_slice(input, (rows, self.inputs), &Device::Cpu)?;
        self.product.forward(&input)?.flatten_all()?.to_vec1()
    }

    /// Appends the row of that number to `values`.
    pub(crate) fn append_row(&self, number: u32, values: &mut Vec<f32>) -> Result<()> {
        let data = self.weight.data()?;
        let bytes = data.len() / self.outputs;
        let Some(row) = data.chunks_exact(bytes).nth(number as usize) else {
            bail!("expected a row below {}, got {number}", self.outputs);
        };
        let storage = QStorage::from_data(Cow::Borrowed(row), &Device::Cpu, self.weight.dtype())?;
        let row = QTensor::new(storage, (1, self.inputs))?;
        let row = row.dequantize(&Device::Cpu)?.flatten_all()?;
        values.extend(row.to_vec1::<f32>()?);
        Ok(())
    }

    /// How many rows the weights have.
    pub(crate) fn outputs(&self) -> usize {
        self.outputs
    }

    /// The bytes that they take.
    pub(crate) fn bytes(&self) -> usize {
        self.weight.storage_size_in_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::on_cpu::test::{apart, numbers};

    const KINDS: [GgmlDType; 8] = [
        GgmlDType::F32,
        GgmlDType::F16,
        GgmlDType::Q4_0,
        GgmlDType::Q4_1,
        GgmlDType::Q5K,
        GgmlDType::Q4K,
        GgmlDType::Q6K,
        GgmlDType::Q8_0,
    ];

    #[test]
    fn a_row_is_the_same_alone_and_in_company_bit_by_bit() {
        for kind in KINDS {
            let weight = QTensor::quantize(&numbers(&[160, 512], 1.0), kind).unwrap();
            let weight = QuantisedWeight::new(weight).unwrap();
            let input = numbers(&[37, 512], 1.0);
            let input = input.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            let together = weight.product(&input).unwrap();
            for count in [1, 2, 3, 16] {
                for (rows, expected) in input
                    .chunks(count * 512)
                    .zip(together.chunks(count * weight.outputs()))
                {
                    assert_eq!(weight.product(rows).unwrap(), expected, "{kind:?}, {count}");
                }
            }
        }
    }

    #[test]
    fn it_agrees_with_the_plain_product_of_what_it_keeps() {
        for kind in KINDS {
            let plain = numbers(&[96, 256], 1.0);
            let weight = QTensor::quantize(&plain, kind).unwrap();
            let plain = weight.dequantize(&Device::Cpu).unwrap();
            let weight = QuantisedWeight::new(weight).unwrap();
            let input = numbers(&[5, 256], 1.0);
            let expected = input.matmul(&plain.t().unwrap()).unwrap();
            let values = input.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            let got = weight.product(&values).unwrap();
            let got = Tensor::from_vec(got, (5, 96), &Device::Cpu).unwrap();
            // Inputs are rounded to 8 bits too: the sum of 256 products of numbers up to 1 is off by some hundredths.
            assert!(apart(&expected, &got) < 0.15, "{kind:?}");
            let mut row = Vec::new();
            weight.append_row(95, &mut row).unwrap();
            let row = Tensor::from_vec(row, (1, 256), &Device::Cpu).unwrap();
            assert!(
                apart(&plain.narrow(0, 95, 1).unwrap(), &row) < 0.01,
                "{kind:?}"
            );
            assert!(weight.append_row(96, &mut Vec::new()).is_err());
        }
    }
}
