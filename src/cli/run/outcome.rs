//! What an episode came to, besides its facts: what went wrong, in lines and in the exit code.

use std::collections::{BTreeMap, HashSet};

use aimass_config::Locale;
use aimass_runtime::{
    EpisodeId, Fact, InputFailure, InputProblem, Revision, TaskError, TaskFailure,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::cli::failure::{self, Failure};
use crate::cli::harmless;
use crate::cli::messages;
use crate::cli::said::{Said, said, say};

/// What an episode came to, besides its facts.
#[derive(Deserialize)]
pub(super) struct Outcome {
    pub(super) episode: EpisodeId,
    pub(super) failures: Vec<TaskFailure>,
    pub(super) refused: Vec<InputFailure>,
    pub(super) unhandled: Vec<Revision>,
    /// The models that are not here, each with its agent.
    #[serde(skip)]
    pub(super) missing: Vec<(&'static str, String)>,
}

/// What was given twice is worked on once, and that is no failure.
fn is_lost(input: &InputFailure) -> bool {
    input.problem != InputProblem::Repeated
}

impl Outcome {
    pub(super) fn all_failures(&self) -> Vec<Value> {
        let inputs = self.refused.iter().filter(|input| is_lost(input));
        let inputs = inputs.map(|input| json!(input));
        let tasks = self.failures.iter().map(|task| json!(task));
        inputs.chain(tasks).collect()
    }

    /// Each failure in one line: first those of inputs, then those of tasks.
    pub(super) fn failure_lines(&self, facts: &[Fact], locale: Locale) -> Vec<String> {
        let path_of = |revision: Revision| {
            let fact = facts.iter().find(|fact| fact.revision == revision);
            let path = fact.and_then(|fact| fact.value.get("path")?.as_str());
            let unnamed = || {
                said!("fact {revision}", "事实 {revision}")
                    .in_locale(locale)
                    .to_owned()
            };
            path.map_or_else(unnamed, str::to_owned)
        };
        let line = |subject: &str, why: &Said| {
            let line = match locale {
                Locale::English => format!("{subject}: {}", why.english),
                Locale::Chinese => format!("{subject}：{}", why.chinese),
            };
            line.chars().map(harmless::in_line).collect()
        };
        let inputs = self.refused.iter();
        let inputs = inputs.map(|input| {
            line(
                &input.path.display().to_string(),
                &messages::input_failure(input),
            )
        });
        let tasks = self.failures.iter().map(|task| {
            let subject = task.cause.map_or_else(|| task.skill.clone(), path_of);
            line(&subject, &self.why(task))
        });
        inputs.chain(tasks).collect()
    }

    /// Why a task failed: for want of a model above all.
    fn why(&self, task: &TaskFailure) -> Said {
        let Ok(error) = TaskError::deserialize(&task.error) else {
            return task.message.as_str().into();
        };
        let agent = task.skill.split('.').next();
        let mut missing = self.missing.iter();
        let missing = missing.find(|(of, _)| agent == Some(of));
        match (&error, missing) {
            (TaskError::Unavailable { skill, .. }, Some((_, model))) => {
                messages::model_missing(skill, model)
            }
            _ => messages::task_error(&error),
        }
    }

    /// Names what went wrong, one line each; what it comes to is the exit code.
    pub(super) fn conclude(&self, facts: &[Fact], locale: Locale) -> Result<(), Failure> {
        for line in self.failure_lines(facts, locale) {
            say(&line);
        }
        for (kind, count) in self.unhandled_kinds(facts) {
            let unhandled = said!(
                "no agent handles `{kind}` yet ({count} of the inputs)",
                "还没有智能体处理 `{kind}`（{count} 份输入）"
            );
            unhandled.say(locale);
        }
        let of_task = |task: &TaskFailure| {
            TaskError::deserialize(&task.error).map_or(failure::BUG, |error| error.exit_code())
        };
        let inputs = self.refused.iter().filter(|input| is_lost(input));
        let inputs = inputs.map(|_| failure::BAD_INPUT);
        let worst = inputs.chain(self.failures.iter().map(of_task)).min();
        worst.map_or(Ok(()), |exit| Err(Failure::already_said(exit)))
    }

    fn unhandled_kinds(&self, facts: &[Fact]) -> BTreeMap<String, usize> {
        let unhandled: HashSet<Revision> = self.unhandled.iter().copied().collect();
        let mut kinds = BTreeMap::new();
        for fact in facts
            .iter()
            .filter(|fact| unhandled.contains(&fact.revision))
        {
            *kinds.entry(fact.kind.to_string()).or_default() += 1;
        }
        kinds
    }
}
