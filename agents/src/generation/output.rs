//! What the generation agent gives.

use aimass_models::llama::{self, FinishReason, Generated, Vocabulary};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What was written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GenerationOutput {
    /// The text.
    pub text: String,
    /// Why it ended: `stop` when the model or a stop sequence said so, `length` at `max_tokens` or at the end of the context.
    pub finish_reason: String,
    /// How many tokens it took.
    pub usage: GenerationUsage,
    /// How probable the tokens were, if that was asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub logprobs: Vec<TokenLogprob>,
}

/// How many tokens a text took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GenerationUsage {
    /// Tokens that were read.
    pub prompt_tokens: u64,
    /// Tokens that were written, with the one that ended the text.
    pub completion_tokens: u64,
    /// Those among the ones that were read which were known from before.
    pub cached_tokens: u64,
}

/// How probable a token was in its place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TokenLogprob {
    /// The text of the token; bytes that are no whole character become `U+FFFD`.
    pub token: String,
    /// The natural logarithm of its probability.
    pub logprob: f32,
    /// The likeliest tokens in that place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub top: Vec<TokenLogprob>,
}

/// The next piece of a text that is being written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("format" = "text-delta"))]
pub struct TextDelta(pub String);

impl GenerationOutput {
    pub(super) fn of(written: Generated, vocabulary: &Vocabulary) -> Self {
        let logprobs = written.logprobs.into_iter().map(|(taken, top)| {
            let top = top.into_iter().map(|token| logprob(token, vocabulary));
            TokenLogprob {
                top: top.collect(),
                ..logprob(taken, vocabulary)
            }
        });
        Self {
            text: written.text,
            finish_reason: match written.finish_reason {
                FinishReason::Stop => "stop".to_owned(),
                FinishReason::Length => "length".to_owned(),
            },
            usage: GenerationUsage {
                prompt_tokens: written.prompt_tokens as u64,
                completion_tokens: written.completion_tokens as u64,
                cached_tokens: written.cached_tokens as u64,
            },
            logprobs: logprobs.collect(),
        }
    }
}

fn logprob(found: llama::TokenLogprob, vocabulary: &Vocabulary) -> TokenLogprob {
    let token = match vocabulary.bytes(found.token) {
        [] => vocabulary.name(found.token).to_owned(),
        bytes => String::from_utf8_lossy(bytes).into_owned(),
    };
    TokenLogprob {
        token,
        logprob: found.logprob,
        top: Vec::new(),
    }
}
