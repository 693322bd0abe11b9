//! Boxes around what may be faces: corrected, made square, and freed of those that say the same.

use crate::picture::Region;

/// A face.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Face {
    /// `[x0, y0, x1, y1]` in pixels of the picture, which it may reach a little beyond.
    pub bounds: [f32; 4],
    /// How probably it is one, from 0 to 1.
    pub score: f32,
    /// Left eye, right eye, nose, left and right corner of the mouth, as the beholder sees them, in
    /// pixels of the picture.
    pub landmarks: [[f32; 2]; 5],
}

/// A box that may hold a face.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Candidate {
    pub(super) bounds: [f32; 4],
    pub(super) score: f32,
    /// By how much the box is wrong, in shares of its sides.
    pub(super) offsets: [f32; 4],
}

/// What the overlap of two boxes is a share of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Share {
    /// What both cover together.
    Union,
    /// The smaller of them; a box is one pixel wider and higher than its corners are apart.
    Smaller,
}

impl Candidate {
    /// Corrects the box, whose sides are as long as its corners are apart, and `more`.
    pub(super) fn corrected(mut self, more: f32) -> Self {
        let [x0, y0, x1, y1] = self.bounds;
        let (width, height) = (x1 - x0 + more, y1 - y0 + more);
        let sides = [width, height, width, height];
        for ((place, offset), side) in self.bounds.iter_mut().zip(self.offsets).zip(sides) {
            *place += offset * side;
        }
        self
    }

    /// Makes the box square, around the same middle.
    pub(super) fn squared(mut self) -> Self {
        let [x0, y0, x1, y1] = self.bounds;
        let (width, height) = (x1 - x0, y1 - y0);
        let side = width.max(height);
        let (left, top) = (
            x0 + width * 0.5 - side * 0.5,
            y0 + height * 0.5 - side * 0.5,
        );
        self.bounds = [left, top, left + side, top + side];
        self
    }

    /// The pixels of a picture in the box, counted from 1 and both ends included; `None` if there
    /// are none.
    pub(super) fn region(&self, width: u32, height: u32) -> Option<Region> {
        let [x0, y0, x1, y1] = self.bounds.map(|place| place.trunc() as i64);
        let (left, top) = (x0.max(1) - 1, y0.max(1) - 1);
        let (right, bottom) = (x1.min(i64::from(width)), y1.min(i64::from(height)));
        Some(Region {
            left: u32::try_from(left).ok()?,
            top: u32::try_from(top).ok()?,
            width: u32::try_from(right - left)
                .ok()
                .filter(|width| *width > 0)?,
            height: u32::try_from(bottom - top)
                .ok()
                .filter(|height| *height > 0)?,
        })
    }
}

/// Which of the boxes are the best where they overlap by more than `most`, the best first.
pub(super) fn distinct(candidates: &[Candidate], most: f32, share: Share) -> Vec<usize> {
    let mut order: Vec<usize> = (0..candidates.len()).collect();
    order.sort_by(|one, other| candidates[*other].score.total_cmp(&candidates[*one].score));
    let mut kept: Vec<usize> = Vec::new();
    for index in order {
        let bounds = candidates[index].bounds;
        let is_new = kept
            .iter()
            .all(|kept| overlap(candidates[*kept].bounds, bounds, share) <= most);
        if is_new {
            kept.push(index);
        }
    }
    kept
}

/// The share that two boxes have in common.
fn overlap(one: [f32; 4], other: [f32; 4], share: Share) -> f32 {
    let more = match share {
        Share::Union => 0.0,
        Share::Smaller => 1.0,
    };
    let area = |[x0, y0, x1, y1]: [f32; 4]| (x1 - x0 + more) * (y1 - y0 + more);
    let common = [
        one[0].max(other[0]),
        one[1].max(other[1]),
        one[2].min(other[2]),
        one[3].min(other[3]),
    ];
    let width = (common[2] - common[0] + more).max(0.0);
    let height = (common[3] - common[1] + more).max(0.0);
    let both = width * height;
    match share {
        Share::Union => both / (area(one) + area(other) - both),
        Share::Smaller => both / area(one).min(area(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(bounds: [f32; 4], score: f32) -> Candidate {
        Candidate {
            bounds,
            score,
            offsets: [0.1, -0.1, 0.0, 0.2],
        }
    }

    #[test]
    fn of_boxes_that_say_the_same_the_best_is_kept() {
        let candidates = [
            candidate([0.0, 0.0, 10.0, 10.0], 0.7),
            candidate([1.0, 0.0, 11.0, 10.0], 0.9),
            candidate([20.0, 0.0, 30.0, 10.0], 0.8),
            candidate([2.0, 2.0, 6.0, 6.0], 0.6),
        ];
        assert_eq!(distinct(&candidates, 0.5, Share::Union), [1, 2, 3]);
        assert_eq!(distinct(&candidates, 0.7, Share::Smaller), [1, 2]);
        assert_eq!(distinct(&[], 0.5, Share::Union), [0; 0]);
    }

    #[test]
    fn a_box_is_corrected_squared_and_cut_to_the_picture() {
        let found = candidate([10.0, 10.0, 20.0, 30.0], 0.5);
        assert_eq!(found.corrected(0.0).bounds, [11.0, 8.0, 20.0, 34.0]);
        assert_eq!(found.squared().bounds, [5.0, 10.0, 25.0, 30.0]);
        let region = candidate([-3.0, 2.0, 50.0, 8.9], 0.5)
            .region(40, 40)
            .unwrap();
        assert_eq!(
            region,
            Region {
                left: 0,
                top: 1,
                width: 40,
                height: 7
            }
        );
        assert_eq!(candidate([50.0, 2.0, 60.0, 8.0], 0.5).region(40, 40), None);
        assert_eq!(candidate([f32::NAN; 4], 0.5).region(40, 40), None);
        assert_eq!(
            candidate([-1e30, -1e30, 1e30, 1e30], 0.5)
                .region(40, 30)
                .map(|all| all.width),
            Some(40)
        );
    }
}
