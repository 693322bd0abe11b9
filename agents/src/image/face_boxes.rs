//! `image.face_boxes`: where faces are in a picture. Used by `image.faces`.

use std::sync::Arc;

use aimass_runtime::{BatchSkill, Fault, Skill, SkillSpec, StepContext};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::image::input::{Bounds, ImageSize, decoded};
use crate::image::{FaceFinder, ImageInput};
use crate::stored::fault;

/// Detects faces in a picture.
#[derive(Debug, Clone, Copy, Default)]
pub struct FindFaces;

/// Where faces are in a picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FaceBoxes {
    /// The picture.
    #[serde(flatten)]
    pub size: ImageSize,
    /// Faces, the largest first.
    #[schemars(extend("x-view" = "boxes"))]
    pub faces: Vec<FaceBox>,
}

/// Where a face is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FaceBox {
    /// Left, top, right and bottom in pixels of the upright picture.
    #[serde(rename = "box")]
    pub bounds: Bounds,
    /// How sure it is that this is a face, 0 to 1.
    pub score: f32,
    /// The eye on the left of the picture, that on the right, the nose, the left and the right
    /// corner of the mouth: from the left and from the top, in pixels.
    pub landmarks: [[f32; 2]; 5],
}

impl Skill for FindFaces {
    const NAME: &'static str = "image.face_boxes";
    type Input = ImageInput;
    type Output = FaceBoxes;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Detects faces in a picture: boxes, eyes, nose and mouth.")
            .main_field("path")
    }

    fn input_bytes(&self, input: &ImageInput) -> u64 {
        input.bytes()
    }
}

impl BatchSkill for FindFaces {
    type Model = FaceFinder;

    fn run(
        &self,
        model: &mut FaceFinder,
        inputs: &[Arc<ImageInput>],
        _: &mut StepContext<'_>,
    ) -> Vec<Result<FaceBoxes, Fault>> {
        let find = |input: &Arc<ImageInput>| {
            let picture = decoded(&input.path)?;
            let faces = model.faces(&picture.pixels);
            Ok(FaceBoxes {
                size: ImageSize::of(&picture),
                faces: faces.map_err(|error| fault(&error))?,
            })
        };
        inputs.iter().map(find).collect()
    }
}
