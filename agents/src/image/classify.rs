//! `image.classify`: what a picture shows, as one of 1,000 classes.

use std::path::PathBuf;
use std::sync::Arc;

use aimass_runtime::{BatchSkill, Fault, Skill, SkillSpec, StepContext};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::image::ImageClassifier;
use crate::image::classifier::{ImageView, LookedAt};
use crate::image::input::ImageSize;

/// Classes that are told, where the caller names no number.
const TOP: u32 = 5;
/// Classes that can be told: all.
const MAX_TOP: u32 = 1000;

/// Classifies a picture: ImageNet's classes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Classify;

/// A picture, and how many classes to tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClassifyInput {
    /// A picture: png, jpeg, webp, gif, bmp or tiff. Of an animation the first frame counts.
    #[schemars(extend("format" = "path"))]
    pub path: PathBuf,
    /// How many classes to tell, 1 to 1,000; default: 5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top: Option<u32>,
}

/// The classes of a picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ImageClasses {
    /// The picture.
    #[serde(flatten)]
    pub size: ImageSize,
    /// Classes, the likeliest first.
    #[schemars(extend("x-view" = "scored"))]
    pub classes: Vec<ImageClass>,
}

/// A class of pictures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ImageClass {
    /// The names of the class, as ImageNet has them: `tabby, tabby cat`.
    pub label: String,
    /// Its probability, 0 to 1; those of all 1,000 classes add up to 1.
    pub score: f32,
}

impl ClassifyInput {
    /// Returns the input for five classes of the picture in this file.
    pub fn path(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            top: None,
        }
    }

    fn top(&self) -> Result<usize, Fault> {
        match self.top.unwrap_or(TOP) {
            top @ 1..=MAX_TOP => Ok(top as usize),
            other => Err(Fault::rejected(format!(
                "expected a `top` of 1 to {MAX_TOP} classes, got {other}"
            ))),
        }
    }
}

impl Skill for Classify {
    const NAME: &'static str = "image.classify";
    type Input = ClassifyInput;
    type Output = ImageClasses;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Says what a picture shows, as classes of ImageNet.")
            .main_field("path")
    }

    fn input_bytes(&self, input: &ClassifyInput) -> u64 {
        input.path.as_os_str().len() as u64 + 32
    }
}

impl BatchSkill for Classify {
    type Model = ImageClassifier;

    fn run(
        &self,
        model: &mut ImageClassifier,
        inputs: &[Arc<ClassifyInput>],
        _: &mut StepContext<'_>,
    ) -> Vec<Result<ImageClasses, Fault>> {
        let view = |input: &Arc<ClassifyInput>| {
            input.top()?;
            ImageView::of(&input.path)
        };
        let looked_at = model.look(inputs.iter().map(view).collect());
        let classes = |(input, looked_at): (&Arc<ClassifyInput>, Result<LookedAt, Fault>)| {
            let (top, looked_at) = (input.top()?, looked_at?);
            Ok(ImageClasses {
                size: looked_at.size,
                classes: looked_at.classes(top),
            })
        };
        inputs.iter().zip(looked_at).map(classes).collect()
    }
}
