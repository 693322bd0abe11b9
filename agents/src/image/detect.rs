//! `image.detect`: which things are where in a picture.

use std::path::PathBuf;
use std::sync::Arc;

use aimass_models::detection::COCO_LABELS;
use aimass_runtime::{BatchSkill, Fault, Operation, Skill, SkillSpec, StepContext};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::image::ObjectDetector;
use crate::image::input::{Bounds, ImageSize, decoded};

/// Finds things of 80 kinds in a picture.
#[derive(Debug, Clone, Copy, Default)]
pub struct Detect;

/// A picture, and what to look for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DetectInput {
    /// A picture: png, jpeg, webp, gif, bmp or tiff. Of an animation the first frame counts.
    #[schemars(extend("format" = "path"))]
    pub path: PathBuf,
    /// Least score of an object that is told, above 0 and below 1; default: what suits the model, 0.45 for `ssd-mobilenet-v2` and 0.3 for `centernet`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f32>,
    /// Names of the only things to tell, such as `person` or `dog`; default: all that it knows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
}

/// What is where in a picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DetectedObjects {
    /// The picture.
    #[serde(flatten)]
    pub size: ImageSize,
    /// Objects, the surest first.
    #[schemars(extend("x-view" = "boxes"))]
    pub objects: Vec<DetectedObject>,
}

/// An object in a picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DetectedObject {
    /// What it is: one of the 80 names of COCO.
    pub label: String,
    /// How sure that is, 0 to 1.
    pub score: f32,
    /// Whether the score is one at which this model is hardly ever wrong: a description names what is sure.
    pub sure: bool,
    /// Left, top, right and bottom in pixels of the upright picture.
    #[serde(rename = "box")]
    pub bounds: Bounds,
}

impl DetectedObject {
    /// The pixels that its box covers.
    pub(super) fn area(&self) -> f32 {
        let [left, top, right, bottom] = self.bounds;
        (right - left).max(0.0) * (bottom - top).max(0.0)
    }
}

impl DetectInput {
    /// All things in the picture in this file.
    pub fn path(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            threshold: None,
            labels: Vec::new(),
        }
    }
}

impl DetectInput {
    fn check_threshold(&self) -> Result<(), Fault> {
        match self.threshold {
            Some(threshold) if !(threshold > 0.0 && threshold < 1.0) => Err(Fault::rejected(
                format!("expected a `threshold` above 0 and below 1, got {threshold}"),
            )),
            _ => Ok(()),
        }
    }

    /// Whether that is asked for. A name that the detector does not know is refused before.
    fn wants(&self, label: &str) -> bool {
        self.labels.is_empty() || self.labels.iter().any(|wanted| wanted == label)
    }

    fn check_labels(&self) -> Result<(), Fault> {
        let unknown = self
            .labels
            .iter()
            .find(|label| !COCO_LABELS.contains(&label.as_str()));
        match unknown {
            None => Ok(()),
            Some(unknown) => Err(Fault::rejected(format!(
                "expected `labels` out of the {} names of COCO, such as `person`, `dog` or `cell phone`, got `{unknown}`",
                COCO_LABELS.len()
            ))),
        }
    }
}

impl Skill for Detect {
    const NAME: &'static str = "image.detect";
    type Input = DetectInput;
    type Output = DetectedObjects;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Finds things of 80 kinds in a picture, with their places.")
            .operation(Operation::DetectObjects)
            .main_field("path")
    }

    fn input_bytes(&self, input: &DetectInput) -> u64 {
        let labels: usize = input.labels.iter().map(String::len).sum();
        (input.path.as_os_str().len() + labels) as u64 + 32
    }
}

impl BatchSkill for Detect {
    type Model = ObjectDetector;

    fn run(
        &self,
        model: &mut ObjectDetector,
        inputs: &[Arc<DetectInput>],
        _: &mut StepContext<'_>,
    ) -> Vec<Result<DetectedObjects, Fault>> {
        inputs.iter().map(|input| detect(model, input)).collect()
    }
}

fn detect(model: &ObjectDetector, input: &DetectInput) -> Result<DetectedObjects, Fault> {
    input.check_threshold()?;
    input.check_labels()?;
    let picture = decoded(&input.path)?;
    let mut objects = model.objects(&picture.pixels, input.threshold)?;
    objects.retain(|object| input.wants(&object.label));
    Ok(DetectedObjects {
        size: ImageSize::of(&picture),
        objects,
    })
}
