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

/// What `gen_ai.provider.name` says: the models are of this process.
pub(crate) const PROVIDER: &str = "aimass";
