//! `generation.summarize`: what a text says, in a few sentences, however long it is.
//!
//! A text that does not fit into what the model looks at is cut into passages; each is summarized,
//! several at a time, and the summaries are put together and summarized again, until one is left.

use std::path::PathBuf;
use std::sync::Arc;

use aimass_runtime::{Fault, FlowContext, FlowSkill, Operation, Skill, SkillSpec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::generation::{Chat, GenerationInput, GenerationOutput, GenerationUsage};
use crate::in_order::InOrder;
use crate::passages::passages;
use crate::text_input::TextInput;

/// Passages that are summarized side by side: together they cost little more than one.
const PASSAGES_AT_ONCE: usize = 8;
/// The maximum number of passages of a text.
const MAX_PASSAGES: usize = 4096;
/// The default of `max_tokens`.
const DEFAULT_MAX_TOKENS: u32 = 160;
/// Tokens of the instruction and of the model's template, roughly.
const AROUND: usize = 256;
/// A passage need not be longer, in bytes: small models lose the thread.
const MAX_PASSAGE_BYTES: usize = 8000;

/// Summarizes a text in a few sentences.
#[derive(Debug, Clone, Copy)]
pub struct Summarize {
    context: usize,
}

/// A text, and how to summarize it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SummarizeInput {
    /// The text itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// A text file in UTF-8, or in UTF-16 with a byte order mark.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "path"))]
    pub path: Option<PathBuf>,
    /// Maximum number of tokens of the summary; default: 160.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
    /// Sampling temperature, 0 to 2; default: 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f32>,
    /// Random seed; default: 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

/// A summary of a text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// The summary.
    #[schemars(extend("x-view" = "text"))]
    pub text: String,
    /// Number of passages that the text was split into.
    pub passages: u32,
    /// Token counts of all passages.
    pub usage: GenerationUsage,
}

impl Default for Summarize {
    /// For a model that looks at 8192 tokens.
    fn default() -> Self {
        Self::within(8192)
    }
}

impl Summarize {
    /// Asks about passages that fit into so many tokens, whatever they are written in.
    pub(super) fn within(context: usize) -> Self {
        Self { context }
    }

    /// The longest passage: no token has less than a byte.
    fn longest(&self, max_tokens: u32) -> usize {
        let taken = AROUND + max_tokens as usize;
        self.context
            .saturating_sub(taken)
            .clamp(64, MAX_PASSAGE_BYTES)
    }
}

impl Skill for Summarize {
    const NAME: &'static str = "generation.summarize";
    type Input = SummarizeInput;
    type Output = Summary;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Summarizes a text of any length in a few sentences.")
            .operation(Operation::Summarize)
            .main_field("text")
            .alias("generation.summarise")
    }

    fn input_bytes(&self, input: &SummarizeInput) -> u64 {
        input.source().bytes()
    }
}

impl SummarizeInput {
    fn source(&self) -> TextInput {
        TextInput {
            text: self.text.clone(),
            path: self.path.clone(),
        }
    }

    fn question(&self, passage: &str, max_tokens: u32) -> GenerationInput {
        GenerationInput {
            system: Some("You summarise texts. You say only what the text says.".to_owned()),
            prompt: Some(format!(
                "{passage}\n\nSummarise the text above in a few sentences, in its own language."
            )),
            max_tokens: Some(max_tokens),
            temperature: self.temperature,
            seed: self.seed,
            repetition_penalty: Some(1.1),
            ..GenerationInput::default()
        }
    }
}

impl FlowSkill for Summarize {
    async fn run(
        &self,
        input: Arc<SummarizeInput>,
        context: FlowContext,
    ) -> Result<Summary, Fault> {
        let max_tokens = input.max_tokens.unwrap_or(DEFAULT_MAX_TOKENS);
        let longest = self.longest(max_tokens);
        let source = input.source();
        let text = context.blocking(move || source.read().map(|text| text.into_owned()));
        let mut text = text.await??;
        let mut usage = GenerationUsage::default();
        let mut count = None;
        loop {
            let cut = passages(&text, longest);
            if cut.len() > MAX_PASSAGES {
                let found = cut.len();
                return Err(Fault::rejected(format!(
                    "expected a text of at most {MAX_PASSAGES} passages of {longest} bytes, got {found}; cut it"
                )));
            }
            count.get_or_insert(cut.len() as u32);
            let questions = cut
                .iter()
                .map(|passage| input.question(passage, max_tokens));
            let answers = ask_all(&context, questions).await?;
            for answer in &answers {
                usage.prompt_tokens += answer.usage.prompt_tokens;
                usage.completion_tokens += answer.usage.completion_tokens;
                usage.cached_tokens += answer.usage.cached_tokens;
            }
            let summaries: Vec<&str> = answers.iter().map(|answer| answer.text.trim()).collect();
            let joined = summaries.join("\n\n");
            // Of passages that are not shorter when they are summarized there would be no end.
            if cut.len() == 1 || joined.len() >= text.len() {
                return Ok(Summary {
                    text: joined,
                    passages: count.unwrap_or(1),
                    usage,
                });
            }
            text = joined;
        }
    }
}

/// The answers, in the order of the questions.
async fn ask_all(
    context: &FlowContext,
    questions: impl Iterator<Item = GenerationInput>,
) -> Result<Vec<GenerationOutput>, Fault> {
    let mut asked = InOrder::new();
    let mut answers = Vec::new();
    for question in questions {
        if asked.len() >= PASSAGES_AT_ONCE
            && let Some(answer) = asked.next().await
        {
            answers.push(answer?);
        }
        let context = context.clone();
        asked
            .push(async move { context.ask::<Chat>(question).await })
            .await;
    }
    while let Some(answer) = asked.next().await {
        answers.push(answer?);
    }
    Ok(answers)
}
