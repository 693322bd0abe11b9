//! `generation.chat`: what the model answers in a conversation.

use std::sync::Arc;

use aimass_models::llama::LlamaWeights;
use aimass_runtime::{Fault, ModelSkill, ServerStreaming, Skill, SkillSpec, Step, StepContext};

use crate::artefact::fault;
use crate::generation::writing::Writing;
use crate::generation::{GenerationInput, GenerationOutput, LanguageModel, TextDelta};

/// Answers in a conversation, as the model was trained to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Chat;

impl Skill for Chat {
    const NAME: &'static str = "generation.chat";
    type Input = GenerationInput;
    type Output = GenerationOutput;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Answers in a conversation, as the model was trained to.")
            .sends::<Self>()
            .main_field("prompt")
    }

    fn input_bytes(&self, input: &GenerationInput) -> u64 {
        input.bytes()
    }
}

impl ServerStreaming for Chat {
    type Item = TextDelta;
}

impl ModelSkill for Chat {
    type Model = LanguageModel;
    type Job = Writing;

    fn begin(
        &self,
        model: &mut LanguageModel,
        inputs: Vec<Arc<GenerationInput>>,
        _: &mut StepContext<'_>,
    ) -> Result<Writing, Fault> {
        let mut job = Writing::default();
        job.push(model, &inputs, spell);
        Ok(job)
    }

    fn join(
        &self,
        model: &mut LanguageModel,
        job: &mut Writing,
        inputs: Vec<Arc<GenerationInput>>,
        _: &mut StepContext<'_>,
    ) -> Result<(), Vec<Arc<GenerationInput>>> {
        job.push(model, &inputs, spell);
        Ok(())
    }

    fn step(
        &self,
        model: &mut LanguageModel,
        job: &mut Writing,
        context: &mut StepContext<'_>,
    ) -> Result<Step<GenerationOutput>, Fault> {
        job.step(model, context)
    }
}

fn spell(weights: &LlamaWeights, input: &GenerationInput) -> Result<Vec<u32>, Fault> {
    let messages = input.conversation()?;
    weights
        .conversation(&messages)
        .map_err(|error| fault(&error))
}
