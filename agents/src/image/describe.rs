//! `image.describe`: objects, faces, text, classes and colors of a picture, and sentences on them.

mod animals;
mod nouns;
mod place;
mod sentences;

use std::path::PathBuf;
use std::sync::Arc;

use aimass_locale::Text;
use aimass_runtime::{Fault, FlowContext, FlowSkill, Operation, Skill, SkillSpec, TaskError};
use futures_util::future::join4;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::image::colors::colors;
use crate::image::input::{ImageSize, decoded};
use crate::image::{
    Classify, ClassifyInput, Detect, DetectInput, DetectedFace, DetectedObject, Faces, FacesInput,
    ImageClass, ImageInput, NamedColor, Read, TextLine,
};
use place::{column, row};

pub use place::{Column, Row};

/// Describes a picture.
#[derive(Debug, Clone, Copy, Default)]
pub struct Describe;

/// A picture, and the language to describe it in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DescribeInput {
    /// A picture: png, jpeg, webp, gif, bmp or tiff. Of an animation the first frame counts.
    #[schemars(extend("format" = "path"))]
    pub path: PathBuf,
    /// Language of `text`; default: English.
    #[serde(default)]
    pub language: DescribeLanguage,
}

/// A language to describe in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DescribeLanguage {
    /// English.
    #[default]
    En,
    /// Chinese.
    Zh,
}

/// What a picture shows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ImageDescription {
    /// The file that was looked at.
    pub path: PathBuf,
    /// The picture.
    #[serde(flatten)]
    pub size: ImageSize,
    /// One or a few sentences made of what was found.
    #[schemars(extend("x-view" = "text"))]
    pub text: String,
    /// Classes of the whole picture, the most probable first.
    pub classes: Vec<ImageClass>,
    /// Objects, the highest score first.
    pub objects: Vec<DetectedObject>,
    /// Where the middle of each object is, in the order of `objects`.
    pub layout: Vec<Place>,
    /// Faces, the largest first.
    pub faces: Vec<DetectedFace>,
    /// Lines of text, in the order in which they are read.
    pub lines: Vec<TextLine>,
    /// Its main colors, the largest share first.
    pub colors: Vec<NamedColor>,
    /// What could not be looked for, and why, in English; absent if nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incomplete: Option<String>,
}

/// The ninth of a picture in which the middle of something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Place {
    /// From left to right.
    pub column: Column,
    /// From top to bottom.
    pub row: Row,
}

impl DescribeInput {
    /// Returns the input for the picture in this file, in English.
    pub fn path(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            language: DescribeLanguage::default(),
        }
    }
}

impl ImageDescription {
    /// Returns the sentences, the most important first.
    pub(super) fn sentences(&self) -> Vec<Text> {
        sentences::sentences(self)
    }
}

impl Skill for Describe {
    const NAME: &'static str = "image.describe";
    type Input = DescribeInput;
    type Output = ImageDescription;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>(
            "Describes a picture: objects, faces, text, classes and colors, and sentences on them.",
        )
        .operation(Operation::DescribeImage)
        .main_field("path")
    }

    fn input_bytes(&self, input: &DescribeInput) -> u64 {
        input.path.as_os_str().len() as u64 + 32
    }
}

impl FlowSkill for Describe {
    /// Asks the agent's other skills side by side. A part that is not available, such as one whose
    /// model has not been fetched, is left out and told; a picture that cannot be read is refused.
    async fn run(
        &self,
        input: Arc<DescribeInput>,
        context: FlowContext,
    ) -> Result<ImageDescription, Fault> {
        let path = input.path.clone();
        let picture = move || {
            let picture = decoded(&path)?;
            Ok::<_, Fault>((ImageSize::of(&picture), colors(&picture.pixels)))
        };
        let (size, colors) = context.blocking(picture).await??;
        let mut missing = Vec::new();
        let path = &input.path;
        let objects = context.ask::<Detect>(DetectInput::path(path));
        let faces = context.ask::<Faces>(FacesInput::path(path));
        let lines = context.ask::<Read>(ImageInput::path(path));
        let classes = context.ask::<Classify>(ClassifyInput::path(path));
        let (objects, faces, lines, classes) = join4(objects, faces, lines, classes).await;
        let objects = part("objects", objects, &mut missing)?;
        let faces = part("faces", faces, &mut missing)?;
        let lines = part("text", lines, &mut missing)?;
        let classes = part("classes", classes, &mut missing)?;
        let classes = classes.map(|found| found.classes).unwrap_or_default();
        let mut objects = objects.map(|found| found.objects).unwrap_or_default();
        for object in &mut objects {
            object.sure &= !animals::is_doubted(object, &classes);
        }
        suppress_duplicates(&mut objects);
        let place = |object: &DetectedObject| Place {
            column: column(&object.bounds, size.width),
            row: row(&object.bounds, size.height),
        };
        let mut description = ImageDescription {
            path: path.clone(),
            size,
            text: String::new(),
            layout: objects.iter().map(place).collect(),
            objects,
            classes,
            faces: faces.map(|found| found.faces).unwrap_or_default(),
            lines: lines.map(|found| found.lines).unwrap_or_default(),
            colors,
            incomplete: Some(missing.join("; ")).filter(|missing| !missing.is_empty()),
        };
        description.text = in_language(&description.sentences(), input.language);
        Ok(description)
    }
}

/// Boxes with a higher intersection over union are taken for one object.
const SAME_OBJECT: f32 = 0.7;

/// Of objects whose boxes overlap that much, whatever their labels, only the one with the highest score stays `sure`.
fn suppress_duplicates(objects: &mut [DetectedObject]) {
    for at in 1..objects.len() {
        let (surer, others) = objects.split_at_mut(at);
        let place = others[0].bounding_box();
        let mut sure = surer.iter().filter(|object| object.sure);
        let is_second =
            sure.any(|object| object.bounding_box().intersection_over_union(&place) > SAME_OBJECT);
        others[0].sure &= !is_second;
    }
}

/// What a part found; none, with the reason, where it is not available.
fn part<T>(
    name: &str,
    found: Result<T, TaskError>,
    missing: &mut Vec<String>,
) -> Result<Option<T>, Fault> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(TaskError::Unavailable { message, .. }) => {
            missing.push(format!("{name} not looked for: {message}"));
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// The sentences as one text, each with its capital letter and its full stop.
fn in_language(sentences: &[Text], language: DescribeLanguage) -> String {
    match language {
        DescribeLanguage::En => {
            let sentences = sentences
                .iter()
                .map(|sentence| capitalized(&sentence.english));
            sentences
                .map(|text| text + ".")
                .collect::<Vec<_>>()
                .join(" ")
        }
        DescribeLanguage::Zh => {
            let sentences = sentences.iter();
            sentences
                .map(|sentence| format!("{}。", sentence.chinese))
                .collect()
        }
    }
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_with_two_labels_is_named_once() {
        let object = |label: &str, score: f32, bounds: [f32; 4]| DetectedObject {
            label: label.to_owned(),
            score,
            sure: true,
            bounds,
        };
        let mut objects = vec![
            object("cup", 0.96, [93.0, 8.0, 221.0, 149.0]),
            object("bowl", 0.86, [90.0, 9.0, 218.0, 142.0]),
            object("dining table", 0.84, [0.0, 0.0, 400.0, 300.0]),
            object("spoon", 0.8, [93.0, 8.0, 160.0, 149.0]),
        ];
        suppress_duplicates(&mut objects);
        let sure: Vec<bool> = objects.iter().map(|object| object.sure).collect();
        assert_eq!(sure, [true, false, true, true]);
    }
}
