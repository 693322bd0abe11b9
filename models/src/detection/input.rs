//! Pictures as the networks take them: squares, `[1, side, side, 3]`, of bytes as numbers from 0 to 255.

use candle_core::{Device, Tensor};

use crate::ModelError;
use crate::picture::Pixels;

/// What is around a picture that is not a square: grey.
const AROUND: [u8; 3] = [127; 3];

/// A picture stretched to a square.
pub(super) fn stretched(pixels: &Pixels, side: usize) -> Result<Tensor, ModelError> {
    let (width, height) = (pixels.width() as usize, pixels.height() as usize);
    scaled(pixels, [width, height], side)
}

/// A picture whose longer side becomes that of the square, with grey below it or on its right.
pub(super) fn letterboxed(pixels: &Pixels, side: usize) -> Result<Tensor, ModelError> {
    let longer = longer_side(pixels) as usize;
    scaled(pixels, [longer, longer], side)
}

/// The side of the square that a picture is laid into.
pub(super) fn longer_side(pixels: &Pixels) -> u32 {
    pixels.width().max(pixels.height())
}

/// A picture at the upper left of a frame, which is made so large. Between the four pixels around the place whose beginning is that of the
/// pixel, as TensorFlow's `ResizeBilinear` does it without `half_pixel_centers`.
fn scaled(
    pixels: &Pixels,
    [frame_width, frame_height]: [usize; 2],
    side: usize,
) -> Result<Tensor, ModelError> {
    let (width, height) = (pixels.width() as usize, pixels.height() as usize);
    let (bytes, _) = pixels.rgb().as_chunks::<3>();
    let line = |row: usize| match row < height {
        true => &bytes[row * width..][..width],
        false => &[],
    };
    let columns: Vec<(usize, usize, f32)> = between(frame_width, side).collect();
    let mut numbers = Vec::with_capacity(side * side * 3);
    for (upper, lower, down) in between(frame_height, side) {
        let (upper, lower) = (line(upper), line(lower));
        for (left, right, across) in &columns {
            let corners = |line: &[[u8; 3]]| {
                let pixel = |at: usize| line.get(at).copied().unwrap_or(AROUND);
                (pixel(*left), pixel(*right))
            };
            let (above, below) = (corners(upper), corners(lower));
            for part in 0..3 {
                let mix = |(left, right): ([u8; 3], [u8; 3])| {
                    let (one, other) = (f32::from(left[part]), f32::from(right[part]));
                    one + (other - one) * across
                };
                let (above, below) = (mix(above), mix(below));
                numbers.push(above + (below - above) * down);
            }
        }
    }
    Tensor::from_vec(numbers, (1, side, side, 3), &Device::Cpu)
        .map_err(ModelError::compute("lay out a picture"))
}

/// For each place of a side the two pixels around it, and how far it is from the first.
fn between(length: usize, side: usize) -> impl Iterator<Item = (usize, usize, f32)> {
    let factor = length as f32 / side as f32;
    (0..side).map(move |at| {
        let place = at as f32 * factor;
        let first = (place as usize).min(length - 1);
        (first, (first + 1).min(length - 1), place - first as f32)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(tensor: &Tensor) -> Vec<f32> {
        tensor.flatten_all().unwrap().to_vec1().unwrap()
    }

    #[test]
    fn a_letterboxed_picture_is_that_of_its_padded_square() {
        for (width, height) in [(7, 3), (3, 7), (5, 5), (1, 9)] {
            let bytes = (0..width * height * 3).map(|at| (at * 37 % 251) as u8);
            let picture = Pixels::new(width, height, bytes.collect()).unwrap();
            let longer = longer_side(&picture);
            let mut padded = Vec::new();
            for y in 0..longer {
                for x in 0..longer {
                    let at = (y * width + x) as usize * 3;
                    let inside = x < width && y < height;
                    let pixel = inside.then(|| picture.rgb()[at..at + 3].to_vec());
                    padded.extend(pixel.unwrap_or(AROUND.to_vec()));
                }
            }
            let padded = Pixels::new(longer, longer, padded).unwrap();
            let expected = numbers(&stretched(&padded, 6).unwrap());
            assert_eq!(numbers(&letterboxed(&picture, 6).unwrap()), expected);
        }
    }
}
