//! Objects in pictures: boxes of COCO's 80 classes.
//!
//! Two networks find them, both run by the graph executor: [`SsdMobileNet`] and [`CenterNet`]. Each takes a picture of any size, and gives [`Detection`]s in the picture's pixels, the highest score first, after non-maximum suppression within each class.

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

/// Which objects are returned.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DetectionOptions {
    /// The minimum score, from 0 to 1.
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
