//! `image.compare_faces`: how similar the faces of two pictures are.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use aimass_models::face_api::same_person;
use aimass_runtime::{Fault, FlowContext, FlowSkill, Skill, SkillSpec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::image::{Bounds, DetectedFace, FaceDetail, Faces, FacesInput};

/// Compares the faces of two pictures.
#[derive(Debug, Clone, Copy, Default)]
pub struct CompareFaces;

/// Two pictures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CompareFacesInput {
    /// A picture with a face.
    #[schemars(extend("format" = "path"))]
    pub path: PathBuf,
    /// Another picture with a face.
    #[schemars(extend("format" = "path"))]
    pub other: PathBuf,
}

/// The similarity of the faces of two pictures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ComparedFaces {
    /// Each face of one picture with each face of the other, the most similar pair first.
    #[schemars(extend("x-view" = "table"))]
    pub pairs: Vec<FacePair>,
}

/// A face of one picture and one of another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FacePair {
    /// The face in `path`.
    #[serde(rename = "box")]
    pub bounds: Bounds,
    /// The face in `other`.
    #[serde(rename = "other_box")]
    pub other_bounds: Bounds,
    /// Similarity of the two faces, 0 to 1: 1 - distance / 1.2 of their embeddings. From 0.5 on, dlib's threshold, they are taken
    /// for one person.
    pub score: f32,
}

impl Skill for CompareFaces {
    const NAME: &'static str = "image.compare_faces";
    type Input = CompareFacesInput;
    type Output = ComparedFaces;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Compares the faces of two pictures.").main_field("path")
    }

    fn input_bytes(&self, input: &CompareFacesInput) -> u64 {
        (input.path.as_os_str().len() + input.other.as_os_str().len()) as u64 + 32
    }
}

impl FlowSkill for CompareFaces {
    async fn run(
        &self,
        input: Arc<CompareFacesInput>,
        context: FlowContext,
    ) -> Result<ComparedFaces, Fault> {
        let faces = faces_in(&input.path, &context).await?;
        let others = faces_in(&input.other, &context).await?;
        let pair = |one: &DetectedFace, other: &DetectedFace| FacePair {
            bounds: one.bounds,
            other_bounds: other.bounds,
            score: same_person(embedding(one), embedding(other)),
        };
        let pairs = faces
            .iter()
            .flat_map(|one| others.iter().map(move |other| pair(one, other)));
        let mut pairs: Vec<FacePair> = pairs.collect();
        pairs.sort_by(|one, other| other.score.total_cmp(&one.score));
        Ok(ComparedFaces { pairs })
    }
}

/// The faces of a picture, with their embeddings.
async fn faces_in(path: &Path, context: &FlowContext) -> Result<Vec<DetectedFace>, Fault> {
    let asked = FacesInput {
        detail: FaceDetail::Embeddings,
        ..FacesInput::path(path)
    };
    let found = context.ask::<Faces>(asked).await?;
    if found.faces.is_empty() {
        return Err(Fault::rejected(format!(
            "expected a picture with a face, found none in `{}`",
            path.display()
        )));
    }
    Ok(found.faces)
}

fn embedding(face: &DetectedFace) -> &[f32] {
    face.embedding.as_deref().unwrap_or_default()
}
