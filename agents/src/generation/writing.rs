//! What the skills share that write with the model: a job in which many texts of one skill take
//! each step together, and the contract of such a skill, filled in.

use std::sync::Arc;

use aimass_models::llama::{Generation, GenerationOptions, LlamaWeights};
use aimass_runtime::{BatchIndex, Fault, Step, StepContext, Usage};

use crate::generation::{GenerationInput, GenerationOutput, LanguageModel, TextDelta};
use crate::stored::fault;

/// Makes a skill of generation that takes a [`GenerationInput`] one whose texts are written
/// together; they begin as the function spells it.
///
/// A macro, since a trait of another crate can be implemented for a type of ours, but not for all
/// that have a trait of ours.
macro_rules! writes_from {
    ($skill:ty, $spell:path) => {
        impl aimass_runtime::ServerStreaming for $skill {
            type Item = $crate::generation::TextDelta;
        }

        impl aimass_runtime::ModelSkill for $skill {
            type Model = $crate::generation::LanguageModel;
            type Job = $crate::generation::Writing;

            fn begin(
                &self,
                model: &mut Self::Model,
                inputs: Vec<std::sync::Arc<Self::Input>>,
                _: &mut aimass_runtime::StepContext<'_>,
            ) -> Result<Self::Job, aimass_runtime::Fault> {
                let mut job = Self::Job::of($spell);
                job.push(model, &inputs);
                Ok(job)
            }

            fn join(
                &self,
                model: &mut Self::Model,
                job: &mut Self::Job,
                inputs: Vec<std::sync::Arc<Self::Input>>,
                _: &mut aimass_runtime::StepContext<'_>,
            ) -> Result<(), Vec<std::sync::Arc<Self::Input>>> {
                job.push(model, &inputs);
                Ok(())
            }

            fn step(
                &self,
                model: &mut Self::Model,
                job: &mut Self::Job,
                context: &mut aimass_runtime::StepContext<'_>,
            ) -> Result<aimass_runtime::Step<Self::Output>, aimass_runtime::Fault> {
                job.step(model, context)
            }
        }
    };
}
pub(super) use writes_from;

/// The work on texts of one skill. Others may join between steps.
pub struct Writing {
    spell: Spell,
    texts: Generation,
    refused: Vec<(BatchIndex, Result<GenerationOutput, Fault>)>,
    members: u32,
}

/// Turns an input into the tokens that the model is to go on from.
pub(super) type Spell = fn(&LlamaWeights, &GenerationInput) -> Result<Vec<u32>, Fault>;

impl Writing {
    /// No texts yet.
    pub(super) fn of(spell: Spell) -> Self {
        Self {
            spell,
            texts: Generation::default(),
            refused: Vec::new(),
            members: 0,
        }
    }

    pub(super) fn push(&mut self, model: &LanguageModel, inputs: &[Arc<GenerationInput>]) {
        for input in inputs {
            let member = BatchIndex(self.members);
            self.members += 1;
            match self.read(model, input) {
                Ok((prompt, options)) => self.texts.push(model.weights(), prompt, options),
                Err(fault) => {
                    self.texts.push_empty();
                    self.refused.push((member, Err(fault)));
                }
            }
        }
    }

    pub(super) fn step(
        &mut self,
        model: &mut LanguageModel,
        context: &mut StepContext<'_>,
    ) -> Result<Step<GenerationOutput>, Fault> {
        for member in 0..context.members() {
            if context.is_cancelled(BatchIndex(member)) {
                self.texts.cancel(member as usize);
            }
        }
        self.texts.set_step_work(model.budget.portion());
        let begun = context.now();
        let (weights, pool) = model.parts();
        let has_room = |number: usize| context.has_room(BatchIndex(number as u32));
        let progress = self.texts.advance(weights, pool, has_room);
        let progress = progress.map_err(|error| fault(&error))?;
        model
            .budget
            .learn(progress.work, context.now().since(begun));
        let weights = model.weights();
        for (number, piece) in progress.pieces {
            if context
                .emit(BatchIndex(number as u32), TextDelta(piece))
                .is_err()
            {
                self.texts.cancel(number);
            }
        }
        let mut settled = std::mem::take(&mut self.refused);
        for (number, result) in progress.done {
            let member = BatchIndex(number as u32);
            let output = result.map(|written| {
                let usage = Usage {
                    input_tokens: written.prompt_tokens as u64,
                    output_tokens: written.completion_tokens as u64,
                };
                context.count(member, usage);
                GenerationOutput::of(written, weights.vocabulary())
            });
            settled.push((member, output.map_err(|error| fault(&error))));
        }
        match (settled.is_empty(), progress.finished) {
            (true, true) => Ok(Step::Finished),
            (true, false) => Ok(Step::Continue),
            (false, _) => Ok(Step::Settled(settled)),
        }
    }

    fn read(
        &self,
        model: &LanguageModel,
        input: &GenerationInput,
    ) -> Result<(Vec<u32>, GenerationOptions), Fault> {
        let options = input.options()?;
        Ok(((self.spell)(model.weights(), input)?, options))
    }
}
