//! The product with a layer's weights.
//!
//! On the CPU the weights are laid out once, when they are loaded, in the order in which the product reads them: strips of 16 columns, one
//! row of a strip after the other. Then a short text costs one straight read of the weights, and a batch needs none of the layout work
//! that a general product does for its right side in each call.
//!
//! Weights that were written in 16 bits are kept in 16 bits, and widened piece by piece: the product is the same to the bit, for half of the memory.
//! Rounded to 8 bits, in blocks, they take half of that again.

use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{
    CpuStorage, CustomOp2, DType, Device, Layout, Result, Shape, Tensor, WithDType, bail,
};
use half::f16;
use half::slice::HalfFloatSliceExt;

use super::blocks::{BLOCK, BlockStrips};
use super::on_cpu::{contiguous, with_values};
use super::tiles::{Strips, Tiles, WIDTH};

/// How many rows go through all strips before the next ones do: their inputs stay in the second cache.
const ROWS_AT_ONCE: usize = 96;

/// The weights of a dense step, as its product wants them.
#[derive(Debug, Clone)]
pub(crate) struct DenseWeight {
    values: Values,
    outputs: usize,
}

#[derive(Debug, Clone)]
enum Values {
    /// In the processor's memory, `[strips, inputs, 16]`, zeros behind the last column; f16 where that loses nothing, else f32.
    Strips(Tensor),
    /// In the processor's memory, in 8 bits.
    Blocks(BlockStrips),
    /// On another device, `[inputs, outputs]`.
    Columns(Tensor),
}

impl DenseWeight {
    /// Lays out f32 weights `[outputs, inputs]`, as checkpoints store them.
    pub(crate) fn new(weight: &Tensor) -> Result<Self> {
        let (outputs, inputs) = weight.dims2()?;
        if !weight.device().is_cpu() || weight.dtype() != DType::F32 {
            let values = Values::Columns(weight.t()?.contiguous()?);
            return Ok(Self { values, outputs });
        }
        let strips = outputs.div_ceil(WIDTH);
        let weight = weight.contiguous()?;
        let shape = (strips, inputs, WIDTH);
        let device = weight.device();
        let laid_out = with_values(&weight, |values| match halved(values) {
            Some(halves) => Tensor::from_vec(lay_out(&halves, inputs, strips), shape, device),
            None => Tensor::from_vec(lay_out(values, inputs, strips), shape, device),
        })?;
        Ok(Self {
            values: Values::Strips(laid_out),
            outputs,
        })
    }

    /// Lays out f32 weights `[outputs, inputs]` rounded to Q8_0: 8 bits for each, and a scale for 32 neighbours. As they are where they are not on
    /// the processor, or their rows are no whole blocks.
    pub(crate) fn rounded(weight: &Tensor) -> Result<Self> {
        let (outputs, inputs) = weight.dims2()?;
        if !weight.device().is_cpu() || outputs == 0 {
            return Self::new(weight);
        }
        if inputs == 0 || !inputs.is_multiple_of(BLOCK) {
            return Self::new(weight);
        }
        let rounded = QTensor::quantize(&weight.contiguous()?, GgmlDType::Q8_0)?;
        let Some(blocks) = BlockStrips::new(rounded.dtype(), &rounded.data()?, outputs, inputs)
        else {
            bail!("expected rows of whole blocks of {BLOCK} weights, got {inputs}");
        };
        Ok(Self {
            values: Values::Blocks(blocks),
            outputs,
        })
    }

    /// The product of `input` `[rows, inputs]`, contiguous, with the weights: `[rows, outputs]`.
    pub(crate) fn product(&self, input: &Tensor) -> Result<Tensor> {
        let outputs = self.outputs;
        match &self.values {
            Values::Columns(weights) => input.matmul(weights),
            Values::Strips(weights) => input.apply_op2_no_bwd(weights, &StripProduct { outputs }),
            Values::Blocks(blocks) => {
                let (rows, inputs) = input.dims2()?;
                if inputs != blocks.inputs {
                    return Err(other_width(blocks.inputs, inputs));
                }
                let output = with_values(input, |values| Ok(blocks.product(values)))?;
                Tensor::from_vec(output, (rows, outputs), input.device())
            }
        }
    }

