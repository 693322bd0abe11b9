//! `speech.recognise`: what is said in a window of at most 30 seconds. It is what transcription stands on.

use std::sync::Arc;

use aimass_models::whisper::WhisperWeights;
use aimass_models::whisper::recognition::{Recognised, RecognisedSegment, Recognition};
use aimass_models::{Precision, Store, device};
use aimass_runtime::{
    DeviceName, Fault, Member, ModelSkill, ModelSource, ModelVersion, Skill, SkillSpec, Step,
    StepContext,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::artefact::{StoredModel, fault};
use crate::speech::{Samples, Segment, Speaking, SpeechLimits, Word};

/// Writes down what is said in a window.
#[derive(Debug, Clone, Copy, Default)]
pub struct Recognise;

/// A window of audio.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecogniseInput {
    /// Audio of 16 kHz, at most 30 seconds.
    pub samples: Samples,
    /// How it is to be heard.
    #[serde(default)]
    pub speaking: Speaking,
}

/// What was said in a window.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RecognisedWindow {
    /// The code of the language; none if nothing was heard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// How likely that language is; 1 if it was given.
    pub language_probability: f32,
    /// What was said, with times since the window's beginning.
    pub segments: Vec<Segment>,
}

impl Skill for Recognise {
    const NAME: &'static str = "speech.recognise";
    type Input = RecogniseInput;
    type Output = RecognisedWindow;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Writes down what is said in at most 30 seconds of audio.")
    }

    fn input_bytes(&self, input: &RecogniseInput) -> u64 {
        input.samples.bytes() + input.speaking.bytes()
    }
}

/// What a worker owns: its share of the weights, and how much it may take beside them.
pub struct WhisperModel {
    weights: Arc<WhisperWeights>,
    cache_bytes: usize,
}

impl ModelSkill for Recognise {
    type Model = WhisperModel;
    type Job = Recognition;

    fn begin(
        &self,
        model: &mut WhisperModel,
        inputs: Vec<Arc<RecogniseInput>>,
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
        inputs: Vec<Arc<RecogniseInput>>,
        _: &mut StepContext<'_>,
    ) -> Result<(), Vec<Arc<RecogniseInput>>> {
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
    ) -> Result<Step<RecognisedWindow>, Fault> {
        for member in 0..context.members() {
            if context.is_cancelled(Member(member)) {
                job.drop_window(member as usize);
            }
        }
        let progress = job.advance(&model.weights).map_err(|error| fault(&error))?;
        let settled = progress.done.into_iter().map(|(number, result)| {
            let result = result.map(RecognisedWindow::from);
            (Member(number as u32), result.map_err(|error| fault(&error)))
        });
        let settled: Vec<_> = settled.collect();
        match (settled.is_empty(), progress.finished) {
            (true, true) => Ok(Step::Finished),
            (true, false) => Ok(Step::Continue),
            (false, _) => Ok(Step::Settled(settled)),
        }
    }
}

fn push(model: &WhisperModel, job: &mut Recognition, inputs: &[Arc<RecogniseInput>]) {
    for input in inputs {
        job.push(&model.weights, &input.samples, &input.speaking.options());
    }
}

impl From<Recognised> for RecognisedWindow {
    fn from(found: Recognised) -> Self {
        Self {
            language: found.language,
            language_probability: found.language_probability,
            segments: found.segments.into_iter().map(Segment::from).collect(),
        }
    }
}

impl From<RecognisedSegment> for Segment {
    fn from(segment: RecognisedSegment) -> Self {
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

/// Where Whisper's weights come from.
#[derive(Debug, Clone)]
pub struct WhisperSource {
    model: StoredModel,
    limits: SpeechLimits,
}

impl WhisperSource {
    /// The model of that name in the store's catalogue. It need not be here yet.
    ///
    /// # Errors
    /// A fault when the catalogue has no such model.
    pub fn new(store: Store, model: &str) -> Result<Self, Fault> {
        Ok(Self {
            model: StoredModel::new(store, model)?,
            limits: SpeechLimits::default(),
        })
    }

    /// Sets what the model may take.
    #[must_use]
    pub fn limits(mut self, limits: SpeechLimits) -> Self {
        self.limits = limits;
        self
    }
}

impl ModelSource for WhisperSource {
    type Weights = WhisperWeights;
    type Model = WhisperModel;

    fn version(&self) -> ModelVersion {
        let version = self.model.version("model.safetensors");
        match self.limits.precision {
            Precision::Exact => version,
            Precision::Q8_0 => ModelVersion::new(&format!("{version}+q8_0")),
        }
    }

    /// Rounded, weights of 16 bits take a little more than half as much.
    fn memory_bytes(&self) -> u64 {
        let bytes = self.model.memory_bytes();
        match self.limits.precision {
            Precision::Exact => bytes,
            Precision::Q8_0 => bytes / 5 * 3,
        }
    }

    fn weights_bytes(&self, weights: &WhisperWeights) -> Option<u64> {
        Some(weights.memory_bytes())
    }

    fn load(&self, device: &DeviceName) -> Result<WhisperWeights, Fault> {
        let folder = self.model.folder()?;
        let device = device::open(&device.to_string()).map_err(|error| fault(&error))?;
        let weights = WhisperWeights::load(&folder, &device, self.limits.precision);
        weights.map_err(|error| fault(&error))
    }

    fn build(&self, weights: &Arc<WhisperWeights>, _: &DeviceName) -> Result<WhisperModel, Fault> {
        Ok(WhisperModel {
            weights: weights.clone(),
            cache_bytes: self.limits.cache_bytes,
        })
    }
}
