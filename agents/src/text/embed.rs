//! `text.embed`: one vector for a text, such that texts of like meaning have like vectors.

use std::borrow::Cow;
use std::sync::Arc;

use aimass_runtime::{
    BatchIndex, BatchKey, BatchSkill, Fault, ModelVersion, Operation, Skill, SkillSpec, StepContext,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::text::encoder::tokens_read;
use crate::text::{TextInput, TextModel};

/// Characters of an embedded text that are kept beside its embedding.
const EXCERPT: usize = 240;

/// Gives the embedding of a text.
#[derive(Debug, Clone, Copy, Default)]
pub struct Embed;

/// A vector of length 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Embedding {
    /// The vector; 384 values with the default model.
    pub embedding: Vec<f32>,
    /// Version of the model; embeddings of different versions cannot be compared.
    #[schemars(with = "String")]
    pub model: ModelVersion,
    /// Start of the text, which searches show even if the file has changed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub excerpt: String,
}

impl Skill for Embed {
    const NAME: &'static str = "text.embed";
    type Input = TextInput;
    type Output = Embedding;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>(
            "Gives the embedding of a text: similar meanings have similar embeddings.",
        )
        .operation(Operation::Embed)
        .main_field("text")
    }

    fn input_bytes(&self, input: &TextInput) -> u64 {
        input.bytes()
    }
}

impl BatchSkill for Embed {
    type Model = TextModel;

    /// Long texts take long, and must not keep short ones waiting: they share a batch only with
    /// their like.
    fn batch_key(&self, input: &TextInput) -> BatchKey {
        let bytes = input
            .text
            .as_ref()
            .map_or(u64::MAX, |text| text.len() as u64);
        BatchKey(match bytes {
            0..=1024 => 0,
            1025..=65_536 => 1,
            _ => 2,
        })
    }

    fn run(
        &self,
        model: &mut TextModel,
        inputs: &[Arc<TextInput>],
        context: &mut StepContext<'_>,
    ) -> Vec<Result<Embedding, Fault>> {
        let texts: Vec<_> = inputs.iter().map(|input| input.read()).collect();
        let good: Vec<&str> = texts.iter().flatten().map(|text| &**text).collect();
        let vectors = match model.embed(&good) {
            Ok(vectors) => vectors,
            Err(fault) => return inputs.iter().map(|_| Err(fault.clone())).collect(),
        };
        let mut vectors = vectors.into_iter();
        let missing = || Fault::bug("the model gave too few vectors");
        let outcome = |(at, text): (usize, Result<Cow<'_, str>, Fault>)| {
            let text = text?;
            let encoded = vectors.next().ok_or_else(missing)?;
            context.count(BatchIndex(at as u32), tokens_read(encoded.tokens));
            Ok(Embedding {
                embedding: encoded.vector,
                model: context.model_version().clone(),
                excerpt: excerpt(&text),
            })
        };
        texts.into_iter().enumerate().map(outcome).collect()
    }
}

/// The beginning of a text, without the white space before it.
pub(super) fn excerpt(text: &str) -> String {
    text.trim().chars().take(EXCERPT).collect()
}
