//! `generation.complete`: how a text goes on.

use std::sync::Arc;

use aimass_models::llama::LlamaWeights;
use aimass_runtime::{Fault, ModelSkill, ServerStreaming, Skill, SkillSpec, Step, StepContext};

use crate::artefact::fault;
use crate::generation::writing::Writing;
use crate::generation::{GenerationInput, GenerationOutput, LanguageModel, TextDelta};

/// Writes a text on from where it ends.
#[derive(Debug, Clone, Copy, Default)]
pub struct Complete;

impl Skill for Complete {
    const NAME: &'static str = "generation.complete";
    type Input = GenerationInput;
    type Output = GenerationOutput;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Writes a text on from where it ends.")
            .sends::<Self>()
            .main_field("prompt")
    }

    fn input_bytes(&self, input: &GenerationInput) -> u64 {
        input.bytes()
    }
}

impl ServerStreaming for Complete {
    type Item = TextDelta;
}

impl ModelSkill for Complete {
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
    weights
        .beginning(input.text()?)
        .map_err(|error| fault(&error))
}
