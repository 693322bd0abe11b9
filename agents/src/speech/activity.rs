//! `speech.activity`: how probably each 32 ms of a piece of audio hold speech. It is what the other
//! skills of the agent stand on.

use std::path::Path;
use std::sync::Arc;

use aimass_models::device::Device;
use aimass_models::silero::FRAME;
use aimass_models::{ModelError, Silero, SileroState, SileroWeights};
use aimass_runtime::{BatchSkill, Fault, FlowContext, Skill, SkillSpec, StepContext};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::speech::input::AudioReader;
use crate::speech::spans::in_seconds;
use crate::speech::{AudioInput, Samples};
use crate::stored::{Stored, StoredWeights, fault};

/// Says how probably each frame of a piece of audio holds speech.
#[derive(Debug, Clone, Copy, Default)]
pub struct DetectActivity;

/// The next piece of a recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ActivityInput {
    /// State from the previous piece; absent at the start of a recording.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<StateForm>")]
    pub state: Option<SileroState>,
    /// Audio at 16 kHz in whole frames of 512 samples; the last piece is padded with zeros.
    pub samples: Samples,
}

/// How probably a piece of audio holds speech.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Activity {
    /// Probability of speech of each frame of 512 samples, 0 to 1.
    pub probabilities: Vec<f32>,
    /// State to pass with the next piece.
    #[schemars(with = "StateForm")]
    pub state: SileroState,
}

/// The form of a state in JSON.
#[derive(JsonSchema)]
#[schemars(rename = "ActivityState")]
#[expect(dead_code, reason = "stands for the form of a type of another crate")]
struct StateForm {
    /// The 128 values of the hidden state.
    hidden: Vec<f32>,
    /// The 128 values of the cell state.
    cell: Vec<f32>,
    /// The last 64 samples.
    context: Vec<f32>,
}

impl Skill for DetectActivity {
    const NAME: &'static str = "speech.activity";
    type Input = ActivityInput;
    type Output = Activity;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>(
            "Gives the probability of speech for each 32 ms of audio; pass the state with the next piece.",
        )
    }

    fn input_bytes(&self, input: &ActivityInput) -> u64 {
        let state = input.state.as_ref().map_or(0, |_| size_of::<f32>() * 320);
        input.samples.bytes() + state as u64
    }
}

impl BatchSkill for DetectActivity {
    type Model = Silero;

    fn run(
        &self,
        model: &mut Silero,
        inputs: &[Arc<ActivityInput>],
        _: &mut StepContext<'_>,
    ) -> Vec<Result<Activity, Fault>> {
        inputs.iter().map(|input| activity(model, input)).collect()
    }
}

fn activity(model: &Silero, input: &ActivityInput) -> Result<Activity, Fault> {
    let mut state = input.state.clone().unwrap_or_default();
    let whole = input.samples.len() / FRAME * FRAME;
    let (frames, rest) = input.samples.split_at(whole);
    let mut probabilities = model
        .probabilities(&mut state, frames)
        .map_err(|error| fault(&error))?;
    if !rest.is_empty() {
        let mut last = rest.to_vec();
        last.resize(FRAME, 0.0);
        let last = model.probabilities(&mut state, &last);
        probabilities.extend(last.map_err(|error| fault(&error))?);
    }
    Ok(Activity {
        probabilities,
        state,
    })
}

/// A recording that a flow hears piece by piece, each with its activity.
pub(super) struct Listener {
    /// Away while it is read.
    reader: Option<AudioReader>,
    state: Option<SileroState>,
    heard: u64,
    /// What could not be heard. Known at the end.
    incomplete: Option<String>,
}

/// The next piece of a recording.
pub(super) struct Piece {
    /// Its audio, 16 kHz.
    pub(super) samples: Samples,
    /// How probably each of its frames holds speech.
    pub(super) probabilities: Vec<f32>,
}

impl Listener {
    /// Opens a recording.
    ///
    /// # Errors
    /// A fault when it cannot be read or holds no audio.
    pub(super) async fn open(context: &FlowContext, input: AudioInput) -> Result<Self, Fault> {
        Ok(Self {
            reader: Some(context.blocking(move || input.open()).await??),
            state: None,
            heard: 0,
            incomplete: None,
        })
    }

    /// The next piece; none at the end.
    ///
    /// # Errors
    /// A fault when it cannot be read on, or when its activity is not to be had.
    pub(super) async fn next(&mut self, context: &FlowContext) -> Result<Option<Piece>, Fault> {
        let Some(mut reader) = self.reader.take() else {
            return Ok(None);
        };
        let read = move || {
            let piece = reader.next_piece();
            (reader, piece)
        };
        let (reader, piece) = context.blocking(read).await?;
        let Some(samples) = piece? else {
            self.incomplete = reader.incomplete(in_seconds(self.heard));
            return Ok(None);
        };
        self.reader = Some(reader);
        self.heard += samples.len() as u64;
        let samples = Samples::new(samples)?;
        let input = ActivityInput {
            state: self.state.take(),
            samples: samples.clone(),
        };
        let activity = context.ask::<DetectActivity>(input).await?;
        self.state = Some(activity.state);
        Ok(Some(Piece {
            samples,
            probabilities: activity.probabilities,
        }))
    }

    /// What of the recording could not be heard, in words; none when all of it was. Known at the
    /// end.
    pub(super) fn incomplete(self) -> Option<String> {
        self.incomplete
    }
}

/// The model source of a Silero model.
pub type SileroSource = Stored<SileroWeights>;

impl StoredWeights for SileroWeights {
    type Options = ();
    type Model = Silero;

    const FILE: &'static str = ".onnx";

    fn load(folder: &Path, device: &Device, (): &()) -> Result<Self, ModelError> {
        Self::load(folder, device)
    }

    fn build(weights: &Arc<Self>, _: &SileroSource) -> Silero {
        Silero::new(weights.clone())
    }

    fn memory_bytes(&self) -> u64 {
        self.memory_bytes()
    }
}
