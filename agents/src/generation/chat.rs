//! `generation.chat`: what the model answers in a conversation.

use aimass_models::llama::LlamaWeights;
use aimass_runtime::{Fault, Operation, Skill, SkillSpec};

use crate::generation::writing::writes_from;
use crate::generation::{GenerationInput, GenerationOutput};
use crate::stored::fault;

/// Answers in a conversation.
#[derive(Debug, Clone, Copy, Default)]
pub struct Chat;

impl Skill for Chat {
    const NAME: &'static str = "generation.chat";
    type Input = GenerationInput;
    type Output = GenerationOutput;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Answers in a conversation.")
            .operation(Operation::Chat)
            .sends::<Self>()
            .continues()
            .main_field("prompt")
    }

    fn input_bytes(&self, input: &GenerationInput) -> u64 {
        input.bytes()
    }
}

writes_from!(Chat, spell);

fn spell(weights: &LlamaWeights, input: &GenerationInput) -> Result<Vec<u32>, Fault> {
    let messages = input.conversation()?;
    weights
        .chat_prompt(&messages)
        .map_err(|error| fault(&error))
}
