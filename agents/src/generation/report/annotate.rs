//! `generation.annotate`: a report with sentences of a language model at the end of its digest.

use std::sync::Arc;

use aimass_runtime::{Fault, FlowContext, FlowSkill, Skill, SkillSpec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::compose::compose;
use super::phrase::phrase;
use super::{Report, ReportInput};

/// Sentences that a model may add.
const MOST: u32 = 5;

/// Adds sentences of a language model to the report on an episode.
#[derive(Debug, Clone, Copy, Default)]
pub struct Annotate;

/// A report with sentences of a language model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Annotated {
    /// The report. What a model wrote is the last section of its digest.
    pub report: Report,
    /// What the model wrote and is not in the report, since it may not be so.
    pub left_out: Vec<LeftOut>,
}

/// A sentence of a model that did not pass the check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LeftOut {
    /// The input that it is about.
    pub source: String,
    /// The sentence.
    pub text: String,
    /// What is wrong with it.
    pub reason: Reason,
}

/// Why a sentence of a model is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It does not end, is too long or too short, or is in a script that cannot be checked.
    Form,
    /// It speaks as if it were somebody.
    Person,
    /// It has a number that the text has not.
    Number,
    /// It has a month or a name that the text has not.
    Name,
    /// It has a word that the text has not.
    Word,
    /// Its words stand apart in the text, or in another order.
    Order,
    /// It denies what the text says, or says what the text denies.
    Denial,
    /// Its embedding is far from that of the text.
    Meaning,
}

impl Skill for Annotate {
    const NAME: &'static str = "generation.annotate";
    type Input = ReportInput;
    type Output = Annotated;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>(
            "Writes a report about the facts of an episode, with sentences of a language model as far as they pass a check.",
        )
        .main_field("episode")
    }
}

impl FlowSkill for Annotate {
    async fn run(&self, input: Arc<ReportInput>, context: FlowContext) -> Result<Annotated, Fault> {
        let (asked, reading) = (input.clone(), context.clone());
        let composed = context.blocking(move || {
            let facts = asked.facts(&reading)?;
            let draft = compose(&facts, &reading.views());
            Ok::<_, Fault>((facts, draft))
        });
        let (facts, mut draft) = composed.await??;
        let excerpts = std::mem::take(&mut draft.excerpts);
        let phrased = phrase(&context, excerpts, MOST as usize).await?;
        draft.add(phrased.kept);
        let mut report = draft.checked(&facts);
        if let Some(locale) = input.language {
            report = report.in_locale(locale);
        }
        report.formatted = report.write(input.format.unwrap_or_default());
        Ok(Annotated {
            report,
            left_out: phrased.left_out,
        })
    }
}
