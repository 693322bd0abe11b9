//! What the generation agent gives.

use aimass_models::llama::{self, FinishReason, Generated, Vocabulary};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What was written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GenerationOutput {
    /// The text.
    #[schemars(extend("x-view" = "text"))]
    pub text: String,
    /// Why it ended: `stop` (end token, stop sequence) or `length` (`max_tokens`, context).
    pub finish_reason: String,
    /// Token counts.
    pub usage: GenerationUsage,
    /// Log probabilities of the tokens, if requested.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub logprobs: Vec<TokenLogprob>,
}

/// How many tokens a text took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GenerationUsage {
    /// Input tokens.
    pub prompt_tokens: u64,
    /// Generated tokens, including the end token.
    pub completion_tokens: u64,
    /// Input tokens that came from the prefix cache.
    pub cached_tokens: u64,
}

/// How probable a token was in its place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TokenLogprob {
    /// Text of the token; bytes of incomplete characters become `U+FFFD`.
    pub token: String,
    /// Natural logarithm of its probability.
    pub logprob: f32,
    /// The most likely tokens at its position.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub top: Vec<TokenLogprob>,
}

/// The next piece of the generated text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("x-view" = "text"))]
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
