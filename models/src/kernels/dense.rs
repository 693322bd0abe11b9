//! The product with a layer's weights.
//!
//! On the CPU the weights are laid out once, when they are loaded, in the order in which the product reads them: strips of 16 columns, one
//! row of a strip after the other. Then a short text costs one straight read of the weights, and a batch needs none of the layout work
//! that a general product does for its right side in each call. The sums of a tile of rows and a strip stay in registers.
//!
//! Source of the tiling: Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication", 2008.

use candle_core::{CpuStorage, CustomOp2, DType, Layout, Result, Shape, Tensor, bail};
use pulp::{Arch, Scalar, Simd, WithSimd};

use super::on_cpu::contiguous;

/// Columns of a strip: two vectors of AVX2, one of AVX-512.
pub(super) const WIDTH: usize = 16;
/// Rows of the largest tile: with 16 columns its sums, a row of weights and one input fill the 16 registers of AVX2.
const ROWS: usize = 6;
/// How many rows go through all strips before the next ones do: their inputs stay in the second cache.
const ROWS_AT_ONCE: usize = 8 * ROWS;

/// The weights of a dense step, as its product wants them.
#[derive(Debug, Clone)]
pub(crate) struct DenseWeight {
    /// On the CPU `[strips, inputs, 16]`, zeros behind the last column; elsewhere `[inputs, outputs]`.
    laid_out: Tensor,
    outputs: usize,
}

impl DenseWeight {
    /// Lays out f32 weights `[outputs, inputs]`, as checkpoints store them.
    pub(crate) fn new(weight: &Tensor) -> Result<Self> {
        let (outputs, inputs) = weight.dims2()?;
        if !weight.device().is_cpu() || weight.dtype() != DType::F32 {
            let laid_out = weight.t()?.contiguous()?;
            return Ok(Self { laid_out, outputs });
        }
        let strips = outputs.div_ceil(WIDTH);
        let weight = weight.contiguous()?;
        let (storage, layout) = weight.storage_and_layout();
        let candle_core::Storage::Cpu(storage) = &*storage else {
            bail!("expected weights in the processor's memory");
        };
        let values = lay_out(contiguous(storage, layout)?, inputs, strips);
        let laid_out = Tensor::from_vec(values, (strips, inputs, WIDTH), weight.device())?;
        Ok(Self { laid_out, outputs })
    }

    /// The product of `input` `[rows, inputs]`, contiguous, with the weights: `[rows, outputs]`.
    pub(crate) fn product(&self, input: &Tensor) -> Result<Tensor> {
        if self.laid_out.rank() == 2 {
            return input.matmul(&self.laid_out);
        }
        let outputs = self.outputs;
        input.apply_op2_no_bwd(&self.laid_out, &StripProduct { outputs })
    }

    /// The rows of the weights `[outputs, inputs]` with these numbers, which must be below `outputs`: `[ids, inputs]`.
    pub(crate) fn rows(&self, ids: &[u32]) -> Result<Tensor> {
        let device = self.laid_out.device();
        let count = ids.len();
        if self.laid_out.rank() == 2 {
            let ids = Tensor::from_slice(ids, count, device)?;
            return self.laid_out.index_select(&ids, 1)?.t()?.contiguous();
        }
        let (_, inputs, _) = self.laid_out.dims3()?;
        let (storage, layout) = self.laid_out.storage_and_layout();
        let candle_core::Storage::Cpu(storage) = &*storage else {
            bail!("expected weights in the processor's memory");
        };
        let weights = contiguous(storage, layout)?;
        let mut values: Vec<f32> = Vec::with_capacity(count * inputs);
        for id in ids {
            let (strip, column) = (*id as usize / WIDTH, *id as usize % WIDTH);
            let Some(strip) = weights.chunks_exact(inputs * WIDTH).nth(strip) else {
                bail!("expected a row below {}, got {id}", self.outputs);
            };
            values.extend(strip[column..].iter().step_by(WIDTH));
        }
        Tensor::from_vec(values, (count, inputs), device)
    }

    /// The tensor that holds the weights.
    pub(crate) fn tensor(&self) -> &Tensor {
        &self.laid_out
    }
}

/// Lays out rows of `inputs` values as strips of 16 columns: `[strips, inputs, 16]`.
pub(super) fn lay_out(weight: &[f32], inputs: usize, strips: usize) -> Vec<f32> {
    let mut laid_out = vec![0f32; strips * inputs * WIDTH];
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
            bail!("a dense step expects rows of {depth} values, got {inputs}");
        }
        let input = contiguous(input, input_layout)?;
        let weight = contiguous(weight, weight_layout)?;
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

/// Some rows of an input, cut into tiles in which the values of one depth lie side by side.
#[derive(Debug, Default)]
pub(super) struct Tiles {
    inputs: usize,
    /// How many rows each tile has.
    heights: Vec<usize>,
    values: Vec<f32>,
}

