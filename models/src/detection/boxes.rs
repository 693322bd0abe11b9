//! Boxes, and which of those that cover the same object is kept.

use super::DetectionOptions;
use super::labels::COCO_LABELS;

/// A box in a picture: pixels from its left and its upper edge.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BoundingBox {
    /// The left edge.
    pub left: f32,
    /// The upper edge.
    pub top: f32,
    /// The right edge.
    pub right: f32,
    /// The lower edge.
    pub bottom: f32,
}

impl BoundingBox {
    /// Returns the pixels that it covers.
    #[must_use]
    pub fn area(&self) -> f32 {
        (self.right - self.left).max(0.0) * (self.bottom - self.top).max(0.0)
    }

    /// Returns how much two boxes have in common, as a share of what both cover: 0 to 1.
    #[must_use]
    pub fn intersection_over_union(&self, other: &Self) -> f32 {
        let common = Self {
            left: self.left.max(other.left),
            top: self.top.max(other.top),
            right: self.right.min(other.right),
            bottom: self.bottom.min(other.bottom),
        };
        let common = common.area();
        let all = self.area() + other.area() - common;
        if all > 0.0 { common / all } else { 0.0 }
    }

    /// The part within a picture of these sides.
    pub(super) fn within(&self, width: f32, height: f32) -> Self {
        Self {
            left: self.left.clamp(0.0, width),
            top: self.top.clamp(0.0, height),
            right: self.right.clamp(0.0, width),
            bottom: self.bottom.clamp(0.0, height),
        }
    }
}

/// An object that was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Detection {
    /// What it is: a place in [`COCO_LABELS`].
    pub class: usize,
    /// How sure that is, from 0 to 1.
    pub score: f32,
    /// Where it is.
    pub bounds: BoundingBox,
}

impl Detection {
    /// Returns what it is, in English.
    #[must_use]
    pub fn label(&self) -> &'static str {
        COCO_LABELS.get(self.class).copied().unwrap_or("object")
    }
}

/// Non-maximum suppression within each class: of boxes with an intersection over union above `overlap` the one of the highest score is kept. Returns at most
/// `options.most`, the highest score first. Boxes without an area go.
pub(super) fn suppress(
    mut found: Vec<Detection>,
    overlap: f32,
    options: &DetectionOptions,
) -> Vec<Detection> {
    found.retain(|one| one.score >= options.least_score && one.bounds.area() > 0.0);
    found.sort_by(|one, other| other.score.total_cmp(&one.score));
    let mut kept: Vec<Detection> = Vec::new();
    for one in found {
        if kept.len() >= options.most {
            break;
        }
        let is_covered = kept.iter().any(|other| {
            other.class == one.class && other.bounds.intersection_over_union(&one.bounds) > overlap
        });
        if !is_covered {
            kept.push(one);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(class: usize, score: f32, [left, top, right, bottom]: [f32; 4]) -> Detection {
        Detection {
            class,
            score,
            bounds: BoundingBox {
                left,
                top,
                right,
                bottom,
            },
        }
    }

    #[test]
    fn one_box_of_a_kind_is_left_for_each_object() {
        let all = vec![
            found(0, 0.6, [1.0, 0.0, 11.0, 10.0]),
            found(0, 0.9, [0.0, 0.0, 10.0, 10.0]),
            found(1, 0.5, [0.0, 0.0, 10.0, 10.0]),
            found(0, 0.8, [20.0, 0.0, 30.0, 10.0]),
            found(0, 0.1, [40.0, 0.0, 50.0, 10.0]),
            found(0, f32::NAN, [40.0, 0.0, 50.0, 10.0]),
            found(0, 0.7, [5.0, 5.0, 5.0, 9.0]),
        ];
        let kept = suppress(all.clone(), 0.6, &DetectionOptions::default());
        assert_eq!(kept, [all[1], all[3], all[2]]);
        let one = DetectionOptions {
            most: 1,
            ..DetectionOptions::default()
        };
        assert_eq!(suppress(all.clone(), 0.6, &one), [all[1]]);
        assert_eq!(
            all[0].bounds.intersection_over_union(&all[1].bounds),
            90.0 / 110.0
        );
        assert_eq!(all[0].label(), "person");
    }
}
