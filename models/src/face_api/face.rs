//! What the networks are shown of a face.

use candle_core::{Device, Tensor};

use crate::ModelError;
use crate::picture::{Pixels, Region};

/// The mean color of the pictures that the networks were trained on.
const MEAN: [f32; 3] = [122.782, 117.001, 104.298];
/// Sides of the aligned square by the distance from the eyes to the mouth.
const SIDES: f32 = 1.0 / 0.45;
/// Where in the square the middle of eyes and mouth lies, across and down.
const MIDDLE: [f32; 2] = [0.5, 0.43];

/// Returns the square around a face in which its eyes and mouth lie where the network of vectors
/// expects them, cut to a picture of this size. The landmarks are left eye, right eye, nose, left
/// and right corner of the mouth, in pixels. `None` if nothing of it is in the picture.
///
/// Source: `FaceLandmarks.alignDlib` of face-api.
#[must_use]
pub fn aligned(landmarks: [[f32; 2]; 5], width: u32, height: u32) -> Option<Region> {
    let [left_eye, right_eye, _, left_corner, right_corner] = landmarks;
    let mouth = [0, 1].map(|axis| f32::midpoint(left_corner[axis], right_corner[axis]));
    let to_mouth = |eye: [f32; 2]| (mouth[0] - eye[0]).hypot(mouth[1] - eye[1]);
    let distance = f32::midpoint(to_mouth(left_eye), to_mouth(right_eye));
    let side = (distance * SIDES).floor();
    let corner = [0, 1].map(|axis| {
        let middle = (left_eye[axis] + right_eye[axis] + mouth[axis]) / 3.0;
        (middle - MIDDLE[axis] * side).max(0.0).floor()
    });
    let [left, top] = corner.map(|place| place as u32);
    let rest = [width.checked_sub(left)?, height.checked_sub(top)?];
    let region = Region {
        left,
        top,
        width: rest[0].min(side as u32),
        height: rest[1].min(side as u32),
    };
    (region.width > 0 && region.height > 0).then_some(region)
}

/// Cuts a face out, as far as it is in the picture.
pub(super) fn cut(picture: &Pixels, face: Region) -> Result<Pixels, ModelError> {
    picture.crop(Region {
        width: face.width.min(picture.width().saturating_sub(face.left)),
        height: face.height.min(picture.height().saturating_sub(face.top)),
        ..face
    })
}

/// A face between black bars that make it square, `[1, 3, side, side]`.
///
/// It is resized as TensorFlow does it without `half_pixel_centers`: a pixel's place is a multiple
/// of the scale, and its color is between those of the four nearest.
pub(super) fn tensor(face: &Pixels, side: usize, device: &Device) -> Result<Tensor, ModelError> {
    let (width, height) = (face.width() as usize, face.height() as usize);
    let square = width.max(height);
    // Of an odd number of lines the one more lies behind.
    let bars = [(square - width) / 2, (square - height) / 2];
    let (pixels, _) = face.rgb().as_chunks::<3>();
    let pixel = |x: usize, y: usize| match (x.checked_sub(bars[0]), y.checked_sub(bars[1])) {
        (Some(x), Some(y)) if x < width && y < height => pixels[y * width + x].map(f32::from),
        _ => [0.0; 3],
    };
    let places: Vec<(usize, usize, f32)> =
        (0..side).map(|place| near(place, square, side)).collect();
    let mut values = vec![0f32; 3 * side * side];
    for (row, (upper, lower, down)) in places.iter().enumerate() {
        for (column, (left, right, across)) in places.iter().enumerate() {
            let corners = [(left, upper), (right, upper), (left, lower), (right, lower)];
            let [a, b, c, d] = corners.map(|(x, y)| pixel(*x, *y));
            for part in 0..3 {
                let above = a[part] + (b[part] - a[part]) * across;
                let below = c[part] + (d[part] - c[part]) * across;
                let value = above + (below - above) * down;
                values[(part * side + row) * side + column] = (value - MEAN[part]) / 255.0;
            }
        }
    }
    Tensor::from_vec(values, (1, 3, side, side), device)
        .map_err(ModelError::compute("lay out a face"))
}

/// The two old pixels between which a new one lies, and how far from the first.
fn near(place: usize, old: usize, new: usize) -> (usize, usize, f32) {
    let exact = place as f32 * (old as f32 / new as f32);
    let first = (exact.floor() as usize).min(old - 1);
    (first, (first + 1).min(old - 1), exact - first as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_aligned_square_is_cut_to_the_picture() {
        let face = [
            [40.0, 40.0],
            [60.0, 40.0],
            [50.0, 50.0],
            [42.0, 60.0],
            [58.0, 60.0],
        ];
        let square = aligned(face, 200, 200).unwrap();
        assert_eq!(
            square,
            Region {
                left: 25,
                top: 25,
                width: 49,
                height: 49
            }
        );
        let square = aligned(face, 60, 200).unwrap();
        assert_eq!((square.left, square.width, square.height), (25, 35, 49));
        assert_eq!(aligned(face, 20, 200), None);
        assert_eq!(aligned([[f32::NAN; 2]; 5], 20, 200), None);
        assert_eq!(aligned([[5.0; 2]; 5], 20, 200), None);
    }

    #[test]
    fn black_bars_make_a_face_square() {
        let face = Pixels::filled(2, 4, [255; 3]).unwrap();
        let tensor = tensor(&face, 4, &Device::Cpu).unwrap();
        let rows: Vec<f32> = tensor.flatten_all().unwrap().to_vec1().unwrap();
        let black = (0.0 - MEAN[0]) / 255.0;
        let white = (255.0 - MEAN[0]) / 255.0;
        assert_eq!(rows[..4], [black, white, white, black]);
    }
}
