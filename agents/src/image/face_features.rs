//! `image.face_features`: how faces look, and the vectors by which they are compared. It is what
//! `image.faces` stands on where that optional model has been fetched.

use std::path::PathBuf;
use std::sync::Arc;

use aimass_runtime::{BatchSkill, Fault, Skill, SkillSpec, StepContext};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::image::input::decoded;
use crate::image::{Expression, FaceBox, FaceReader};
use crate::stored::fault;

/// Faces of one picture that may be looked at.
const MAX_FACES: usize = 1000;

/// Looks at faces whose places are known.
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

/// What was seen of each face, in the order of the input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SeenFaces {
    /// Each face.
    pub faces: Vec<SeenFace>,
}

/// What was seen of a face.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SeenFace {
    /// How it looks.
    pub expression: Expression,
    /// A vector of 128 values: those of one person lie near each other.
    pub embedding: Vec<f32>,
}

impl Skill for FaceFeatures {
    const NAME: &'static str = "image.face_features";
    type Input = FaceFeaturesInput;
    type Output = SeenFaces;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>(
            "Says how faces look, and gives the vectors by which faces are compared.",
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
