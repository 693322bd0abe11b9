//! `image.read`: the text in a picture.

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

/// Reads the text in a picture.
#[derive(Debug, Clone, Copy, Default)]
pub struct Read;

/// The text in a picture.
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
    /// Its corners, for a line that is rotated: the upper left one as it is read, then clockwise.
    pub corners: [[f32; 2]; 4],
}

impl Skill for Read {
    const NAME: &'static str = "image.read";
    type Input = ImageInput;
    type Output = ImageText;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Reads the Chinese and English text in a picture, line by line.")
            .operation(Operation::ReadImage)
            .main_field("path")
    }

    fn input_bytes(&self, input: &ImageInput) -> u64 {
        input.bytes()
    }
}

/// How far the reading of a picture has come. Of the pictures of a batch one is in memory at a time.
pub enum ReadingPicture {
    /// Not looked at yet.
    Waiting(Arc<ImageInput>),
    /// Its lines are being read.
    UnderWay(ImageSize, Box<Reading>),
}

/// What comes of one step.
enum Stepped {
    Reading(ReadingPicture),
    Read(ImageText),
}

impl ModelSkill for Read {
    type Model = TextReader;
    /// None of those that are settled.
    type Job = Vec<Option<ReadingPicture>>;

    fn begin(
        &self,
        _: &mut TextReader,
        inputs: Vec<Arc<ImageInput>>,
        _: &mut StepContext<'_>,
    ) -> Result<Self::Job, Fault> {
        let waiting = |input| Some(ReadingPicture::Waiting(input));
        Ok(inputs.into_iter().map(waiting).collect())
    }

    /// Finds the lines of a picture, or reads one: a page has hundreds. Each picture is answered once it is read.
    fn step(
        &self,
        model: &mut TextReader,
        job: &mut Self::Job,
        context: &mut StepContext<'_>,
    ) -> Result<Step<ImageText>, Fault> {
        for (member, picture) in job.iter_mut().enumerate() {
            let member = BatchIndex(member as u32);
            let Some(reading) = picture.take() else {
                continue;
            };
            if context.is_cancelled(member) {
                continue;
            }
            context.progress(member, reading.done());
            return Ok(match reading.step(model) {
                Ok(Stepped::Reading(reading)) => {
                    *picture = Some(reading);
                    Step::Continue
                }
                Ok(Stepped::Read(text)) => Step::Settled(vec![(member, Ok(text))]),
                Err(fault) => Step::Settled(vec![(member, Err(fault))]),
            });
        }
        Ok(Step::Finished)
    }

    fn finish(
        &self,
        _: &mut TextReader,
        _: Self::Job,
        _: &mut StepContext<'_>,
    ) -> Vec<(BatchIndex, Result<ImageText, Fault>)> {
        Vec::new()
    }
}

impl ReadingPicture {
    /// How much of it is done, 0 to 1.
    fn done(&self) -> f32 {
        match self {
            Self::Waiting(_) => 0.0,
            Self::UnderWay(_, reading) => reading.done(),
        }
    }

    fn step(self, model: &TextReader) -> Result<Stepped, Fault> {
        match self {
            Self::Waiting(input) => {
                let picture = decoded(&input.path)?;
                let size = ImageSize::of(&picture);
                let reading = model.begin(picture.pixels);
                let reading = reading.map_err(|error| fault(&error))?;
                Ok(Stepped::Reading(Self::UnderWay(size, Box::new(reading))))
            }
            Self::UnderWay(size, mut reading) => {
                let is_done = model.step(&mut reading).map_err(|error| fault(&error))?;
                Ok(match is_done {
                    true => Stepped::Read(ImageText::of(size, *reading)),
                    false => Stepped::Reading(Self::UnderWay(size, reading)),
                })
            }
        }
    }
}

impl ImageText {
    fn of(size: ImageSize, reading: Reading) -> Self {
        let lines: Vec<TextLine> = reading.lines().into_iter().map(line).collect();
        let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
        Self {
            size,
            text: texts.join("\n"),
            lines,
        }
    }
}

// Chosen with the labelled pictures that are not held out (`agents/tests/data/pictures`).

/// The minimum score of a line that is quoted, its minimum number of letters and digits, and its minimum height in pixels.
const SURE: f32 = 0.93;
const SURE_LETTERS: usize = 2;
const SURE_HEIGHT: f32 = 12.0;

impl TextLine {
    /// Whether it is read well enough to be quoted.
    pub(super) fn is_sure(&self) -> bool {
        let letters = self.text.chars().filter(|letter| letter.is_alphanumeric());
        let [[left, top], .., [below_left, below_top]] = self.corners;
        let height = (below_left - left).hypot(below_top - top);
        self.score >= SURE && letters.count() >= SURE_LETTERS && height >= SURE_HEIGHT
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
