//! `image.read`: the words in a picture.

use std::sync::Arc;

use aimass_models::ocr::{ReadLine, Reading, TextReader};
use aimass_runtime::{
    BatchIndex, Fault, ModelSkill, Operation, Skill, SkillSpec, Step, StepContext,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::image::ImageInput;
use crate::image::input::{Bounds, ImageSize, decoded};
use crate::stored::fault;

/// Reads the words in a picture.
#[derive(Debug, Clone, Copy, Default)]
pub struct Read;

/// The words in a picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ImageText {
    /// The picture.
    #[serde(flatten)]
    pub size: ImageSize,
    /// All lines, in the order in which they are read.
    pub text: String,
    /// Each line, in the same order.
    #[schemars(extend("x-view" = "boxes"))]
    pub lines: Vec<TextLine>,
}

/// A line of text in a picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TextLine {
    /// What it says.
    pub text: String,
    /// The mean probability of its characters, 0 to 1.
    pub score: f32,
    /// Left, top, right and bottom of all of it, in pixels of the upright picture.
    #[serde(rename = "box")]
    pub bounds: Bounds,
    /// Its corners, for a line that does not lie flat: that before its first letter above it, then
    /// clockwise.
    pub corners: [[f32; 2]; 4],
}

impl Skill for Read {
    const NAME: &'static str = "image.read";
    type Input = ImageInput;
    type Output = ImageText;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Reads the Chinese and English words in a picture, line by line.")
            .operation(Operation::ReadImage)
            .main_field("path")
    }

    fn input_bytes(&self, input: &ImageInput) -> u64 {
        input.bytes()
    }
}

/// A picture that is being read.
pub struct ReadingPicture {
    size: ImageSize,
    reading: Reading,
    is_done: bool,
}

impl ModelSkill for Read {
    type Model = TextReader;
    type Job = Vec<Result<ReadingPicture, Fault>>;

    fn begin(
        &self,
        model: &mut TextReader,
        inputs: Vec<Arc<ImageInput>>,
        _: &mut StepContext<'_>,
    ) -> Result<Self::Job, Fault> {
        let begin = |input: &Arc<ImageInput>| {
            let picture = decoded(&input.path)?;
            let size = ImageSize::of(&picture);
            let reading = model.begin(picture.pixels);
            Ok(ReadingPicture {
                size,
                reading: reading.map_err(|error| fault(&error))?,
                is_done: false,
            })
        };
        Ok(inputs.iter().map(begin).collect())
    }

    /// Reads one line: a page has hundreds.
    fn step(
        &self,
        model: &mut TextReader,
        job: &mut Self::Job,
        context: &mut StepContext<'_>,
    ) -> Result<Step<ImageText>, Fault> {
        for (member, picture) in job.iter_mut().enumerate() {
            let member = BatchIndex(member as u32);
            let Ok(under_way) = picture else { continue };
            if under_way.is_done || context.is_cancelled(member) {
                continue;
            }
            context.progress(member, under_way.reading.done());
            match model.step(&mut under_way.reading) {
                Ok(is_done) => under_way.is_done = is_done,
                Err(error) => *picture = Err(fault(&error)),
            }
            return Ok(Step::Continue);
        }
        Ok(Step::Finished)
    }

    fn finish(
        &self,
        _: &mut TextReader,
        job: Self::Job,
        _: &mut StepContext<'_>,
    ) -> Vec<(BatchIndex, Result<ImageText, Fault>)> {
        let job = job.into_iter().enumerate();
        job.map(|(at, picture)| (BatchIndex(at as u32), picture.map(ImageText::from)))
            .collect()
    }
}

impl From<ReadingPicture> for ImageText {
    fn from(picture: ReadingPicture) -> Self {
        let lines: Vec<TextLine> = picture.reading.lines().into_iter().map(line).collect();
        let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
        Self {
            size: picture.size,
            text: texts.join("\n"),
            lines,
        }
    }
}

fn line(line: ReadLine) -> TextLine {
    let corners = line.corners;
    let least = |axis: usize| {
        corners
            .iter()
            .map(|at| at[axis])
            .fold(f32::INFINITY, f32::min)
    };
    let most = |axis: usize| corners.iter().map(|at| at[axis]).fold(0.0, f32::max);
    TextLine {
        text: line.text,
        score: line.score,
        bounds: [least(0), least(1), most(0), most(1)],
        corners,
    }
}
