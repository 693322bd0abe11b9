//! `speech.transcribe`: what is said in a recording, and when.

use std::path::PathBuf;
use std::sync::Arc;

use aimass_runtime::{Fault, FlowContext, FlowSkill, Operation, ServerStreaming, Skill, SkillSpec};

use crate::speech::activity::Listener;
use crate::speech::transcriber::Transcriber;
use crate::speech::transcription_options::{
    HasTranscriptionOptions, Target, with_transcription_options,
};
use crate::speech::{AudioInput, Samples, Segment, Transcript, TranscriptFormat};

/// Transcribes a recording.
#[derive(Debug, Clone, Copy, Default)]
pub struct Transcribe;

with_transcription_options! {
    /// A recording, and how to transcribe it.
    pub struct TranscribeInput {
        /// An audio file: wav, flac, mp3, ogg, m4a and others.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(extend("format" = "path"))]
        pub path: Option<PathBuf>,
        /// The samples themselves.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub samples: Option<Samples>,
        /// Sample rate in Hz; default: 16,000.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub sample_rate: Option<u32>,
        /// Additional output format: `txt`, `srt` or `vtt`.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub format: Option<TranscriptFormat>,
    }
}

impl TranscribeInput {
    /// This recording, with default options.
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
        self.audio().bytes() + self.transcription_options(Target::Spoken).bytes()
    }

    /// Hears the recording, and sends its segments as they come.
    ///
    /// # Errors
    /// A fault when the recording cannot be read, or a window of it cannot be recognized.
    pub(super) async fn hear(
        &self,
        target: Target,
        context: &FlowContext,
    ) -> Result<Transcript, Fault> {
        let transcriber = Transcriber::new(self.transcription_options(target))?;
        let mut transcriber = transcriber.behind(context.delivered()?);
        let mut listener = Listener::open(context, self.audio()).await?;
        while let Some(piece) = listener.next(context).await? {
            let found = transcriber
                .push(context, &piece.samples, &piece.probabilities)
                .await?;
            send(context, found).await?;
        }
        transcriber.end();
        while let Some(found) = transcriber.next(context).await? {
            send(context, found).await?;
        }
        Ok(Transcript {
            incomplete: listener.incomplete(),
            ..transcriber.transcript(self.format.unwrap_or_default())
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
        SkillSpec::of::<Self>("Transcribes a recording in its language, with times.")
            .operation(Operation::Transcribe)
            .sends::<Self>()
            .continues()
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