    /// The rows of the weights `[outputs, inputs]` with these numbers, which must be below `outputs`: `[ids, inputs]`.
    pub(crate) fn rows(&self, ids: &[u32]) -> Result<Tensor> {
        if let Some(id) = ids.iter().find(|id| **id as usize >= self.outputs) {
            bail!("expected a row below {}, got {id}", self.outputs);
        }
        let count = ids.len();
        match &self.values {
            Values::Columns(weights) => {
                let ids = Tensor::from_slice(ids, count, weights.device())?;
                weights.index_select(&ids, 1)?.t()?.contiguous()
            }
            Values::Strips(weights) => rows_of_strips(weights, ids),
            Values::Blocks(blocks) => {
                let mut values = Vec::with_capacity(count * blocks.inputs);
                for id in ids {
                    blocks.append_row(*id as usize, &mut values);
                }
                Tensor::from_vec(values, (count, blocks.inputs), &Device::Cpu)
            }
        }
    }

    /// The bytes that they take.
    pub(crate) fn bytes(&self) -> usize {
        match &self.values {
            Values::Strips(weights) | Values::Columns(weights) => {
                weights.elem_count() * weights.dtype().size_in_bytes()
            }
            Values::Blocks(blocks) => blocks.memory_bytes(),
        }
    }

    /// The strips, if it is laid out so.
    #[cfg(test)]
    pub(super) fn strips(&self) -> Option<&Tensor> {
        match &self.values {
            Values::Strips(weights) => Some(weights),
            Values::Blocks(_) | Values::Columns(_) => None,
        }
    }
}

/// The rows of weights `[strips, inputs, 16]` with these numbers, which there must be.
fn rows_of_strips(weights: &Tensor, ids: &[u32]) -> Result<Tensor> {
    let (_, inputs, _) = weights.dims3()?;
    let (storage, layout) = weights.storage_and_layout();
    let candle_core::Storage::Cpu(storage) = &*storage else {
        bail!("expected weights in the processor's memory");
    };
    let mut values: Vec<f32> = Vec::with_capacity(ids.len() * inputs);
    for id in ids {
        let id = *id as usize;
        let first = id / WIDTH * inputs * WIDTH + id % WIDTH;
        let places = (first..).step_by(WIDTH).take(inputs);
        match Strips::of(storage, layout)? {
            Strips::Whole(weights) => values.extend(places.map(|place| weights[place])),
            Strips::Half(weights) => values.extend(places.map(|place| weights[place].to_f32())),
        }
    }
    Tensor::from_vec(values, (ids.len(), inputs), &Device::Cpu)
}

fn other_width(expected: usize, got: usize) -> candle_core::Error {
    candle_core::Error::msg(format!(
        "a dense step expects rows of {expected} values, got {got}"
    ))
}

/// The same values in 16 bits, if all are finite and that loses nothing of any.
fn halved(values: &[f32]) -> Option<Vec<f16>> {
    let mut halves = vec![f16::ZERO; values.len()];
    let mut back = [0f32; 4096];
    for (values, halves) in values.chunks(back.len()).zip(halves.chunks_mut(back.len())) {
        let back = &mut back[..values.len()];
        halves.convert_from_f32_slice(values);
        halves.convert_to_f32_slice(back);
        let same = |(value, back): (&f32, &mut f32)| value.is_finite() && *value == *back;
        if !values.iter().zip(back).all(same) {
            return None;
        }
    }
    Some(halves)
}

/// Lays out rows of `inputs` values as strips of 16 columns: `[strips, inputs, 16]`.
pub(super) fn lay_out<T: WithDType>(weight: &[T], inputs: usize, strips: usize) -> Vec<T> {
    let mut laid_out = vec![T::zero(); strips * inputs * WIDTH];
    if inputs == 0 {
        return laid_out;
    }
    let columns = weight.chunks(WIDTH * inputs);
    for (strip, columns) in laid_out.chunks_exact_mut(WIDTH * inputs).zip(columns) {
        for (place, column) in columns.chunks_exact(inputs).enumerate() {
            let (rows, _) = strip.as_chunks_mut::<WIDTH>();
            for (row, value) in rows.iter_mut().zip(column) {
                row[place] = *value;
            }
        }
    }
    laid_out
}

struct StripProduct {
    outputs: usize,
}

