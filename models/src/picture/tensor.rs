//! From pixels to what networks take.

use candle_core::{Device, Tensor};

use super::Pixels;
use crate::ModelError;

/// The order of a tensor's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// `[1, 3, height, width]`, as PyTorch and ONNX have it.
    Nchw,
    /// `[1, height, width, 3]`, as TensorFlow has it.
    Nhwc,
}

/// How bytes become numbers: `(byte - mean) / deviation`, for red, green and blue.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scaling {
    /// What is taken away, in bytes.
    pub mean: [f32; 3],
    /// What is divided by, in bytes.
    pub deviation: [f32; 3],
}

impl Scaling {
    /// From 0 to 255.
    pub const BYTES: Self = Self::even(0.0, 1.0);
    /// From 0 to 1.
    pub const UNIT: Self = Self::even(0.0, 255.0);
    /// The mean and the deviation of ImageNet's pictures, as torchvision has them.
    pub const IMAGENET: Self = Self {
        mean: [0.485 * 255.0, 0.456 * 255.0, 0.406 * 255.0],
        deviation: [0.229 * 255.0, 0.224 * 255.0, 0.225 * 255.0],
    };

    /// Returns one that is the same for all colors.
    #[must_use]
    pub const fn even(mean: f32, deviation: f32) -> Self {
        Self {
            mean: [mean; 3],
            deviation: [deviation; 3],
        }
    }
}

impl Pixels {
    /// Returns the picture as a tensor of f32 on a device.
    ///
    /// # Errors
    /// [`ModelError::Compute`] if the device has no room.
    pub fn to_tensor(
        &self,
        layout: Layout,
        scaling: Scaling,
        device: &Device,
    ) -> Result<Tensor, ModelError> {
        let (width, height) = self.sides();
        let factors = scaling.deviation.map(|deviation| 1.0 / deviation);
        let number = |part: usize, byte: u8| (f32::from(byte) - scaling.mean[part]) * factors[part];
        let (pixels, _) = self.rgb().as_chunks::<3>();
        let tensor = match layout {
            Layout::Nhwc => {
                let numbers = pixels.iter().flat_map(|[red, green, blue]| {
                    [number(0, *red), number(1, *green), number(2, *blue)]
                });
                Tensor::from_vec(numbers.collect(), (1, height, width, 3), device)
            }
            Layout::Nchw => {
                let mut numbers = Vec::with_capacity(pixels.len() * 3);
                for part in 0..3 {
                    numbers.extend(pixels.iter().map(|pixel| number(part, pixel[part])));
                }
                Tensor::from_vec(numbers, (1, 3, height, width), device)
            }
        };
        tensor.map_err(ModelError::compute("lay out a picture"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_layouts_have_the_same_numbers() {
        let pixels = Pixels::new(2, 1, vec![0, 51, 255, 102, 153, 204]).unwrap();
        let tensor = |layout, scaling| {
            let tensor = pixels.to_tensor(layout, scaling, &Device::Cpu).unwrap();
            let values: Vec<f32> = tensor.flatten_all().unwrap().to_vec1().unwrap();
            (tensor.dims().to_vec(), values)
        };
        let (dims, values) = tensor(Layout::Nhwc, Scaling::BYTES);
        assert_eq!(dims, [1, 1, 2, 3]);
        assert_eq!(values, [0.0, 51.0, 255.0, 102.0, 153.0, 204.0]);
        let (dims, values) = tensor(Layout::Nchw, Scaling::even(127.5, 127.5));
        assert_eq!(dims, [1, 3, 1, 2]);
        let expected = [-1.0, -0.2, -0.6, 0.2, 1.0, 0.6];
        let apart = values
            .iter()
            .zip(expected)
            .map(|(one, other)| (one - other).abs());
        assert!(apart.fold(0.0, f32::max) < 1e-6, "{values:?}");
    }
}
