//! Parts of a picture in the sizes that the networks take, each pixel the mean of those below it.

use candle_core::{Device, Result as CandleResult, Tensor};

use crate::picture::{Pixels, Region};

/// What is taken from a byte.
const MEAN: f32 = 127.5;
/// What the rest is multiplied with.
const FACTOR: f32 = 0.007_812_5;

/// A part of a picture in another size, `[3, height, width]`, from about -1 to 1. The region lies
/// within the picture.
///
/// A pixel is the mean over all pixels that it touches, whole: PyTorch's `interpolate` with the
/// mode `area`.
pub(super) fn sampled(pixels: &Pixels, region: Region, width: usize, height: usize) -> Vec<f32> {
    let columns = bins(region.left as usize, region.width as usize, width);
    let rows = bins(region.top as usize, region.height as usize, height);
    let line = pixels.width() as usize * 3;
    let (first, last) = (
        region.left as usize * 3,
        (region.left + region.width) as usize * 3,
    );
    let mut sampled = vec![0f32; 3 * height * width];
    let mut sums = vec![0u32; line];
    for (y, (top, bottom)) in rows.into_iter().enumerate() {
        sums[first..last].fill(0);
        for row in pixels.rgb()[top * line..bottom * line].chunks_exact(line) {
            let sums = sums[first..last].iter_mut();
            for (sum, byte) in sums.zip(&row[first..last]) {
                *sum += u32::from(*byte);
            }
        }
        let (pixels, _) = sums.as_chunks::<3>();
        for (x, (left, right)) in columns.iter().enumerate() {
            let mut totals = [0u64; 3];
            for pixel in &pixels[*left..*right] {
                for (total, sum) in totals.iter_mut().zip(pixel) {
                    *total += u64::from(*sum);
                }
            }
            let count = ((right - left) * (bottom - top)) as f32;
            for (part, total) in totals.into_iter().enumerate() {
                let mean = total as f32 / count;
                sampled[(part * height + y) * width + x] = (mean - MEAN) * FACTOR;
            }
        }
    }
    sampled
}

/// Parts of a picture as one batch, `[parts, 3, side, side]`.
pub(super) fn batch(
    pixels: &Pixels,
    regions: &[Region],
    side: usize,
    device: &Device,
) -> CandleResult<Tensor> {
    let parts = regions
        .iter()
        .flat_map(|region| sampled(pixels, *region, side, side));
    Tensor::from_vec(parts.collect(), (regions.len(), 3, side, side), device)
}

/// For each new pixel along a side, the first and the last of the old ones that it touches.
fn bins(start: usize, old: usize, new: usize) -> Vec<(usize, usize)> {
    (0..new)
        .map(|place| (place * old / new, ((place + 1) * old).div_ceil(new)))
        .map(|(first, last)| (start + first, start + last))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pixel_is_the_mean_of_all_that_it_touches() {
        let rgb = (0..5).flat_map(|place| [place * 10, 0, 255]).collect();
        let pixels = Pixels::new(5, 1, rgb).unwrap();
        let all = Region {
            left: 0,
            top: 0,
            width: 5,
            height: 1,
        };
        let values = sampled(&pixels, all, 2, 1);
        let bytes: Vec<f32> = values.iter().map(|value| value / FACTOR + MEAN).collect();
        assert_eq!(bytes, [10.0, 30.0, 0.0, 0.0, 255.0, 255.0]);
        let part = Region {
            left: 3,
            width: 2,
            ..all
        };
        let values = sampled(&pixels, part, 4, 2);
        let reds: Vec<f32> = values[..8]
            .iter()
            .map(|value| value / FACTOR + MEAN)
            .collect();
        assert_eq!(reds, [30.0, 30.0, 40.0, 40.0, 30.0, 30.0, 40.0, 40.0]);
    }
}
