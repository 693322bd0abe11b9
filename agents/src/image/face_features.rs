//! `image.face_features`: facial expressions and face embeddings. Used by `image.faces` where that
//! optional model has been fetched.

use std::path::PathBuf;
use std::sync::Arc;

use aimass_runtime::{BatchSkill, Fault, Skill, SkillSpec, StepContext};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::image::input::decoded;
use crate::image::{Expression, FaceBox, FaceReader};
use crate::stored::fault;

/// Faces of one picture at most.
const MAX_FACES: usize = 1000;

/// Computes expressions and embeddings of faces whose boxes are known.
#[derive(Debug, Clone, Copy, Default)]
pub struct FaceFeatures;

/// A picture, and where faces are in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FaceFeaturesInput {
    /// A picture: png, jpeg, webp, gif, bmp or tiff. Of an animation the first frame counts.
    #[schemars(extend("format" = "path"))]
    pub path: PathBuf,
    /// Where faces are, as `image.face_boxes` tells it.
    pub faces: Vec<FaceBox>,
}

/// Expressions and embeddings, in the order of the input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SeenFaces {
    /// Each face.
    pub faces: Vec<SeenFace>,
}

/// The expression and embedding of a face.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SeenFace {
    /// Its expression.
    pub expression: Expression,
    /// An embedding of 128 numbers: those of one person are near each other.
    pub embedding: Vec<f32>,
}

impl Skill for FaceFeatures {
    const NAME: &'static str = "image.face_features";
    type Input = FaceFeaturesInput;
    type Output = SeenFaces;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>(
            "Computes the expressions of faces, and the embeddings by which they are compared.",
        )
    }

    fn input_bytes(&self, input: &FaceFeaturesInput) -> u64 {
        (input.path.as_os_str().len() + size_of_val(&input.faces[..])) as u64
    }
}

impl BatchSkill for FaceFeatures {
    type Model = FaceReader;

    fn run(
        &self,
        model: &mut FaceReader,
        inputs: &[Arc<FaceFeaturesInput>],
        _: &mut StepContext<'_>,
    ) -> Vec<Result<SeenFaces, Fault>> {
        inputs.iter().map(|input| look(model, input)).collect()
    }
}

fn look(model: &FaceReader, input: &FaceFeaturesInput) -> Result<SeenFaces, Fault> {
    let count = input.faces.len();
    if count > MAX_FACES {
        return Err(Fault::rejected(format!(
            "expected at most {MAX_FACES} faces, got {count}"
        )));
    }
    let picture = decoded(&input.path)?;
    let faces = model.see(&picture.pixels, &input.faces);
    Ok(SeenFaces {
        faces: faces.map_err(|error| fault(&error))?,
    })
}
