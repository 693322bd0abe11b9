//! The names of OpenTelemetry's semantic conventions that we use.
//!
//! Those of generative AI follow semantic-conventions-genai 0.1.0 (<https://github.com/open-telemetry/semantic-conventions-genai>). They moved there,
//! so the crate calls its own ones deprecated: what 0.1.0 has unchanged is taken from the crate, what it brought is written out here.

use opentelemetry_semantic_conventions::attribute;

pub(crate) use attribute::{ERROR_TYPE, SERVICE_INSTANCE_ID, SERVICE_NAME, SERVICE_VERSION};
pub(crate) use unchanged::*;

#[expect(
    deprecated,
    reason = "the crate means that they moved to semantic-conventions-genai, whose 0.1.0 has them unchanged"
)]
mod unchanged {
    use super::attribute;

    pub(crate) const GEN_AI_AGENT_NAME: &str = attribute::GEN_AI_AGENT_NAME;
    pub(crate) const GEN_AI_OPERATION_NAME: &str = attribute::GEN_AI_OPERATION_NAME;
    pub(crate) const GEN_AI_PROVIDER_NAME: &str = attribute::GEN_AI_PROVIDER_NAME;
    pub(crate) const GEN_AI_REQUEST_MODEL: &str = attribute::GEN_AI_REQUEST_MODEL;
    pub(crate) const GEN_AI_USAGE_INPUT_TOKENS: &str = attribute::GEN_AI_USAGE_INPUT_TOKENS;
    pub(crate) const GEN_AI_USAGE_OUTPUT_TOKENS: &str = attribute::GEN_AI_USAGE_OUTPUT_TOKENS;
}

/// What kind of data tokens stand for. Of 0.1.0: docs/gen-ai/gen-ai-token-metrics.md, as are the metrics of inference.
pub(crate) const GEN_AI_TOKEN_MODALITY: &str = "gen_ai.token.modality";
/// All tokens read, by modality.
pub(crate) const GEN_AI_CLIENT_INFERENCE_USAGE_INPUT_TOKENS: &str =
    "gen_ai.client.inference.usage.input_tokens";
/// All tokens written, by modality.
pub(crate) const GEN_AI_CLIENT_INFERENCE_USAGE_OUTPUT_TOKENS: &str =
    "gen_ai.client.inference.usage.output_tokens";
/// Tokens read in each operation.
pub(crate) const GEN_AI_CLIENT_INFERENCE_OPERATION_INPUT_TOKENS: &str =
    "gen_ai.client.inference.operation.input_tokens";
/// Tokens written in each operation.
pub(crate) const GEN_AI_CLIENT_INFERENCE_OPERATION_OUTPUT_TOKENS: &str =
    "gen_ai.client.inference.operation.output_tokens";
/// Tokens read in each embedding; embeddings have no other metric of tokens. Of 0.1.0: docs/gen-ai/client-embeddings.md.
pub(crate) const GEN_AI_CLIENT_EMBEDDINGS_OPERATION_INPUT_TOKENS: &str =
    "gen_ai.client.embeddings.operation.input_tokens";

/// What `gen_ai.operation.name` can say of us; 0.1.0 wants its own names wherever one applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Embeddings,
    Chat,
    TextCompletion,
    Retrieval,
    InvokeAgent,
}

impl Operation {
    /// The one that a skill comes nearest to, by its name.
    pub(crate) fn of(skill: &str) -> Self {
        match skill.rsplit('.').next() {
            Some("embed") => Self::Embeddings,
            Some("chat") => Self::Chat,
            Some("complete") => Self::TextCompletion,
            Some("search") => Self::Retrieval,
            _ => Self::InvokeAgent,
        }
    }

    /// Its name in the conventions.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Embeddings => "embeddings",
            Self::Chat => "chat",
            Self::TextCompletion => "text_completion",
            Self::Retrieval => "retrieval",
            Self::InvokeAgent => "invoke_agent",
        }
    }

    /// What its tokens stand for, `gen_ai.token.modality`. A skill counts tokens and does not say which: those of an agent may be a recording's.
    pub(crate) fn modality(self) -> &'static str {
        match self {
            Self::Embeddings | Self::Chat | Self::TextCompletion | Self::Retrieval => "text",
            Self::InvokeAgent => "unknown",
        }
    }
}

/// What `gen_ai.provider.name` says: the models are of this process.
pub(crate) const PROVIDER: &str = "aimass";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skill_is_the_operation_that_its_own_name_says() {
        for (skill, operation, modality) in [
            ("text.embed", "embeddings", "text"),
            ("generation.chat", "chat", "text"),
            ("generation.complete", "text_completion", "text"),
            ("text.search", "retrieval", "text"),
            ("chat.listen", "invoke_agent", "unknown"),
            ("speech.recognize", "invoke_agent", "unknown"),
        ] {
            let found = Operation::of(skill);
            assert_eq!(
                (found.name(), found.modality()),
                (operation, modality),
                "{skill}"
            );
        }
    }
}
