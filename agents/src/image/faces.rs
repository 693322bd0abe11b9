//! `image.faces`: faces in a picture, their expressions and embeddings.

use std::path::PathBuf;
use std::sync::Arc;

use aimass_models::Store;
use aimass_runtime::{Fault, FlowContext, FlowSkill, Skill, SkillSpec, TaskError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::image::input::{Bounds, ImageSize};
use crate::image::{FaceBox, FaceFeatures, FaceFeaturesInput, FindFaces, ImageInput, SeenFaces};

/// Detects faces in a picture.
#[derive(Debug, Clone)]
pub struct Faces {
    store: Store,
    /// The catalogue's name of the optional model.
    features: String,
}

impl Faces {
    /// Creates the skill. It asks for expressions where `store` has the model `features`.
    pub fn new(store: Store, features: &str) -> Self {
        Self {
            store,
            features: features.to_owned(),
        }
    }

    /// Whether the optional model is there. A task that cannot succeed would be told as a failure.
    async fn has_features(&self, context: &FlowContext) -> Result<bool, Fault> {
        let (store, features) = (self.store.clone(), self.features.clone());
        context
            .blocking(move || store.path(&features).is_ok())
            .await
    }
}

/// A picture, and what to find out of its faces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FacesInput {
    /// A picture: png, jpeg, webp, gif, bmp or tiff. Of an animation the first frame counts.
    #[schemars(extend("format" = "path"))]
    pub path: PathBuf,
    /// `embeddings` adds an embedding to each face, by which faces can be compared, and needs the model `face-api`; default: `none`.
    #[serde(default, skip_serializing_if = "FaceDetail::is_usual")]
    pub detail: FaceDetail,
}

/// What is returned of each face.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FaceDetail {
    /// Its box, landmarks and expression.
    #[default]
    None,
    /// Its embedding as well.
    Embeddings,
}

impl FaceDetail {
    fn is_usual(&self) -> bool {
        *self == Self::None
    }
}

/// The faces of a picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DetectedFaces {
    /// The picture.
    #[serde(flatten)]
    pub size: ImageSize,
    /// Faces, the largest first.
    #[schemars(extend("x-view" = "boxes"))]
    pub faces: Vec<DetectedFace>,
}

/// A face in a picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DetectedFace {
    /// Left, top, right and bottom in pixels of the upright picture.
    #[serde(rename = "box")]
    pub bounds: Bounds,
    /// How sure it is that this is a face, 0 to 1.
    pub score: f32,
    /// The eye on the left of the picture, that on the right, the nose, the left and the right
    /// corner of the mouth: from the left and from the top, in pixels.
    pub landmarks: [[f32; 2]; 5],
    /// Its expression; null while the model for that has not been fetched.
    pub expression: Option<Expression>,
    /// An embedding of 128 numbers: those of one person are near each other. Absent unless asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embedding: Option<Vec<f32>>,
}

/// A facial expression.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Expression {
    /// `neutral`, `happy`, `sad`, `angry`, `fearful`, `disgusted` or `surprised`.
    pub label: String,
    /// Its probability, 0 to 1.
    pub score: f32,
}

/// The score from which a face is one. Of those that are found in the labelled pictures that are not held out, animals have up to .91.
const SURE: f32 = 0.95;

impl DetectedFace {
    /// Whether it is sure enough to be named.
    pub(super) fn is_sure(&self) -> bool {
        self.score >= SURE
    }
}

impl FacesInput {
    /// Returns the input for the picture in this file.
    pub fn path(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            detail: FaceDetail::default(),
        }
    }
}

impl Skill for Faces {
    const NAME: &'static str = "image.faces";
    type Input = FacesInput;
    type Output = DetectedFaces;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>(
            "Detects faces in a picture: boxes, eyes, nose and mouth, and their expressions.",
        )
        .main_field("path")
    }

    fn input_bytes(&self, input: &FacesInput) -> u64 {
        input.path.as_os_str().len() as u64 + 32
    }
}

impl FlowSkill for Faces {
    async fn run(
        &self,
        input: Arc<FacesInput>,
        context: FlowContext,
    ) -> Result<DetectedFaces, Fault> {
        let found = context
            .ask::<FindFaces>(ImageInput::path(&input.path))
            .await?;
        let is_asked =
            input.detail == FaceDetail::Embeddings || self.has_features(&context).await?;
        let seen = match found.faces.is_empty() || !is_asked {
            true => None,
            false => seen(&input, &found.faces, &context).await?,
        };
        let seen = seen.map(|seen| seen.faces).unwrap_or_default();
        let mut seen = seen.into_iter();
        let face = |face: FaceBox| {
            let seen = seen.next();
            let (expression, embedding) =
                seen.map(|seen| (seen.expression, seen.embedding)).unzip();
            DetectedFace {
                bounds: face.bounds,
                score: face.score,
                landmarks: face.landmarks,
                expression,
                embedding: embedding.filter(|_| input.detail == FaceDetail::Embeddings),
            }
        };
        Ok(DetectedFaces {
            size: found.size,
            faces: found.faces.into_iter().map(face).collect(),
        })
    }
}

/// Expressions and embeddings; none where the model for that has not been fetched and nobody asked for what
/// only it gives.
async fn seen(
    input: &FacesInput,
    faces: &[FaceBox],
    context: &FlowContext,
) -> Result<Option<SeenFaces>, Fault> {
    let asked = FaceFeaturesInput {
        path: input.path.clone(),
        faces: faces.to_vec(),
    };
    match context.ask::<FaceFeatures>(asked).await {
        Ok(seen) => Ok(Some(seen)),
        Err(TaskError::Unavailable { .. }) if input.detail == FaceDetail::None => Ok(None),
        Err(error) => Err(error.into()),
    }
}
