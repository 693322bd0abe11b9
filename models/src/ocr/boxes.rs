//! From the map of the first network to boxes around lines.
//!
//! Source: Liao et al., "Real-time Scene Text Detection with Differentiable Binarization", 2020, in
//! the form of `DBPostProcess` of `rapidocr_onnxruntime`.

use super::hull::{Corners, hulls, sides, smallest_rectangle};

/// The least probability of a pixel of a line.
const PIXEL: f32 = 0.3;
/// The least mean probability of the pixels in a box.
const BOX: f32 = 0.5;
/// What the network sees of a line is its core; the box grows by this share of area over length.
const GROWTH: f32 = 1.6;
/// Boxes that a picture may have.
const MAX_BOXES: usize = 1000;
/// The least side of the core of a line, in pixels of the map.
const MIN_SIDE: f32 = 3.0;

/// How probably each pixel belongs to a line, row after row.
pub(super) struct ProbabilityMap<'a> {
    pub(super) values: &'a [f32],
    pub(super) width: usize,
}

/// Returns the boxes around lines, in pixels of the map.
pub(super) fn boxes(map: &ProbabilityMap<'_>) -> Vec<Corners> {
    let mask = mask(map);
    let hulls = hulls(&mask, map.width);
    let found = hulls.iter().filter_map(|hull| {
        let core = smallest_rectangle(hull);
        let [width, height] = sides(&core);
        if width.min(height) < MIN_SIDE || mean(map, &core) < BOX {
            return None;
        }
        Some(grown(&core)).filter(|grown| {
            let [width, height] = sides(grown);
            width.min(height) >= MIN_SIDE + 2.0
        })
    });
    found.take(MAX_BOXES).collect()
}

/// The pixels of lines. Each reaches one further to the right and down, which joins what nearly
/// touches.
fn mask(map: &ProbabilityMap<'_>) -> Vec<bool> {
    let width = map.width;
    let is_line = |at: usize| map.values[at] > PIXEL;
    let mask = (0..map.values.len()).map(|at| {
        let has_left = !at.is_multiple_of(width);
        let has_above = at >= width;
        is_line(at)
            || (has_left && is_line(at - 1))
            || (has_above && is_line(at - width))
            || (has_left && has_above && is_line(at - width - 1))
    });
    mask.collect()
}

/// The mean of the map over the pixels whose middle lies in a box.
fn mean(map: &ProbabilityMap<'_>, corners: &Corners) -> f32 {
    let height = map.values.len() / map.width;
    let range = |axis: usize, most: usize| {
        let values = corners.map(|corner| corner[axis]);
        let least = values.iter().copied().fold(f32::INFINITY, f32::min).floor();
        let largest = values.iter().copied().fold(0.0, f32::max).ceil();
        // A float becomes an integer within its bounds.
        (least as usize).min(most - 1)..=(largest as usize).min(most - 1)
    };
    let (mut sum, mut count) = (0.0, 0u32);
    for row in range(1, height) {
        for column in range(0, map.width) {
            if contains(corners, [column as f32, row as f32]) {
                sum += f64::from(map.values[row * map.width + column]);
                count += 1;
            }
        }
    }
    match count {
        0 => 0.0,
        count => (sum / f64::from(count)) as f32,
    }
}

/// Whether a point lies in a box, or within half a pixel of it: clockwise on a screen, what is
/// inside lies on the right of each side.
fn contains(corners: &Corners, [x, y]: [f32; 2]) -> bool {
    (0..4).all(|at| {
        let (from, to) = (corners[at], corners[(at + 1) % 4]);
        let side = [to[0] - from[0], to[1] - from[1]];
        let length = side[0].hypot(side[1]);
        side[0] * (y - from[1]) - side[1] * (x - from[0]) >= -0.5 * length
    })
}

/// The box, its sides moved outwards by what the network leaves out.
fn grown(corners: &Corners) -> Corners {
    let [width, height] = sides(corners);
    let more = width * height * GROWTH / (2.0 * (width + height));
    let unit = |from: [f32; 2], to: [f32; 2], length: f32| {
        let length = length.max(f32::MIN_POSITIVE);
        [(to[0] - from[0]) / length, (to[1] - from[1]) / length]
    };
    let along = unit(corners[0], corners[1], width);
    let down = unit(corners[0], corners[3], height);
    let moved = |corner: [f32; 2], right: f32, below: f32| {
        [
            corner[0] + more * (right * along[0] + below * down[0]),
            corner[1] + more * (right * along[1] + below * down[1]),
        ]
    };
    [
        moved(corners[0], -1.0, -1.0),
        moved(corners[1], 1.0, -1.0),
        moved(corners[2], 1.0, 1.0),
        moved(corners[3], -1.0, 1.0),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_a_box_that_is_larger_than_its_core() {
        let (width, height) = (100, 40);
        let bar = |at: usize| (10..20).contains(&(at / width)) && (20..80).contains(&(at % width));
        let values: Vec<f32> = (0..width * height)
            .map(|at| f32::from(u8::from(bar(at))) * 0.9)
            .collect();
        let map = ProbabilityMap {
            values: &values,
            width,
        };
        let found = boxes(&map);
        assert_eq!(found.len(), 1);
        // Spread by a pixel, the core reaches from 20, 10 to 80, 20; 60 x 10 grow by 600 * 1.6 / 140.
        let more = 600.0 * 1.6 / 140.0;
        let expected = [20.0 - more, 10.0 - more];
        assert!((found[0][0][0] - expected[0]).abs() < 1e-3, "{found:?}");
        assert!((found[0][0][1] - expected[1]).abs() < 1e-3, "{found:?}");
        assert!((found[0][2][0] - (80.0 + more)).abs() < 1e-3, "{found:?}");
    }

    #[test]
    fn what_is_faint_or_small_is_no_line() {
        let values: Vec<f32> = (0..400)
            .map(|at| if at < 200 { 0.4 } else { 0.0 })
            .collect();
        let map = |values| ProbabilityMap { values, width: 20 };
        assert!(boxes(&map(&values)).is_empty());
        let mut values = vec![0.0; 400];
        values[210] = 1.0;
        assert!(boxes(&map(&values)).is_empty());
    }
}
