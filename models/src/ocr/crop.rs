//! Lines, cut out of a picture and laid flat.

use super::hull::{Corners, sides};
use crate::ModelError;
use crate::picture::Pixels;

/// A line is taken for one that stands upright when it is so many times higher than wide.
pub(super) const UPRIGHT: f32 = 1.5;

/// How often a line was turned by a quarter, against the clock, for it to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Turns(pub(super) u8);

/// Returns what a box holds, laid flat. One that is much higher than wide is turned by a quarter
/// against the clock, because characters stand beside each other in what the networks read.
///
/// # Errors
/// [`ModelError::Input`] if the box has no area.
pub(super) fn flat(picture: &Pixels, corners: &Corners) -> Result<(Pixels, Turns), ModelError> {
    let [upper, left] = sides(corners);
    let [lower, right] = sides(&[corners[2], corners[3], corners[0], corners[1]]);
    // A float becomes an integer within its bounds; a box lies in its picture.
    let width = (upper.max(lower) as u32).max(1);
    let height = (left.max(right) as u32).max(1);
    let mut rgb = Vec::with_capacity((width * height * 3) as usize);
    let place = |along: f32, down: f32, axis: usize| {
        let [one, two, three, four] = corners.map(|corner| corner[axis]);
        let top = one + (two - one) * along;
        let bottom = four + (three - four) * along;
        top + (bottom - top) * down
    };
    for row in 0..height {
        let down = row as f32 / height as f32;
        for column in 0..width {
            let along = column as f32 / width as f32;
            rgb.extend(sampled(
                picture,
                place(along, down, 0),
                place(along, down, 1),
            ));
        }
    }
    let line = Pixels::new(width, height, rgb)?;
    match height as f32 >= UPRIGHT * width as f32 {
        true => Ok((quarter(&line)?, Turns(1))),
        false => Ok((line, Turns(0))),
    }
}

/// The color between pixels: a cubic over the sixteen nearest, as OpenCV's `INTER_CUBIC`; beyond
/// the edge, the pixels of the edge.
fn sampled(picture: &Pixels, x: f32, y: f32) -> [u8; 3] {
    let (left, top) = (x.floor(), y.floor());
    let (across, down) = (cubic(x - left), cubic(y - top));
    let (width, height) = (picture.width() as i64, picture.height() as i64);
    let rgb = picture.rgb();
    let mut sums = [0.0f32; 3];
    for (row, by_row) in down.iter().enumerate() {
        let row = (top as i64 + row as i64 - 1).clamp(0, height - 1);
        for (column, by_column) in across.iter().enumerate() {
            let column = (left as i64 + column as i64 - 1).clamp(0, width - 1);
            let at = 3 * (row * width + column) as usize;
            let weight = by_row * by_column;
            for (sum, byte) in sums.iter_mut().zip(&rgb[at..at + 3]) {
                *sum += weight * f32::from(*byte);
            }
        }
    }
    // A float becomes a byte within its bounds.
    sums.map(|sum| sum.round() as u8)
}

/// The weights of the four pixels around a place, which lies that far behind the second one.
fn cubic(at: f32) -> [f32; 4] {
    const SHARPNESS: f32 = -0.75;
    let near = |far: f32| ((SHARPNESS + 2.0) * far - (SHARPNESS + 3.0)) * far * far + 1.0;
    let outer = |far: f32| SHARPNESS * (((far - 5.0) * far + 8.0) * far - 4.0);
    [outer(1.0 + at), near(at), near(1.0 - at), outer(2.0 - at)]
}

/// Returns the picture turned by a quarter against the clock.
pub(super) fn quarter(picture: &Pixels) -> Result<Pixels, ModelError> {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let rgb = picture.rgb();
    let mut turned = Vec::with_capacity(rgb.len());
    for column in (0..width).rev() {
        for row in 0..height {
            let at = 3 * (row * width + column);
            turned.extend_from_slice(&rgb[at..at + 3]);
        }
    }
    Pixels::new(picture.height(), picture.width(), turned)
}

/// Returns the picture turned by a half.
pub(super) fn half(picture: &Pixels) -> Result<Pixels, ModelError> {
    let (pixels, _) = picture.rgb().as_chunks::<3>();
    let turned = pixels.iter().rev().flatten().copied().collect();
    Pixels::new(picture.width(), picture.height(), turned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(width: u32, height: u32) -> Pixels {
        let bytes = (0..width * height).flat_map(|at| [at as u8; 3]);
        Pixels::new(width, height, bytes.collect()).unwrap()
    }

    fn reds(picture: &Pixels) -> Vec<u8> {
        picture.rgb().iter().step_by(3).copied().collect()
    }

    #[test]
    fn a_box_along_the_axes_is_what_it_holds() {
        let picture = numbered(4, 3);
        let corners = [[1.0, 1.0], [4.0, 1.0], [4.0, 3.0], [1.0, 3.0]];
        let (line, turns) = flat(&picture, &corners).unwrap();
        assert_eq!(turns, Turns(0));
        assert_eq!((line.width(), line.height()), (3, 2));
        assert_eq!(reds(&line), [5, 6, 7, 9, 10, 11]);
    }

    #[test]
    fn a_high_box_is_turned_against_the_clock() {
        let picture = numbered(2, 3);
        let corners = [[0.0, 0.0], [2.0, 0.0], [2.0, 3.0], [0.0, 3.0]];
        let (line, turns) = flat(&picture, &corners).unwrap();
        assert_eq!(turns, Turns(1));
        assert_eq!((line.width(), line.height()), (3, 2));
        assert_eq!(reds(&line), [1, 3, 5, 0, 2, 4]);
        assert_eq!(reds(&half(&line).unwrap()), [4, 2, 0, 5, 3, 1]);
    }

    #[test]
    fn a_box_of_no_size_is_a_pixel() {
        let (line, _) = flat(&numbered(2, 2), &[[1.0, 1.0]; 4]).unwrap();
        assert_eq!(reds(&line), [3]);
    }
}
