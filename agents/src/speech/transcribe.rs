//! `speech.transcribe`: what is said in a recording, and when.

use std::path::PathBuf;
use std::sync::Arc;

use aimass_runtime::{Fault, FlowContext, FlowSkill, ServerStreaming, Skill, SkillSpec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::speech::activity::Listener;
use crate::speech::hearing::Hearing;
use crate::speech::speaking::Target;
use crate::speech::{AudioInput, Samples, Segment, Speaking, Transcript, TranscriptFormat};

/// Writes down what is said in a recording.
#[derive(Debug, Clone, Copy, Default)]
pub struct Transcribe;

/// A recording, and how it is to be heard.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TranscribeInput {
    /// An audio file: wav, flac, mp3, ogg, m4a and others.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "path"))]
    pub path: Option<PathBuf>,
    /// The samples themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub samples: Option<Samples>,
    /// How many of the samples are a second; 16,000 when nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample_rate: Option<u32>,
    /// The form in which the transcript is wanted as well: `txt`, `srt` or `vtt`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<TranscriptFormat>,
    /// The language, by its code or its name: `de`, `de-AT`, `german`. Found out by default, and with `auto`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// How many hypotheses are followed side by side, at most 16: 1 is fastest. 5 when nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beam_size: Option<u32>,
    /// How much chance there is, from 0 to 1. When nothing is said, it begins with none and rises until a result looks right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f32>,
    /// What was said before, or a text that shows how names and numbers are to be written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// Words that are likely to come, separated by commas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vocabulary: Option<String>,
    /// Whether words get times, which takes a little longer. They do when nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<bool>,
    /// Seconds of silence that the model hears behind a window, instead of as many as make 30 seconds: faster, and less exact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silence: Option<f32>,
    /// What decides chance. 0 when nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

impl TranscribeInput {
    /// This recording, heard as usual.
    pub fn of(audio: AudioInput) -> Self {
        Self {
            path: audio.path,
            samples: audio.samples,
            sample_rate: audio.sample_rate,
            ..Self::default()
        }
    }

    fn audio(&self) -> AudioInput {
        AudioInput {
            path: self.path.clone(),
            samples: self.samples.clone(),
            sample_rate: self.sample_rate,
        }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.audio().bytes() + self.speaking(Target::Spoken).bytes()
    }

    fn speaking(&self, target: Target) -> Speaking {
        Speaking {
            target,
            language: self.language.clone(),
            beam_size: self.beam_size,
            temperature: self.temperature,
            prompt: self.prompt.clone(),
            vocabulary: self.vocabulary.clone(),
            words: self.words,
            silence: self.silence,
            seed: self.seed,
        }
    }

    /// Hears the recording, and sends its segments as they come.
    ///
    /// # Errors
    /// A fault when the recording cannot be read, or a window of it cannot be recognised.
    pub(super) async fn hear(
        &self,
        target: Target,
        context: &FlowContext,
    ) -> Result<Transcript, Fault> {
        let mut hearing = Hearing::new(self.speaking(target))?;
        let mut listener = Listener::open(context, self.audio()).await?;
        while let Some(piece) = listener.next(context).await? {
            let found = hearing
                .push(context, &piece.samples, &piece.probabilities)
                .await?;
            send(context, found).await?;
        }
        hearing.end();
        while let Some(found) = hearing.next(context).await? {
            send(context, found).await?;
        }
        Ok(Transcript {
            incomplete: listener.incomplete(),
            ..hearing.transcript(self.format.unwrap_or_default())
        })
    }
}

async fn send(context: &FlowContext, segments: Vec<Segment>) -> Result<(), Fault> {
    for segment in segments {
        context.emit(segment).await?;
    }
    Ok(())
}

impl Skill for Transcribe {
    const NAME: &'static str = "speech.transcribe";
    type Input = TranscribeInput;
    type Output = Transcript;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>(
            "Writes down what is said in a recording, in its language, with times.",
        )
        .sends::<Self>()
        .main_field("path")
    }

    fn input_bytes(&self, input: &TranscribeInput) -> u64 {
        input.bytes()
    }
}

impl ServerStreaming for Transcribe {
    type Item = Segment;
}

impl FlowSkill for Transcribe {
    async fn run(
        &self,
        input: Arc<TranscribeInput>,
        context: FlowContext,
    ) -> Result<Transcript, Fault> {
        input.hear(Target::Spoken, &context).await
    }
}
