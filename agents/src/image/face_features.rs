//! `image.face_features`: facial expressions and face embeddings. Used by `image.faces` where that
//! optional model has been fetched.

use std::path::PathBuf;
use std::sync::Arc;

use aimass_models::picture::Pixels;
use aimass_runtime::{BatchIndex, Fault, ModelSkill, Skill, SkillSpec, Step, StepContext};
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

/// Faces that are looked at in one step.
const AT_ONCE: usize = 16;

/// How far a picture has come.
pub enum FacesUnderWay {
    /// Not decoded yet.
    Waiting(Arc<FaceFeaturesInput>),
    /// So many of its faces have been looked at.
    Looking(Arc<FaceFeaturesInput>, Pixels, Vec<SeenFace>),
}

/// What comes of one step.
enum Stepped {
    Looking(FacesUnderWay),
    Seen(SeenFaces),
}

impl ModelSkill for FaceFeatures {
    type Model = FaceReader;
    /// None of those that are settled.
    type Job = Vec<Option<FacesUnderWay>>;

    fn begin(
        &self,
        _: &mut FaceReader,
        inputs: Vec<Arc<FaceFeaturesInput>>,
        _: &mut StepContext<'_>,
    ) -> Result<Self::Job, Fault> {
        let waiting = |input| Some(FacesUnderWay::Waiting(input));
        Ok(inputs.into_iter().map(waiting).collect())
    }

    /// Decodes a picture, or looks at some of its faces.
    fn step(
        &self,
        model: &mut FaceReader,
        job: &mut Self::Job,
        context: &mut StepContext<'_>,
    ) -> Result<Step<SeenFaces>, Fault> {
        for (member, picture) in job.iter_mut().enumerate() {
            let member = BatchIndex(member as u32);
            let Some(under_way) = picture.take() else {
                continue;
            };
            if context.is_cancelled(member) {
                continue;
            }
            return Ok(match under_way.step(model) {
                Ok(Stepped::Looking(under_way)) => {
                    *picture = Some(under_way);
                    Step::Continue
                }
                Ok(Stepped::Seen(faces)) => Step::Settled(vec![(member, Ok(faces))]),
                Err(fault) => Step::Settled(vec![(member, Err(fault))]),
            });
        }
        Ok(Step::Finished)
    }

    fn finish(
        &self,
        _: &mut FaceReader,
        _: Self::Job,
        _: &mut StepContext<'_>,
    ) -> Vec<(BatchIndex, Result<SeenFaces, Fault>)> {
        Vec::new()
    }
}

impl FacesUnderWay {
    fn step(self, model: &FaceReader) -> Result<Stepped, Fault> {
        let (input, picture, mut seen) = match self {
            Self::Waiting(input) => {
                let count = input.faces.len();
                if count > MAX_FACES {
                    return Err(Fault::rejected(format!(
                        "expected at most {MAX_FACES} faces, got {count}"
                    )));
                }
                let picture = decoded(&input.path)?.pixels;
                input.check_places(&picture)?;
                (input, picture, Vec::new())
            }
            Self::Looking(input, picture, seen) => (input, picture, seen),
        };
        let left = input.faces.get(seen.len()..).unwrap_or_default();
        let some = model.see(&picture, &left[..left.len().min(AT_ONCE)]);
        seen.extend(some.map_err(|error| fault(&error))?);
        Ok(match seen.len() == input.faces.len() {
            true => Stepped::Seen(SeenFaces { faces: seen }),
            false => Stepped::Looking(Self::Looking(input, picture, seen)),
        })
    }
}

impl FaceFeaturesInput {
    /// Refuses faces that are not in the picture. Landmarks may be a little outside, where a face is cut off.
    fn check_places(&self, picture: &Pixels) -> Result<(), Fault> {
        let sides = [picture.width() as f32, picture.height() as f32];
        let is_near = |place: [f32; 2]| {
            let [x, y] = [place[0] / sides[0], place[1] / sides[1]];
            (-0.5..=1.5).contains(&x) && (-0.5..=1.5).contains(&y)
        };
        let is_face = |face: &FaceBox| {
            let [left, top, right, bottom] = face.bounds;
            let is_box =
                left < right && top < bottom && is_near([left, top]) && is_near([right, bottom]);
            is_box && face.landmarks.into_iter().all(is_near)
        };
        match self.faces.iter().position(|face| !is_face(face)) {
            None => Ok(()),
            Some(at) => Err(Fault::rejected(format!(
                "expected boxes and landmarks in the picture of {} x {} pixels, got others in `faces[{at}]`; give what `image.face_boxes` found",
                sides[0], sides[1]
            ))),
        }
    }
}
