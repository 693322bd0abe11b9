//! The networks for facial expressions and face embeddings.

use std::path::Path;
use std::sync::Arc;

use aimass_models::ModelError;
use aimass_models::device::Device;
use aimass_models::face_api::{FaceApi, FaceApiWeights, aligned};
use aimass_models::picture::{Pixels, Region};

use crate::image::{Expression, FaceBox, SeenFace};
use crate::stored::{Stored, StoredWeights};

/// The model source of the networks for faces.
pub type FaceReaderSource = Stored<FaceApiWeights>;

impl StoredWeights for FaceApiWeights {
    type Options = ();
    type Model = FaceReader;

    const FILE: &'static str = "face_recognition_model.bin";

    fn load(folder: &Path, device: &Device, (): &()) -> Result<Self, ModelError> {
        Self::load(folder, device)
    }

    fn build(weights: &Arc<Self>, _: &FaceReaderSource) -> FaceReader {
        FaceReader(FaceApi::new(weights.clone()))
    }

    fn memory_bytes(&self) -> u64 {
        self.memory_bytes()
    }
}

/// What a worker for facial expressions and face embeddings owns.
pub struct FaceReader(FaceApi);

impl FaceReader {
    /// The expressions and embeddings of faces of a picture, in the order of the faces.
    pub(super) fn see(
        &self,
        picture: &Pixels,
        faces: &[FaceBox],
    ) -> Result<Vec<SeenFace>, ModelError> {
        let regions: Vec<Region> = faces.iter().map(|face| region(picture, face)).collect();
        let embeddings = self.0.embed(picture, &regions)?;
        let expressions = self.0.expressions(picture, &regions)?;
        let seen = expressions.into_iter().zip(embeddings);
        let face = |(probabilities, embedding): ([f32; 7], Vec<f32>)| SeenFace {
            expression: likeliest(probabilities),
            embedding,
        };
        Ok(seen.map(face).collect())
    }
}

/// What the networks are shown of a face: what its landmarks say, else its box.
fn region(picture: &Pixels, face: &FaceBox) -> Region {
    let (width, height) = (picture.width(), picture.height());
    aligned(face.landmarks, width, height).unwrap_or_else(|| {
        let [left, top, right, bottom] = face.bounds;
        // A float becomes an integer within its bounds.
        let (left, top) = (
            (left as u32).min(width.saturating_sub(1)),
            (top as u32).min(height.saturating_sub(1)),
        );
        Region {
            left,
            top,
            width: (right as u32).min(width).saturating_sub(left).max(1),
            height: (bottom as u32).min(height).saturating_sub(top).max(1),
        }
    })
}

fn likeliest(probabilities: [f32; 7]) -> Expression {
    let named = aimass_models::face_api::Expression::ALL
        .iter()
        .zip(probabilities);
    let best = named.max_by(|(_, one), (_, other)| one.total_cmp(other));
    let (name, score) = best.map_or(("neutral", 0.0), |(kind, score)| (kind.name(), score));
    Expression {
        label: name.to_owned(),
        score,
    }
}
