//! `generation.complete`: how a text goes on.

use aimass_models::llama::LlamaWeights;
use aimass_runtime::{Fault, Operation, Skill, SkillSpec};

use crate::generation::writing::writes_from;
use crate::generation::{GenerationInput, GenerationOutput};
use crate::stored::fault;

/// Continues a text.
#[derive(Debug, Clone, Copy, Default)]
pub struct Complete;

impl Skill for Complete {
    const NAME: &'static str = "generation.complete";
    type Input = GenerationInput;
    type Output = GenerationOutput;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Continues a text.")
            .operation(Operation::Complete)
            .sends::<Self>()
            .continues()
            .main_field("prompt")
    }

    fn input_bytes(&self, input: &GenerationInput) -> u64 {
        input.bytes()
    }
}

writes_from!(Complete, spell);

fn spell(weights: &LlamaWeights, input: &GenerationInput) -> Result<Vec<u32>, Fault> {
    weights.prompt(input.text()?).map_err(|error| fault(&error))
}
