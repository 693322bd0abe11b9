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

/// How far the reading of a picture has come. Of the pictures of a batch one is in memory at a time.
pub enum ReadingPicture {
    /// Not looked at yet.
    Waiting(Arc<ImageInput>),
    /// Its lines are being read.
    UnderWay(ImageSize, Box<Reading>),
    /// All are.
    Done(ImageText),
}

impl ModelSkill for Read {
    type Model = TextReader;
    type Job = Vec<Result<ReadingPicture, Fault>>;

    fn begin(
        &self,
        _: &mut TextReader,
        inputs: Vec<Arc<ImageInput>>,
        _: &mut StepContext<'_>,
    ) -> Result<Self::Job, Fault> {
        let waiting = |input| Ok(ReadingPicture::Waiting(input));
        Ok(inputs.into_iter().map(waiting).collect())
    }

    /// Finds the lines of a picture, or reads one: a page has hundreds.
    fn step(
        &self,
        model: &mut TextReader,
        job: &mut Self::Job,
        context: &mut StepContext<'_>,
    ) -> Result<Step<ImageText>, Fault> {
        for (member, picture) in job.iter_mut().enumerate() {
            let member = BatchIndex(member as u32);
            if matches!(picture, Ok(ReadingPicture::Done(_)) | Err(_)) {
                continue;
            }
            if context.is_cancelled(member) {
                *picture = Err(Fault::rejected("nobody waits for it any more"));
                continue;
            }
            if let Ok(ReadingPicture::UnderWay(_, reading)) = picture {
                context.progress(member, reading.done());
            }
            let reading = std::mem::replace(picture, Err(Fault::bug("its reading was lost")));
            *picture = reading.and_then(|reading| reading.step(model));
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
        let text = |reading| match reading {
            ReadingPicture::Done(text) => Ok(text),
            _ => Err(Fault::bug("its reading did not come to an end")),
        };
        let job = job.into_iter().enumerate();
        job.map(|(at, picture)| (BatchIndex(at as u32), picture.and_then(text)))
            .collect()
    }
}

impl ReadingPicture {
    fn step(self, model: &TextReader) -> Result<Self, Fault> {
        match self {
            Self::Waiting(input) => {
                let picture = decoded(&input.path)?;
                let size = ImageSize::of(&picture);
                let reading = model.begin(picture.pixels);
                let reading = reading.map_err(|error| fault(&error))?;
                Ok(Self::UnderWay(size, Box::new(reading)))
            }
            Self::UnderWay(size, mut reading) => {
                let is_done = model.step(&mut reading).map_err(|error| fault(&error))?;
                Ok(match is_done {
                    true => Self::Done(ImageText::of(size, *reading)),
                    false => Self::UnderWay(size, reading),
                })
            }
            Self::Done(_) => Ok(self),
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

/// The least score of a line that is quoted, the fewest letters and digits in it, and its least height in pixels.
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
