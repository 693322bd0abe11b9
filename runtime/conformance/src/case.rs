//! Cases: an example together with what the agent says of its skill, and what it answered when nothing happened.

use aimass_runtime::{Delivery, SkillSpec, TaskError};
use serde_json::Value;

use crate::compare::{difference, short};
use crate::conformance::Example;
use crate::report::Verdict;

/// What a check gives: nothing, or why it has not passed.
pub(crate) type Finding = Result<(), Verdict>;

/// One example of one skill.
pub(crate) struct Case {
    pub(crate) example: Example,
    pub(crate) spec: SkillSpec,
    pub(crate) work: Work,
    pub(crate) expected: Answer,
    pub(crate) tolerance: f64,
}

/// What stands behind a skill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    Model,
    Flow,
}

/// What a skill answered: its items and its output.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answer {
    pub(crate) items: Vec<Value>,
    pub(crate) output: Value,
}

impl Case {
    pub(crate) fn skill(&self) -> &str {
        &self.example.skill
    }

    /// Whether an answer is the one that is given when nothing happens.
    pub(crate) fn same(&self, when: &str, answer: &Result<Answer, TaskError>) -> Finding {
        let answer = answer
            .as_ref()
            .map_err(|error| failed(format!("{when}: expected an answer, got: {error}")))?;
        let tolerance = self.tolerance;
        // What is told of a live stream depends on when its chunks come and how busy the machine is.
        let is_live = self.spec.delivery == Delivery::ClientStreaming;
        let different = difference(&self.expected.output, &answer.output, tolerance);
        let different = different.or_else(|| {
            if is_live {
                return None;
            }
            let items = |answer: &Answer| Value::Array(answer.items.clone());
            difference(&items(&self.expected), &items(answer), tolerance)
                .map(|found| format!("of its items, {found}"))
        });
        different.map_or(Ok(()), |found| Err(failed(format!("{when}: {found}"))))
    }

    /// Whether an answer is the error that is expected.
    pub(crate) fn error(
        &self,
        expected: &str,
        answer: &Result<Answer, TaskError>,
        fits: impl Fn(&TaskError) -> bool,
    ) -> Finding {
        match answer {
            Err(error) if fits(error) => Ok(()),
            Err(error) => Err(failed(format!("expected {expected}, got: {error}"))),
            Ok(answer) => Err(failed(format!(
                "expected {expected}, got the answer {}",
                short(&answer.output)
            ))),
        }
    }
}

pub(crate) fn failed(why: String) -> Verdict {
    Verdict::Failed(why)
}

pub(crate) fn skipped(why: &str) -> Verdict {
    Verdict::Skipped(why.to_owned())
}
