//! What the skills share that write with the model: a job in which many texts take each step together.

use std::sync::Arc;

use aimass_models::llama::{Generation, GenerationOptions, LlamaWeights};
use aimass_runtime::{Fault, Member, Step, StepContext, Usage};

use crate::artefact::fault;
use crate::generation::{GenerationInput, GenerationOutput, LanguageModel, TextDelta};

/// The work on texts of one skill. Others may join between steps.
#[derive(Default)]
pub struct Writing {
    texts: Generation,
    refused: Vec<(Member, Result<GenerationOutput, Fault>)>,
    members: u32,
}

/// Turns an input into the tokens that the model is to go on from.
pub(super) type Spell = fn(&LlamaWeights, &GenerationInput) -> Result<Vec<u32>, Fault>;

impl Writing {
    pub(super) fn push(
        &mut self,
        model: &LanguageModel,
        inputs: &[Arc<GenerationInput>],
        spell: Spell,
    ) {
        for input in inputs {
            let member = Member(self.members);
            self.members += 1;
            match read(model, input, spell) {
                Ok((prompt, options)) => self.texts.push(model.weights(), prompt, options),
                Err(fault) => {
                    self.texts.push_nothing();
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
            if context.is_cancelled(Member(member)) {
                self.texts.drop_text(member as usize);
            }
        }
        let (weights, pool) = model.parts();
        let has_room = |number: usize| context.has_room(Member(number as u32));
        let progress = self.texts.advance(weights, pool, has_room);
        let progress = progress.map_err(|error| fault(&error))?;
        for (number, piece) in progress.pieces {
            if context
                .emit(Member(number as u32), TextDelta(piece))
                .is_err()
            {
                self.texts.drop_text(number);
            }
        }
        let mut settled = std::mem::take(&mut self.refused);
        for (number, result) in progress.done {
            let member = Member(number as u32);
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
}

fn read(
    model: &LanguageModel,
    input: &GenerationInput,
    spell: Spell,
) -> Result<(Vec<u32>, GenerationOptions), Fault> {
    let options = input.options()?;
    Ok((spell(model.weights(), input)?, options))
}
