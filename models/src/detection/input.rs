//! Pictures as the networks take them.

use candle_core::{Device, Tensor};

use crate::ModelError;
use crate::picture::Pixels;

/// A picture stretched to a square, `[1, side, side, 3]`, its bytes as numbers from 0 to 255. Between the four pixels around the place whose beginning is that of the
/// pixel, as TensorFlow's `ResizeBilinear` does it without `half_pixel_centers`.
pub(super) fn stretched(pixels: &Pixels, side: usize) -> Result<Tensor, ModelError> {
    let (width, height) = (pixels.width() as usize, pixels.height() as usize);
    let (bytes, _) = pixels.rgb().as_chunks::<3>();
    let between = |length: usize| {
        let factor = length as f32 / side as f32;
        let places = (0..side).map(move |at| {
            let place = at as f32 * factor;
            let first = (place as usize).min(length - 1);
            (first, (first + 1).min(length - 1), place - first as f32)
        });
        places.collect::<Vec<(usize, usize, f32)>>()
    };
    let columns = between(width);
    let mut numbers = Vec::with_capacity(side * side * 3);
    for (upper, lower, down) in between(height) {
        let (upper, lower) = (
            &bytes[upper * width..][..width],
            &bytes[lower * width..][..width],
        );
        for (left, right, across) in &columns {
            for part in 0..3 {
                let mix = |line: &[[u8; 3]]| {
                    let (one, other) =
                        (f32::from(line[*left][part]), f32::from(line[*right][part]));
                    one + (other - one) * across
                };
                let (above, below) = (mix(upper), mix(lower));
                numbers.push(above + (below - above) * down);
            }
        }
    }
    Tensor::from_vec(numbers, (1, side, side, 3), &Device::Cpu)
        .map_err(ModelError::compute("lay out a picture"))
}
