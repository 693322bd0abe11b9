//! The network of vectors: 29 layers, of which each two are added to what came before.

use candle_core::{Device, Result as CandleResult, Tensor};

use super::manifest::ManifestFile;
use crate::ModelError;
use crate::layers::{Activation, Convolution, Padding, Window};
use crate::weights::{read_tensor, tensor_bytes};

/// Numbers of a vector.
pub const EMBEDDING: usize = 128;
/// The distance within which two faces are taken to be one person's: dlib's own.
const SAME: f32 = 0.6;
/// Pairs of layers: name, outputs, and the stride of the first.
const PAIRS: [(&str, usize, usize); 14] = [
    ("conv32_1", 32, 1),
    ("conv32_2", 32, 1),
    ("conv32_3", 32, 1),
    ("conv64_down", 64, 2),
    ("conv64_1", 64, 1),
    ("conv64_2", 64, 1),
    ("conv64_3", 64, 1),
    ("conv128_down", 128, 2),
    ("conv128_1", 128, 1),
    ("conv128_2", 128, 1),
    ("conv256_down", 256, 2),
    ("conv256_1", 256, 1),
    ("conv256_2", 256, 1),
    ("conv256_down_out", 256, 2),
];

/// Returns the similarity of two embeddings, 0 to 1: 1 - distance / 1.2. At dlib's threshold for one
/// person, a distance of 0.6, it is 0.5.
#[must_use]
pub fn same_person(one: &[f32], other: &[f32]) -> f32 {
    let pairs = one.iter().zip(other);
    let squares: f32 = pairs.map(|(one, other)| (one - other).powi(2)).sum();
    (1.0 - squares.sqrt() / (2.0 * SAME)).clamp(0.0, 1.0)
}

#[derive(Debug)]
pub(super) struct EmbeddingNetwork {
    first: Convolution,
    pairs: Vec<Pair>,
    /// `[256, EMBEDDING]`
    last: Tensor,
}

/// Two layers whose output is added to their input.
#[derive(Debug)]
struct Pair {
    first: Convolution,
    second: Convolution,
    is_smaller: bool,
}

impl EmbeddingNetwork {
    /// The side of the square that it sees.
    pub(super) const SIDE: usize = 150;

    pub(super) fn read(file: &ManifestFile, device: &Device) -> Result<Self, ModelError> {
        let outputs = PAIRS[0].1;
        let first = layer(
            file,
            "conv32_down",
            [7, 3, outputs, 2],
            Activation::Relu,
            device,
        )?;
        let mut pairs = Vec::new();
        let mut inputs = outputs;
        for (name, outputs, stride) in PAIRS {
            let [one, two] = ["conv1", "conv2"].map(|part| format!("{name}/{part}"));
            let sizes = [3, inputs, outputs, stride];
            pairs.push(Pair {
                first: layer(file, &one, sizes, Activation::Relu, device)?,
                second: layer(
                    file,
                    &two,
                    [3, outputs, outputs, 1],
                    Activation::None,
                    device,
                )?,
                is_smaller: stride > 1,
            });
            inputs = outputs;
        }
        Ok(Self {
            first,
            pairs,
            last: read_tensor(file, "fc", &[inputs, EMBEDDING], device)?,
        })
    }

    /// `[count, 3, SIDE, SIDE]` to `[count, EMBEDDING]`.
    pub(super) fn forward(&self, input: &Tensor) -> CandleResult<Tensor> {
        let hidden = self.first.forward(input)?;
        let mut hidden = hidden.max_pool2d_with_stride(3, 2)?;
        for pair in &self.pairs {
            hidden = pair.forward(&hidden)?;
        }
        hidden.flatten_from(2)?.mean(2)?.matmul(&self.last)
    }

    pub(super) fn bytes(&self) -> usize {
        let pairs = self
            .pairs
            .iter()
            .map(|pair| pair.first.bytes() + pair.second.bytes());
        self.first.bytes() + pairs.sum::<usize>() + tensor_bytes(&self.last)
    }
}

impl Pair {
    fn forward(&self, input: &Tensor) -> CandleResult<Tensor> {
        let output = self.second.forward(&self.first.forward(input)?)?;
        if !self.is_smaller {
            return (output + input)?.relu();
        }
        let mut pooled = input.avg_pool2d_with_stride(2, 2)?;
        let channels = output.dim(1)?;
        pooled = pooled.pad_with_zeros(1, 0, channels - pooled.dim(1)?)?;
        // The window of the layers has no room for the last line, which the pool has.
        let mut output = output;
        for axis in [2, 3] {
            let missing = pooled.dim(axis)?.saturating_sub(output.dim(axis)?);
            output = output.pad_with_zeros(axis, 0, missing)?;
        }
        (pooled + output)?.relu()
    }
}

/// Reads a layer of sizes `[side, inputs, outputs, stride]`: a convolution, and a scale for each of
/// its channels. Where it makes the picture smaller, its window stays inside.
fn layer(
    file: &ManifestFile,
    name: &str,
    [side, inputs, outputs, stride]: [usize; 4],
    activation: Activation,
    device: &Device,
) -> Result<Convolution, ModelError> {
    let filters = file.filters(
        &format!("{name}/conv/filters"),
        [side, side, inputs, outputs],
        device,
    )?;
    let [bias, scale, shift] = ["conv/bias", "scale/weights", "scale/biases"]
        .map(|part| read_tensor(file, &format!("{name}/{part}"), &[outputs], device));
    let (bias, scale, shift) = (bias?, scale?, shift?);
    let scaled = || {
        let filters = filters.broadcast_mul(&scale.reshape((outputs, 1, 1, 1))?)?;
        Ok((filters, ((bias * &scale)? + shift)?))
    };
    let (filters, bias) = scaled().map_err(ModelError::compute("scale a convolution"))?;
    let padding = match stride {
        1 => Padding::Same,
        _ => Padding::Valid,
    };
    let window = Window {
        stride,
        groups: 1,
        padding,
        activation,
    };
    Convolution::new(&filters, &bias, window)
}

#[cfg(test)]
mod tests {
    use super::same_person;

    #[test]
    fn the_score_falls_with_the_distance() {
        assert_eq!(same_person(&[1.0, 0.0], &[1.0, 0.0]), 1.0);
        assert!((same_person(&[0.6, 0.0], &[0.0, 0.0]) - 0.5).abs() < 1e-6);
        assert_eq!(same_person(&[3.0, 0.0], &[0.0, 0.0]), 0.0);
    }
}
