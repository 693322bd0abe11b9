//! The networks that find faces.

use std::path::Path;
use std::sync::Arc;

use aimass_models::ModelError;
use aimass_models::device::Device;
use aimass_models::mtcnn::{FaceSearch, Mtcnn, MtcnnWeights};
use aimass_models::picture::Pixels;

use crate::image::FaceBox;
use crate::stored::{Stored, StoredWeights};

/// The model source of networks that find faces.
pub type FaceFinderSource = Stored<MtcnnWeights>;

impl StoredWeights for MtcnnWeights {
    type Options = ();
    type Model = FaceFinder;

    const FILE: &'static str = "onet.pt";

    fn load(folder: &Path, device: &Device, (): &()) -> Result<Self, ModelError> {
        Self::load(folder, device)
    }

    fn build(weights: &Arc<Self>, _: &FaceFinderSource) -> FaceFinder {
        FaceFinder(Mtcnn::new(weights.clone()))
    }

    fn memory_bytes(&self) -> u64 {
        self.memory_bytes()
    }
}

/// What a worker that finds faces owns.
pub struct FaceFinder(Mtcnn);

impl FaceFinder {
    /// The faces of a picture, the largest first.
    pub(super) fn faces(&self, picture: &Pixels) -> Result<Vec<FaceBox>, ModelError> {
        let (width, height) = (picture.width() as f32, picture.height() as f32);
        let faces = self.0.detect(picture, FaceSearch::default())?;
        let face = |face: aimass_models::mtcnn::Face| {
            let [left, top, right, bottom] = face.bounds;
            FaceBox {
                bounds: [
                    left.clamp(0.0, width),
                    top.clamp(0.0, height),
                    right.clamp(0.0, width),
                    bottom.clamp(0.0, height),
                ],
                score: face.score,
                landmarks: face.landmarks,
            }
        };
        Ok(faces.into_iter().map(face).collect())
    }
}