impl CustomOp2 for StripProduct {
    fn name(&self) -> &'static str {
        "strip_product"
    }

    fn cpu_fwd(
        &self,
        input: &CpuStorage,
        input_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (rows, inputs) = input_layout.shape().dims2()?;
        let (_, depth, _) = weight_layout.shape().dims3()?;
        if inputs != depth {
            return Err(other_width(depth, inputs));
        }
        let input = contiguous(input, input_layout)?;
        let weight = Strips::of(weight, weight_layout)?;
        let mut output = vec![0f32; rows * self.outputs];
        if inputs > 0 && self.outputs > 0 {
            let input = input.chunks(ROWS_AT_ONCE * inputs);
            let mut tiles = Tiles::default();
            for (input, output) in input.zip(output.chunks_mut(ROWS_AT_ONCE * self.outputs)) {
                tiles.lay_out(input, inputs);
                tiles.multiply(weight, output, self.outputs);
            }
        }
        Ok((CpuStorage::F32(output), Shape::from((rows, self.outputs))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::on_cpu::test::{apart, numbers};

    #[test]
    fn it_agrees_with_the_general_product() {
        for (rows, inputs, outputs) in [
            (0, 3, 4),
            (1, 1, 1),
            (2, 0, 3),
            (3, 5, 7),
            (7, 384, 1536),
            (11, 1536, 384),
            (16, 33, 513),
            (97, 40, 48),
        ] {
            let input = numbers(&[rows, inputs], 1.0);
            let weight = numbers(&[outputs, inputs], 1.0);
            let expected = input.matmul(&weight.t().unwrap()).unwrap();
            let dense = DenseWeight::new(&weight).unwrap();
            let got = dense.product(&input).unwrap();
            assert_eq!(expected.dims(), got.dims());
            assert!(
                apart(&expected, &got) < 1e-4,
                "{rows} x {inputs} x {outputs}"
            );
        }
    }

    #[test]
    fn weights_of_16_bits_give_the_same_to_the_bit() {
        for (rows, inputs, outputs) in [(1, 700, 33), (5, 16, 3), (200, 513, 40)] {
            let input = numbers(&[rows, inputs], 1.0);
            let halves = numbers(&[outputs, inputs], 1.0)
                .to_dtype(DType::F16)
                .unwrap();
            let weight = halves.to_dtype(DType::F32).unwrap();
            let dense = DenseWeight::new(&weight).unwrap();
            let strips = dense.strips().unwrap();
            assert_eq!(strips.dtype(), DType::F16);
            let whole = DenseWeight {
                values: Values::Strips(strips.to_dtype(DType::F32).unwrap()),
                outputs,
            };
            let (expected, got) = (
                whole.product(&input).unwrap(),
                dense.product(&input).unwrap(),
            );
            assert_eq!(apart(&expected, &got), 0.0, "{rows} x {inputs} x {outputs}");
            let last = [outputs as u32 - 1, 0];
            assert_eq!(
                apart(&whole.rows(&last).unwrap(), &dense.rows(&last).unwrap()),
                0.0
            );
        }
    }

    #[test]
    fn it_gives_back_the_rows_that_it_laid_out() {
        let weight = numbers(&[37, 5], 1.0);
        let ids = Tensor::new(&[36u32, 0, 17], weight.device()).unwrap();
        let expected = weight.index_select(&ids, 0).unwrap();
        let dense = DenseWeight::new(&weight).unwrap();
        assert_eq!(apart(&expected, &dense.rows(&[36, 0, 17]).unwrap()), 0.0);
        assert!(dense.rows(&[37]).is_err());
    }

    #[test]
    fn rounded_weights_give_about_the_same_in_a_quarter_of_the_memory() {
        let (rows, inputs, outputs) = (70, 512, 37);
        let (input, weight) = (
            numbers(&[rows, inputs], 1.0),
            numbers(&[outputs, inputs], 1.0),
        );
        let (exact, rounded) = (
            DenseWeight::new(&weight).unwrap(),
            DenseWeight::rounded(&weight).unwrap(),
        );
        let (expected, got) = (
            exact.product(&input).unwrap(),
            rounded.product(&input).unwrap(),
        );
        // Each of 512 products is off by 0.002 or so, whose sum is off by 0.04 in the mean; sums are of the size of 7.5.
        let apart_by = apart(&expected, &got);
        assert!(apart_by > 0.0 && apart_by < 0.25, "{apart_by}");
        let ids = [36, 0, 17];
        let apart = apart(&exact.rows(&ids).unwrap(), &rounded.rows(&ids).unwrap());
        assert!(apart > 0.0 && apart < 1.0 / 127.0);
        assert!(rounded.rows(&[37]).is_err());
        // 37 outputs are five strips of eight.
        assert_eq!(rounded.bytes(), 40 * (512 + 512 / 32 * 4));
        assert_eq!(exact.bytes(), 48 * 512 * 4);
    }

    #[test]
    fn rows_that_are_no_whole_blocks_are_kept_exact() {
        let weight = numbers(&[5, 48], 1.0);
        assert!(DenseWeight::rounded(&weight).unwrap().strips().is_some());
    }

    #[test]
    fn an_input_of_another_width_is_an_error() {
        let weight = numbers(&[4, 32], 1.0);
        for dense in [DenseWeight::new(&weight), DenseWeight::rounded(&weight)] {
            let error = dense.unwrap().product(&numbers(&[2, 5], 1.0)).unwrap_err();
            assert!(
                error.to_string().contains("rows of 32 values, got 5"),
                "{error}"
            );
        }
    }
}
