//! Objects in pictures: boxes of 80 kinds of things, those of COCO.
//!
//! Two networks find them, both run by the graph executor: [`SsdMobileNet`] and [`CenterNet`]. Each takes a picture of any size, and gives [`Detection`]s in the picture's pixels, the surest first; of boxes of one kind that cover the same object one is left.

mod anchors;
mod boxes;
mod centernet;
mod input;
mod labels;
mod ssd;

pub use boxes::{BoundingBox, Detection};
pub use centernet::CenterNet;
pub use labels::COCO_LABELS;
pub use ssd::SsdMobileNet;

/// Which objects are told of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DetectionOptions {
    /// The least score, from 0 to 1.
    pub least_score: f32,
    /// How many at most.
    pub most: usize,
}

impl Default for DetectionOptions {
    fn default() -> Self {
        Self {
            least_score: 0.3,
            most: 100,
        }
    }
}
