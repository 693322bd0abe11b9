//! `speech.translate`: what is said in a recording, in English.

use std::sync::Arc;

use aimass_runtime::{Fault, FlowContext, FlowSkill, Operation, ServerStreaming, Skill, SkillSpec};

use crate::speech::transcription_options::Target;
use crate::speech::{Segment, TranscribeInput, Transcript};

/// Writes down in English what is said in a recording.
#[derive(Debug, Clone, Copy, Default)]
pub struct Translate;

impl Skill for Translate {
    const NAME: &'static str = "speech.translate";
    type Input = TranscribeInput;
    type Output = Transcript;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Transcribes a recording in English, with times.")
            .operation(Operation::TranslateSpeech)
            .sends::<Self>()
            .continues()
            .main_field("path")
    }

    fn input_bytes(&self, input: &TranscribeInput) -> u64 {
        input.bytes()
    }
}

impl ServerStreaming for Translate {
    type Item = Segment;
}

impl FlowSkill for Translate {
    async fn run(
        &self,
        input: Arc<TranscribeInput>,
        context: FlowContext,
    ) -> Result<Transcript, Fault> {
        input.hear(Target::English, &context).await
    }
}
