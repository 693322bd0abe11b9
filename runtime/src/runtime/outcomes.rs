//! What became of durable tasks, by their ids: for callers who were away, or whose process was.

use aimass_environment::{SettledRecord, TaskId};
use serde_json::Value;

use crate::error::TaskError;
use crate::fault::FaultKind;
use crate::runtime::Runtime;
use crate::skill::Skill;

impl Runtime {
    /// Returns what became of a durable task of the skill, also of one that an earlier process accepted or settled; none while it is under way. Of a dead
    /// letter that was redriven, the outcome of the redrive counts.
    ///
    /// # Errors
    /// [`TaskError::Refused`] when there is no such task, or not any more; [`TaskError::Environment`] when the store cannot be read;
    /// [`TaskError::Bug`] when its output cannot be read as one of the skill's.
    pub fn outcome<S: Skill>(
        &self,
        task: TaskId,
    ) -> Result<Option<Result<S::Output, TaskError>>, TaskError> {
        let Some(outcome) = self.outcome_json(task)? else {
            return Ok(None);
        };
        let output = match outcome {
            Ok(output) => output,
            Err(error) => return Ok(Some(Err(error))),
        };
        let output = serde_json::from_value(output).map_err(|error| TaskError::Bug {
            skill: S::NAME.to_owned(),
            message: format!("the output of task {task} is none of this skill: {error}"),
        })?;
        Ok(Some(Ok(output)))
    }

    /// As [`Self::outcome`], in JSON.
    ///
    /// # Errors
    /// As [`Self::outcome`].
    pub fn outcome_json(
        &self,
        task: TaskId,
    ) -> Result<Option<Result<Value, TaskError>>, TaskError> {
        let snapshot = self.inner.environment.snapshot()?;
        let mut task = task;
        loop {
            let Some(settled) = snapshot.settled(task)? else {
                break;
            };
            match settled.redriven_as {
                Some(redrive) => task = redrive,
                None => return Ok(Some(outcome_of(settled))),
            }
        }
        match snapshot.task(task)? {
            Some(_) => Ok(None),
            None => Err(TaskError::Refused {
                kind: FaultKind::Rejected,
                message: format!(
                    "expected a durable task, got {task}, which was never one or is past retention"
                ),
            }),
        }
    }
}

/// How a task was settled, as its record says.
pub(super) fn outcome_of(settled: SettledRecord) -> Result<Value, TaskError> {
    let SettledRecord { mut outcome, .. } = settled;
    let Some(error) = outcome.get_mut("error") else {
        return Ok(outcome["output"].take());
    };
    let error = error.take();
    Err(serde_json::from_value(error).unwrap_or_else(|_| {
        let message = outcome["message"].as_str().unwrap_or_default();
        TaskError::Refused {
            kind: FaultKind::Rejected,
            message: message.to_owned(),
        }
    }))
}
