//! What an episode came to, besides its facts: what went wrong, in lines and in the exit code.

use std::collections::{BTreeMap, HashSet};

use aimass_locale::{Locale, Text, harmless, text};
use aimass_runtime::{
    EpisodeId, Fact, InputFailure, InputProblem, Revision, TaskError, TaskFailure,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::failure::{self, Failure};
use crate::messages;
use crate::said::{say, say_line};

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
            let path = input_of(facts, revision).and_then(|fact| fact.value.get("path")?.as_str());
            let unnamed = || {
                text!("fact {revision}", "事实 {revision}")
                    .in_locale(locale)
                    .to_owned()
            };
            path.map_or_else(unnamed, str::to_owned)
        };
        let line = |subject: &str, Text { english, chinese }: &Text| {
            let line = text!("{subject}: {english}", "{subject}：{chinese}");
            let line = line.in_locale(locale).chars();
            line.map(harmless::in_line).collect()
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
    fn why(&self, task: &TaskFailure) -> Text {
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
            say_line(&line);
        }
        for (kind, count) in self.unhandled_kinds(facts) {
            let unhandled = text!(
                "no agent handles `{kind}` yet ({count} of the inputs)",
                "还没有智能体处理 `{kind}`（{count} 份输入）"
            );
            say(&unhandled, locale);
        }
        let of_task = |task: &TaskFailure| {
            let exit = TaskError::deserialize(&task.error);
            let exit = exit.map_or(failure::BUG, |error| error.exit_code());
            match exit {
                // What one agent said and another refused is nothing that the user gave.
                failure::BAD_INPUT if !is_about_an_input(facts, task) => failure::BUG,
                exit => exit,
            }
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

/// The input from which a fact came, through all that was found in between.
fn input_of(facts: &[Fact], revision: Revision) -> Option<&Fact> {
    let mut at = revision;
    // A cause comes before what it causes, so this ends.
    loop {
        let fact = facts.iter().find(|fact| fact.revision == at)?;
        match fact.provenance.cause {
            Some(cause) if cause < at => at = cause,
            _ => return Some(fact),
        }
    }
}

/// Whether a task was given what the user gave.
fn is_about_an_input(facts: &[Fact], task: &TaskFailure) -> bool {
    let fact = task
        .cause
        .and_then(|cause| facts.iter().find(|fact| fact.revision == cause));
    fact.is_some_and(|fact| fact.provenance.task.is_none())
}

#[cfg(test)]
mod tests {
    use std::process::ExitCode;

    use super::*;

    /// A recording and its transcript; and a task that refused one of them.
    fn refused(cause: u64) -> (Vec<Fact>, Outcome) {
        let fact = |revision: u64, kind: &str, value: Value, provenance: Value| -> Fact {
            let fact = json!({
                "revision": revision, "namespace": "default", "kind": kind, "value": value,
                "provenance": provenance, "at_ms": 0,
            });
            serde_json::from_value(fact).unwrap()
        };
        let given = json!({"path": "/in/six.wav", "bytes": 10});
        let found = json!({"agent": "speech", "task": format!("{:032x}", 7), "cause": 1});
        let facts = vec![
            fact(1, "file.audio@1", given, json!({})),
            fact(2, "speech.transcribe@1", json!({"text": "6"}), found),
        ];
        let error = TaskError::Rejected {
            skill: "text.guess".to_owned(),
            message: "expected words".to_owned(),
        };
        let outcome = json!({
            "episode": format!("{:032x}", 1), "refused": [], "unhandled": [],
            "failures": [{
                "task": format!("{:032x}", 8), "skill": "text.guess", "cause": cause,
                "error": error, "message": error.to_string(),
            }],
        });
        (facts, serde_json::from_value(outcome).unwrap())
    }

    #[test]
    fn a_failure_is_told_of_the_file_that_it_comes_from() {
        for cause in [1, 2] {
            let (facts, outcome) = refused(cause);
            let lines = outcome.failure_lines(&facts, Locale::English);
            assert!(lines[0].starts_with("/in/six.wav: "), "{lines:?}");
        }
        let (facts, outcome) = refused(9);
        let lines = outcome.failure_lines(&facts, Locale::English);
        assert!(lines[0].starts_with("fact 9: "), "{lines:?}");
    }

    #[test]
    fn what_one_agent_says_and_another_refuses_is_no_bad_input() {
        for (cause, exit) in [(1, failure::BAD_INPUT), (2, failure::BUG)] {
            let (facts, outcome) = refused(cause);
            let failed = outcome.conclude(&facts, Locale::English).unwrap_err();
            assert_eq!(
                failed.report(Locale::English),
                ExitCode::from(exit),
                "{cause}"
            );
        }
    }
}
