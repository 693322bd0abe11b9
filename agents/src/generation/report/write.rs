//! `generation.report`: what the facts of an episode hold, for a reader.

use std::sync::Arc;

use aimass_locale::Locale;
use aimass_runtime::{
    EpisodeId, Fact, FactFilter, Fault, FlowContext, FlowSkill, Operation, Skill, SkillSpec,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::compose::compose;
use super::{Report, ReportFormat};

/// Writes a report on an episode.
#[derive(Debug, Clone, Copy, Default)]
pub struct WriteReport;

/// An episode, or facts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ReportInput {
    /// The episode whose facts are reported on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub episode: Option<EpisodeId>,
    /// The facts themselves, as `aimass facts` and `aimass run --json` give them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub facts: Option<Vec<Value>>,
    /// Language of the report, `en` or `zh`; default: `en`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub language: Option<Locale>,
    /// Additional output format: `txt` or `md`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<ReportFormat>,
}

impl ReportInput {
    /// A report on that episode.
    pub fn on(episode: EpisodeId) -> Self {
        Self {
            episode: Some(episode),
            ..Self::default()
        }
    }

    /// The facts, given or read. Blocks while it reads.
    pub(super) fn facts(&self, context: &FlowContext) -> Result<Vec<Fact>, Fault> {
        let episode = match (&self.facts, self.episode) {
            (Some(facts), None) => {
                let read: Result<Vec<Fact>, serde_json::Error> =
                    facts.iter().map(Fact::deserialize).collect();
                return read.map_err(|error| {
                    Fault::rejected(format!("expected facts, got something else: {error}"))
                });
            }
            (None, Some(episode)) => episode,
            (Some(_), Some(_)) => {
                return Err(Fault::rejected(
                    "expected `episode` or `facts`, got both; leave one out",
                ));
            }
            (None, None) => {
                return Err(Fault::rejected(
                    "expected `episode` or `facts`, got neither",
                ));
            }
        };
        let filter = FactFilter {
            namespace: Some(context.namespace().clone()),
            episode: Some(episode),
            ..FactFilter::default()
        };
        let read = || {
            context
                .environment()
                .snapshot()?
                .facts(filter)?
                .collect::<Result<Vec<Fact>, _>>()
        };
        let facts = read().map_err(|error| Fault::unavailable(error.to_string()))?;
        match facts.is_empty() {
            true => Err(Fault::rejected(format!(
                "there is no episode {episode} with facts of the namespace `{}`; `aimass facts ls` names the episodes that there are",
                context.namespace()
            ))),
            false => Ok(facts),
        }
    }
}

impl Skill for WriteReport {
    const NAME: &'static str = "generation.report";
    type Input = ReportInput;
    type Output = Report;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>(
            "Writes a report about the facts of an episode; its sentences cite facts.",
        )
        .operation(Operation::Report)
        .main_field("episode")
    }
}

impl FlowSkill for WriteReport {
    async fn run(&self, input: Arc<ReportInput>, context: FlowContext) -> Result<Report, Fault> {
        let (asked, reading) = (input.clone(), context.clone());
        let composed = context.blocking(move || {
            let facts = asked.facts(&reading)?;
            let draft = compose(&facts, &reading.views());
            Ok::<_, Fault>((facts, draft))
        });
        let (facts, draft) = composed.await??;
        let mut report = draft.checked(&facts);
        if let Some(locale) = input.language {
            report = report.in_locale(locale);
        }
        report.formatted = report.write(input.format.unwrap_or_default());
        Ok(report)
    }
}