impl Tiles {
    /// Lays out rows of `inputs` values.
    pub(super) fn lay_out(&mut self, input: &[f32], inputs: usize) {
        let rows = input.len() / inputs;
        let count = rows.div_ceil(ROWS);
        self.inputs = inputs;
        self.heights.clear();
        // As even as can be: the larger a tile, the more often a weight is used once it is read.
        let heights = (0..count).map(|tile| (rows + tile) / count);
        self.heights.extend(heights);
        self.values.clear();
        self.values.reserve(input.len());
        let mut rest = input;
        for height in &self.heights {
            let (tile, others) = rest.split_at(height * inputs);
            rest = others;
            for depth in 0..inputs {
                self.values
                    .extend(tile[depth..].iter().step_by(inputs).copied());
            }
        }
    }

    /// The products of all rows with strips that have as many rows as these have values: `[rows, outputs]`.
    pub(super) fn multiply(&self, weight: &[f32], output: &mut [f32], outputs: usize) {
        Arch::new().dispatch(Multiply {
            tiles: self,
            weight,
            output,
            outputs,
        });
    }
}

struct Multiply<'a> {
    tiles: &'a Tiles,
    weight: &'a [f32],
    output: &'a mut [f32],
    outputs: usize,
}

/// Written in vectors, and not left to the compiler like the other fused steps: of some heights it makes single numbers.
impl WithSimd for Multiply<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match S::F32_LANES {
            16 => self.all::<S, 1>(simd),
            8 => self.all::<S, 2>(simd),
            4 => self.all::<S, 4>(simd),
            // Vectors that do not exist yet, or none: then a vector is one number.
            _ => self.all::<Scalar, WIDTH>(Scalar::new()),
        }
    }
}

impl Multiply<'_> {
    #[inline(always)]
    fn all<S: Simd, const VECTORS: usize>(self, simd: S) {
        let Self { tiles, outputs, .. } = self;
        let strips = self.weight.chunks_exact(tiles.inputs * WIDTH);
        for (number, strip) in strips.enumerate() {
            let columns = number * WIDTH..outputs.min((number + 1) * WIDTH);
            let (strip, _) = S::as_simd_f32s(strip);
            let (strip, _) = strip.as_chunks::<VECTORS>();
            let (mut values, mut output) = (&*tiles.values, &mut *self.output);
            for height in &tiles.heights {
                let (tile, others) = values.split_at(height * tiles.inputs);
                let (lines, below) = output.split_at_mut(height * outputs);
                let lines = lines.chunks_exact_mut(outputs);
                let lines = lines.map(|line| &mut line[columns.clone()]);
                match height {
                    1 => tile_product::<S, VECTORS, 1>(simd, tile, strip, lines),
                    2 => tile_product::<S, VECTORS, 2>(simd, tile, strip, lines),
                    3 => tile_product::<S, VECTORS, 3>(simd, tile, strip, lines),
                    4 => tile_product::<S, VECTORS, 4>(simd, tile, strip, lines),
                    5 => tile_product::<S, VECTORS, 5>(simd, tile, strip, lines),
                    _ => tile_product::<S, VECTORS, ROWS>(simd, tile, strip, lines),
                }
                (values, output) = (others, below);
            }
        }
    }
}

/// One tile of rows times one strip of columns.
#[inline(always)]
fn tile_product<'a, S: Simd, const VECTORS: usize, const HEIGHT: usize>(
    simd: S,
    tile: &[f32],
    strip: &[[S::f32s; VECTORS]],
    lines: impl Iterator<Item = &'a mut [f32]>,
) {
    let mut sums = [[simd.splat_f32s(0.0); VECTORS]; HEIGHT];
    let (tile, _) = tile.as_chunks::<HEIGHT>();
    for (inputs, weights) in tile.iter().zip(strip) {
        for (sums, input) in sums.iter_mut().zip(inputs) {
            let input = simd.splat_f32s(*input);
            for (sum, weight) in sums.iter_mut().zip(weights) {
                *sum = simd.mul_add_f32s(input, *weight, *sum);
            }
        }
    }
    for (line, sums) in lines.zip(&sums) {
        let mut values = [0f32; WIDTH];
        S::as_mut_simd_f32s(&mut values).0.copy_from_slice(sums);
        line.copy_from_slice(&values[..line.len()]);
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
    fn it_gives_back_the_rows_that_it_laid_out() {
        let weight = numbers(&[37, 5], 1.0);
        let ids = Tensor::new(&[36u32, 0, 17], weight.device()).unwrap();
        let expected = weight.index_select(&ids, 0).unwrap();
        let dense = DenseWeight::new(&weight).unwrap();
        assert_eq!(apart(&expected, &dense.rows(&[36, 0, 17]).unwrap()), 0.0);
        assert!(dense.rows(&[48]).is_err());
    }

    #[test]
    fn an_input_of_another_width_is_an_error() {
        let dense = DenseWeight::new(&numbers(&[4, 3], 1.0)).unwrap();
        let error = dense.product(&numbers(&[2, 5], 1.0)).unwrap_err();
        assert!(
            error.to_string().contains("rows of 3 values, got 5"),
            "{error}"
        );
    }
}
