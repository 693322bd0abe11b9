//! `text.classify`: which of the user's labels fits a text, without training.
//!
//! Zero-shot by similarity: the text is compared with what sentences about each label have in
//! common, in the embedding space of the encoder. Source of the method: Yin, Hay and Roth,
//! "Benchmarking Zero-shot Text Classification", 2019, the embedding-based baseline. The scores are
//! a softmax over cosine similarities. How often they are right is measured on the texts in
//! `agents/tests/data/labels`.

use std::sync::Arc;

use aimass_runtime::{BatchIndex, BatchSkill, Fault, Operation, Skill, SkillSpec, StepContext};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::hits::cosine;
use crate::string_or::StringOr;
use crate::text::encoder::{average_of, tokens_read};
use crate::text::{TextInput, TextModel};

/// Labels that one call may name.
const MAX_LABELS: usize = 100;
/// Sentences about a label. One template makes one kind of label win: together they are right more
/// often than each alone.
const TEMPLATES: usize = 3;
/// What a similarity is divided by before the softmax: cosine similarities of short texts differ by
/// a few hundredths. At this one, right labels had the highest likelihood.
const TEMPERATURE: f32 = 0.07;

/// Says which of the given labels fits a text.
#[derive(Debug, Clone, Copy, Default)]
pub struct Classify;

/// A text and the labels to choose from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClassifyInput {
    /// The text itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// A text file in UTF-8, or in UTF-16 with a byte order mark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "path"))]
    pub path: Option<std::path::PathBuf>,
    /// Labels. A phrase (`something is broken`) works better than a category (`complaint`).
    pub labels: Labels,
}

/// Labels as a list, or as one string separated by commas.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "StringOr<Vec<String>>", untagged)]
pub enum Labels {
    /// A list.
    List(Vec<String>),
    /// One string with commas.
    Commas(String),
}

/// Labels, best first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Classes {
    /// Labels, best first.
    #[schemars(extend("x-view" = "scored"))]
    pub classes: Vec<ScoredClass>,
}

/// A label and how well it fits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScoredClass {
    /// The label.
    pub label: String,
    /// Score, 0 to 1; the scores of a text sum to 1.
    pub score: f32,
}

impl From<StringOr<Vec<String>>> for Labels {
    fn from(input: StringOr<Vec<String>>) -> Self {
        match input {
            StringOr::String(labels) => Self::Commas(labels),
            StringOr::Value(labels) => Self::List(labels),
        }
    }
}

impl Labels {
    /// The labels without white space around them.
    fn checked(&self) -> Result<Vec<String>, Fault> {
        let labels: Vec<String> = match self {
            Self::List(labels) => labels.iter().map(|label| label.trim().to_owned()).collect(),
            Self::Commas(labels) => labels
                .split(',')
                .map(|label| label.trim().to_owned())
                .collect(),
        };
        let distinct: std::collections::HashSet<&String> = labels.iter().collect();
        if labels.len() < 2 || labels.len() > MAX_LABELS {
            let found = labels.len();
            return Err(Fault::rejected(format!(
                "expected 2 to {MAX_LABELS} labels, got {found}"
            )));
        }
        if distinct.len() < labels.len() || labels.iter().any(String::is_empty) {
            return Err(Fault::rejected(
                "expected distinct labels that are not empty",
            ));
        }
        Ok(labels)
    }
}

impl Skill for Classify {
    const NAME: &'static str = "text.classify";
    type Input = ClassifyInput;
    type Output = Classes;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Classifies a text by the given labels, without training.")
            .operation(Operation::Classify)
            .main_field("text")
    }
}

impl BatchSkill for Classify {
    type Model = TextModel;

    fn run(
        &self,
        model: &mut TextModel,
        inputs: &[Arc<ClassifyInput>],
        context: &mut StepContext<'_>,
    ) -> Vec<Result<Classes, Fault>> {
        let outcome = |(at, input): (usize, &Arc<ClassifyInput>)| {
            let (classes, tokens) = classify(model, input)?;
            context.count(BatchIndex(at as u32), tokens_read(tokens));
            Ok(classes)
        };
        inputs.iter().enumerate().map(outcome).collect()
    }
}

/// The classes, and how many tokens the model read for them.
fn classify(model: &mut TextModel, input: &ClassifyInput) -> Result<(Classes, u64), Fault> {
    let labels = input.labels.checked()?;
    let text = TextInput {
        text: input.text.clone(),
        path: input.path.clone(),
    };
    let text = text.read()?;
    let prompts: Vec<String> = labels.iter().flat_map(|label| prompts(label)).collect();
    let (prompts, tokens) = model.embed_labels(&prompts)?;
    let about = prompts.chunks(TEMPLATES).map(average_of);
    let encoded = model.embed(&[&text])?.into_iter().next();
    let encoded = encoded.ok_or_else(|| Fault::bug("the model gave no vector"))?;
    let powers: Vec<f32> = about
        .map(|label| ((cosine(&encoded.vector, &label) - 1.0) / TEMPERATURE).exp())
        .collect();
    let total: f32 = powers.iter().sum::<f32>().max(f32::MIN_POSITIVE);
    let scored = labels.into_iter().zip(powers);
    let mut classes: Vec<ScoredClass> = scored
        .map(|(label, power)| ScoredClass {
            label,
            score: power / total,
        })
        .collect();
    classes.sort_by(|one, other| other.score.total_cmp(&one.score));
    Ok((Classes { classes }, tokens + encoded.tokens))
}

/// What might be said about a text of that label.
fn prompts(label: &str) -> [String; TEMPLATES] {
    [
        format!("This is {label}."),
        format!("category: {label}"),
        format!("a message about {label}"),
    ]
}
