//! `image.detect`: objects in a picture, with their boxes.

use std::path::PathBuf;
use std::sync::Arc;

use aimass_models::detection::{BoundingBox, COCO_LABELS};
use aimass_runtime::{BatchSkill, Fault, Operation, Skill, SkillSpec, StepContext};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::image::ObjectDetector;
use crate::image::input::{Bounds, ImageSize, decoded};

/// Detects objects of COCO's 80 classes in a picture.
#[derive(Debug, Clone, Copy, Default)]
pub struct Detect;

/// A picture, and which objects to return.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DetectInput {
    /// A picture: png, jpeg, webp, gif, bmp or tiff. Of an animation the first frame counts.
    #[schemars(extend("format" = "path"))]
    pub path: PathBuf,
    /// Minimum score, above 0 and below 1; default: 0.45 for `ssd-mobilenet-v2`, 0.3 for `centernet`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f32>,
    /// Labels of the only objects to return, such as `person` or `dog`; default: all 80 of COCO.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
}

/// The objects in a picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DetectedObjects {
    /// The picture.
    #[serde(flatten)]
    pub size: ImageSize,
    /// Objects, at most 100, the highest score first.
    #[schemars(extend("x-view" = "boxes"))]
    pub objects: Vec<DetectedObject>,
}

/// An object in a picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DetectedObject {
    /// One of COCO's 80 labels.
    pub label: String,
    /// The model's score, 0 to 1.
    pub score: f32,
    /// Whether a description names it: the score is at least 0.75 (`ssd-mobilenet-v2`) or 0.5 (`centernet`). In `image.describe`
    /// also false where the classes, or an overlapping object of a higher score, contradict it.
    pub sure: bool,
    /// Left, top, right and bottom in pixels of the upright picture.
    #[serde(rename = "box")]
    pub bounds: Bounds,
}

impl DetectedObject {
    /// Its box.
    pub(super) fn bounding_box(&self) -> BoundingBox {
        let [left, top, right, bottom] = self.bounds;
        BoundingBox {
            left,
            top,
            right,
            bottom,
        }
    }
}

impl DetectInput {
    /// Returns the input for all objects in the picture in this file.
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

    /// Whether that label is asked for. One that the detector does not know is refused before.
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
                "expected `labels` out of the {} labels of COCO, such as `person`, `dog` or `cell phone`, got `{unknown}`",
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
        SkillSpec::of::<Self>(
            "Detects objects of COCO's 80 classes in a picture, with their boxes.",
        )
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
