//! `speech.recognize`: what is said in a window of at most 30 seconds. It is what transcription
//! stands on.

use std::path::Path;
use std::sync::Arc;

use aimass_models::device::Device;
use aimass_models::whisper::WhisperWeights;
use aimass_models::whisper::recognition::{Recognition, Recognized, RecognizedSegment};
use aimass_models::{ModelError, Precision};
use aimass_runtime::{BatchIndex, Fault, ModelSkill, Skill, SkillSpec, Step, StepContext};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::speech::{Samples, Segment, SpeechLimits, TranscriptionOptions, Word};
use crate::stored::{Stored, StoredWeights, fault};

/// Writes down what is said in a window.
#[derive(Debug, Clone, Copy, Default)]
pub struct Recognize;

/// A window of audio.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecognizeInput {
    /// Audio at 16 kHz, at most 30 seconds.
    pub samples: Samples,
    /// The options of the transcription.
    #[serde(default, alias = "speaking")]
    pub options: TranscriptionOptions,
}

/// What was said in a window.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RecognizedWindow {
    /// Code of the language; absent if there is no speech.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Probability of that language; 1 if it was given.
    pub language_probability: f32,
    /// Segments, with times from the start of the window.
    pub segments: Vec<Segment>,
}

impl Skill for Recognize {
    const NAME: &'static str = "speech.recognize";
    type Input = RecognizeInput;
    type Output = RecognizedWindow;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Transcribes at most 30 seconds of audio.").alias("speech.recognise")
    }

    fn input_bytes(&self, input: &RecognizeInput) -> u64 {
        input.samples.bytes() + input.options.bytes()
    }
}

/// What a worker owns: its share of the weights, and how much it may take beside them.
pub struct WhisperModel {
    weights: Arc<WhisperWeights>,
    cache_bytes: usize,
}

impl ModelSkill for Recognize {
    type Model = WhisperModel;
    type Job = Recognition;

    fn begin(
        &self,
        model: &mut WhisperModel,
        inputs: Vec<Arc<RecognizeInput>>,
        _: &mut StepContext<'_>,
    ) -> Result<Recognition, Fault> {
        let mut job = Recognition::within(model.cache_bytes);
        push(model, &mut job, &inputs);
        Ok(job)
    }

    fn join(
        &self,
        model: &mut WhisperModel,
        job: &mut Recognition,
        inputs: Vec<Arc<RecognizeInput>>,
        _: &mut StepContext<'_>,
    ) -> Result<(), Vec<Arc<RecognizeInput>>> {
        if job.is_full() {
            return Err(inputs);
        }
        push(model, job, &inputs);
        Ok(())
    }

    fn step(
        &self,
        model: &mut WhisperModel,
        job: &mut Recognition,
        context: &mut StepContext<'_>,
    ) -> Result<Step<RecognizedWindow>, Fault> {
        for member in 0..context.members() {
            if context.is_cancelled(BatchIndex(member)) {
                job.drop_window(member as usize);
            }
        }
        let progress = job.advance(&model.weights).map_err(|error| fault(&error))?;
        let settled = progress.done.into_iter().map(|(number, result)| {
            let result = result.map(RecognizedWindow::from);
            (
                BatchIndex(number as u32),
                result.map_err(|error| fault(&error)),
            )
        });
        let settled: Vec<_> = settled.collect();
        match (settled.is_empty(), progress.finished) {
            (true, true) => Ok(Step::Finished),
            (true, false) => Ok(Step::Continue),
            (false, _) => Ok(Step::Settled(settled)),
        }
    }
}

fn push(model: &WhisperModel, job: &mut Recognition, inputs: &[Arc<RecognizeInput>]) {
    for input in inputs {
        job.push(&model.weights, &input.samples, &input.options.recognition());
    }
}

impl From<Recognized> for RecognizedWindow {
    fn from(found: Recognized) -> Self {
        Self {
            language: found.language,
            language_probability: found.language_probability,
            segments: found.segments.into_iter().map(Segment::from).collect(),
        }
    }
}

impl From<RecognizedSegment> for Segment {
    fn from(segment: RecognizedSegment) -> Self {
        let words = segment.words.into_iter().map(|word| Word {
            start: in_hundredths(word.start),
            end: in_hundredths(word.end),
            text: word.text,
            probability: word.probability,
        });
        Self {
            start: in_hundredths(segment.start),
            end: in_hundredths(segment.end),
            text: segment.text,
            words: words.collect(),
            no_speech: segment.no_speech,
        }
    }
}

/// The model knows times to 20 milliseconds, and sums of them should not look as if it knew more.
fn in_hundredths(seconds: f64) -> f64 {
    (seconds * 100.0).round() / 100.0
}

/// The model source of a Whisper model.
pub type WhisperSource = Stored<WhisperWeights>;

impl StoredWeights for WhisperWeights {
    type Options = SpeechLimits;
    type Model = WhisperModel;

    const FILE: &'static str = "model.safetensors";

    fn load(folder: &Path, device: &Device, limits: &SpeechLimits) -> Result<Self, ModelError> {
        Self::load(folder, device, limits.precision)
    }

    fn build(weights: &Arc<Self>, source: &WhisperSource) -> WhisperModel {
        WhisperModel {
            weights: weights.clone(),
            cache_bytes: source.options().cache_bytes,
        }
    }

    fn memory_bytes(&self) -> u64 {
        self.memory_bytes()
    }

    /// Rounded, weights of 16 bits take a little more than half as much.
    fn estimated_bytes(artefact_bytes: u64, limits: &SpeechLimits) -> u64 {
        match limits.precision {
            Precision::Exact => artefact_bytes,
            Precision::Q8_0 => artefact_bytes / 5 * 3,
        }
    }

    fn version_suffix(limits: &SpeechLimits) -> &'static str {
        match limits.precision {
            Precision::Exact => "",
            Precision::Q8_0 => "+q8_0",
        }
    }
}
