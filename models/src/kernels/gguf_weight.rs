//! The product with weights as GGUF files have them: blocks of 32 and plain numbers by our own kernels, blocks of 256 by candle's.
//!
//! A row of the result depends on its own row of the input only, bit for bit, however many rows are asked for at once: a conversation gets the same
//! text alone and in company, and with what it said before read anew or not.

use std::borrow::Cow;
use std::ops::RangeInclusive;
use std::sync::Arc;

use candle_core::quantized::{GgmlDType, QMatMul, QStorage, QTensor};
use candle_core::{Device, Module, Result, Tensor, bail};

use super::DenseWeight;
use super::blocks::BlockStrips;

/// The weights of a dense step, `[outputs, inputs]`: plain numbers, or blocks of few bits with a scale each.
#[derive(Debug, Clone)]
pub(crate) struct GgufWeight {
    inputs: usize,
    outputs: usize,
    values: Values,
}

#[derive(Debug, Clone)]
enum Values {
    Plain(DenseWeight),
    SmallBlocks(BlockStrips),
    LargeBlocks(LargeBlocks),
}

/// Blocks of 256, which candle multiplies.
#[derive(Debug, Clone)]
struct LargeBlocks {
    weight: Arc<QTensor>,
    product: QMatMul,
    /// How many rows may be multiplied at once, so that the sums of each have the same order.
    together: RangeInclusive<usize>,
}

impl GgufWeight {
    /// Keeps plain numbers, and the kinds that there are fast kernels for, which are those of blocks of 32, Q4_K and Q6_K; turns all others into Q8_0.
    ///
    /// Rows of blocks must be of 32 values or a multiple.
    pub(crate) fn new(weight: QTensor) -> Result<Self> {
        let (outputs, inputs) = weight.shape().dims2()?;
        if outputs == 0 || inputs == 0 {
            bail!("expected weights, got {outputs} rows of {inputs}");
        }
        let values = match weight.dtype() {
            GgmlDType::F32 | GgmlDType::F16 | GgmlDType::BF16 => {
                Values::Plain(DenseWeight::new(&weight.dequantize(&Device::Cpu)?)?)
            }
            // candle has kernels of their own for one row of Q6_K, and on some machines for 32 rows of Q4_K and more.
            GgmlDType::Q6K => Values::LargeBlocks(LargeBlocks::new(weight, 2..=usize::MAX)?),
            GgmlDType::Q4K => Values::LargeBlocks(LargeBlocks::new(weight, 1..=31)?),
            _ => Values::SmallBlocks(small(weight, outputs, inputs)?),
        };
        Ok(Self {
            inputs,
            outputs,
            values,
        })
    }

    /// The products of rows of `inputs` values: as many rows of `outputs` values.
    pub(crate) fn product(&self, input: &[f32]) -> Result<Vec<f32>> {
        match &self.values {
            Values::Plain(weight) => {
                let rows = input.len() / self.inputs;
                let input = Tensor::from_slice(input, (rows, self.inputs), &Device::Cpu)?;
                weight.product(&input)?.flatten_all()?.to_vec1()
            }
            Values::SmallBlocks(strips) => Ok(strips.product(input)),
            Values::LargeBlocks(blocks) => blocks.product(input, self.inputs, self.outputs),
        }
    }

    /// Appends the row of that number to `values`.
    pub(crate) fn append_row(&self, number: u32, values: &mut Vec<f32>) -> Result<()> {
        let place = number as usize;
        if place >= self.outputs {
            bail!("expected a row below {}, got {number}", self.outputs);
        }
        match &self.values {
            Values::Plain(weight) => {
                values.extend(weight.rows(&[number])?.flatten_all()?.to_vec1::<f32>()?);
            }
            Values::SmallBlocks(strips) => strips.append_row(place, values),
            Values::LargeBlocks(blocks) => {
                values.extend(blocks.row(place, self.inputs, self.outputs)?);
            }
        }
        Ok(())
    }

    /// How many rows the weights have.
    pub(crate) fn outputs(&self) -> usize {
        self.outputs
    }

    /// The bytes that they take.
    pub(crate) fn bytes(&self) -> usize {
        match &self.values {
            Values::Plain(weight) => weight.bytes(),
            Values::SmallBlocks(strips) => strips.memory_bytes(),
            Values::LargeBlocks(blocks) => blocks.weight.storage_size_in_bytes(),
        }
    }
}

/// Lays out weights of any kind in blocks of 32.
fn small(weight: QTensor, outputs: usize, inputs: usize) -> Result<BlockStrips> {
    let weight = match BlockStrips::takes(weight.dtype()) {
        true => weight,
        false => QTensor::quantize(&weight.dequantize(&Device::Cpu)?, GgmlDType::Q8_0)?,
    };
    let data = weight.data()?;
    match BlockStrips::new(weight.dtype(), &data, outputs, inputs) {
        Some(strips) => Ok(strips),
        None => bail!("expected rows of whole blocks of 32 weights, got {inputs}"),
    }
}

impl LargeBlocks {
    fn new(weight: QTensor, together: RangeInclusive<usize>) -> Result<Self> {
        let weight = Arc::new(weight);
        let product = QMatMul::from_arc(weight.clone())?;
        Ok(Self {
            weight,
            product,
            together,
        })
    }

    fn product(&self, input: &[f32], inputs: usize, outputs: usize) -> Result<Vec<f32>> {
        let (least, most) = (*self.together.start(), *self.together.end());
        let rows = input.len() / inputs;
        if rows > most {
            let parts = input.chunks(most * inputs);
            let parts = parts.map(|part| self.product(part, inputs, outputs));
            return Ok(parts.collect::<Result<Vec<_>>>()?.concat());
        }
        if rows < least {
            let mut product = self.multiply(&input.repeat(least), inputs)?;
            product.truncate(rows * outputs);
            return Ok(product);
        }
        self.multiply(input, inputs)
    }

    fn multiply(&self, input: &[f32], inputs: usize) -> Result<Vec<f32>> {
        let rows = input.len() / inputs;
        let input = Tensor::from_slice(input, (rows, inputs), &Device::Cpu)?;
        self.product.forward(&input)?.flatten_all()?.to_vec1()
    }

    /// The row of that number, which there must be.
    fn row(&self, number: usize, inputs: usize, outputs: usize) -> Result<Vec<f32>> {
        let data = self.weight.data()?;
        let bytes = data.len() / outputs;
        let row = &data[number * bytes..][..bytes];
        let storage = QStorage::from_data(Cow::Borrowed(row), &Device::Cpu, self.weight.dtype())?;
        let row = QTensor::new(storage, (1, inputs))?;
        row.dequantize(&Device::Cpu)?.flatten_all()?.to_vec1()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::on_cpu::test::{apart, numbers};

    const KINDS: [GgmlDType; 10] = [
        GgmlDType::F32,
        GgmlDType::F16,
        GgmlDType::Q4_0,
        GgmlDType::Q4_1,
        GgmlDType::Q5_0,
        GgmlDType::Q5_1,
        GgmlDType::Q5K,
        GgmlDType::Q4K,
        GgmlDType::Q6K,
        GgmlDType::Q8_0,
    ];

    #[test]
    fn a_row_is_the_same_alone_and_in_company_bit_by_bit() {
        for kind in KINDS {
            let weight = QTensor::quantize(&numbers(&[160, 512], 1.0), kind).unwrap();
            let weight = GgufWeight::new(weight).unwrap();
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
            let weight = GgufWeight::new(weight).unwrap();
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
