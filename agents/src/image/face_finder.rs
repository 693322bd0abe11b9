//! The networks that find faces.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use aimass_models::ModelError;
use aimass_models::device::Device;
use aimass_models::mtcnn::{Face, FaceSearch, Mtcnn, MtcnnWeights};
use aimass_models::picture::{Filter, Pixels};

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

/// Pixels of a picture as the networks see it at most: their search needs some 76 bytes for each.
const MOST_PIXELS: u64 = 4_000_000;

impl FaceFinder {
    /// The faces of a picture, the largest first.
    pub(super) fn faces(&self, picture: &Pixels) -> Result<Vec<FaceBox>, ModelError> {
        let (seen, scale) = seen(picture)?;
        let faces = self.0.detect(&seen, FaceSearch::default())?;
        let sides = [picture.width() as f32, picture.height() as f32];
        let face = |face: Face| {
            let edge = |edge: usize| (face.bounds[edge] * scale).clamp(0.0, sides[edge % 2]);
            FaceBox {
                bounds: [edge(0), edge(1), edge(2), edge(3)],
                score: face.score,
                landmarks: face.landmarks.map(|place| place.map(|axis| axis * scale)),
            }
        };
        Ok(faces.into_iter().map(face).collect())
    }
}

/// A picture in a size that the networks see, and by what its places are multiplied to be those of the picture.
fn seen(picture: &Pixels) -> Result<(Cow<'_, Pixels>, f32), ModelError> {
    let (width, height) = (picture.width(), picture.height());
    let pixels = u64::from(width) * u64::from(height);
    if pixels <= MOST_PIXELS {
        return Ok((Cow::Borrowed(picture), 1.0));
    }
    let scale = (pixels as f64 / MOST_PIXELS as f64).sqrt();
    let [width, height] = [width, height].map(|side| (f64::from(side) / scale).max(1.0) as u32);
    let smaller = picture.resize(width, height, Filter::Area)?;
    Ok((Cow::Owned(smaller), scale as f32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_pictures_are_made_smaller_and_others_left_alone() {
        let sides = |width, height| {
            let picture = Pixels::filled(width, height, [9; 3]).unwrap();
            let (seen, scale) = seen(&picture).unwrap();
            (seen.width(), seen.height(), scale)
        };
        assert_eq!(sides(2000, 2000), (2000, 2000, 1.0));
        assert_eq!(sides(4000, 4000), (2000, 2000, 2.0));
        assert_eq!(sides(1, 9_000_000).0, 1);
        let (width, height, _) = sides(20_000, 1000);
        assert!(u64::from(width) * u64::from(height) <= MOST_PIXELS);
    }
}
