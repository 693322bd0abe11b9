//! Dead letters that get another chance, or go for good.

use std::sync::Arc;

use aimass_environment::{
    DeadLetterRecord, EnvironmentError, Snapshot, TaskId, TaskRecord, Transaction,
};
use serde_json::Value;

use crate::core::call::Because;
use crate::error::TaskError;
use crate::runtime::calls::last_attempt;
use crate::runtime::{Runtime, environment_error};
use crate::skill::reaction::Reaction;
use crate::task::TaskOptions;

impl Runtime {
    /// Asks for a dead letter again, as a new task of the same skill and input. Returns its id and its outcome.
    ///
    /// Of a task that a rule asked for the answer becomes a fact, as it would have at first, and the episode's report names the failure no more.
    /// In an episode that had come to its end the redrive of a reaction begins a round, so that the idle rules see the answer.
    ///
    /// # Errors
    /// [`TaskError::Rejected`] when there is no such dead letter, or when it was redriven already and that is under way, was answered or is a
    /// dead letter itself; else what becomes of the new task. A full agent refuses it, and the letter stays as it was.
    pub async fn redrive(&self, task: TaskId) -> Result<(TaskId, Value), TaskError> {
        let (record, input) = self.read_letter(task)?;
        let options = TaskOptions {
            priority: record.priority,
            namespace: Some(record.namespace.clone()),
            episode: record.episode,
            ..TaskOptions::default()
        };
        let mut call = self.decode(&record.skill, input, options)?;
        let again = TaskId::random();
        call.because = Because {
            rule: record.rule.as_deref().map(Into::into),
            cause: record.cause,
            redrive_of: Some(task),
            earlier: last_attempt(&record),
            new_id: Some(again),
            ..Because::default()
        };
        let transaction = Transaction {
            redriven: vec![(task, again)],
            ..Transaction::default()
        };
        let pending = self.call_durable_with(call, transaction).await?;
        let output = pending.await?.to_json();
        let output = output.map_err(|message| TaskError::Bug {
            skill: record.skill,
            message,
        })?;
        Ok((again, output))
    }

    /// Removes a dead letter that nobody needs any more. What the episode's report says of its task stays.
    ///
    /// # Errors
    /// [`TaskError::Rejected`] when there is no such dead letter, [`TaskError::Environment`] when the store does not take it.
    pub async fn remove_dead_letter(&self, task: TaskId) -> Result<(), TaskError> {
        let read = self.inner.environment.snapshot();
        let letter = read.and_then(|snapshot| snapshot.dead_letter(task));
        letter
            .map_err(|error| environment_error("dead letters", &error))?
            .ok_or_else(|| no_letter(task))?;
        let removed = self.inner.environment.remove_dead_letter(task).await;
        removed.map_err(|error| environment_error("dead letters", &error))
    }

    /// The task of a letter that may be redriven, and its input.
    fn read_letter(&self, task: TaskId) -> Result<(TaskRecord, Value), TaskError> {
        let unreadable = |error| environment_error("redrive", &error);
        let snapshot = self.inner.environment.snapshot().map_err(unreadable)?;
        let letter = snapshot.dead_letter(task).map_err(unreadable)?;
        let letter = letter.ok_or_else(|| no_letter(task))?;
        if let Some(flow) = letter.task.asked_by
            && snapshot.dead_letter(flow).map_err(unreadable)?.is_some()
        {
            return Err(rejected(format!(
                "dead letter {task} is part of what the flow's task {flow} asked for, and answers nobody alone; redrive {flow}"
            )));
        }
        if let Some(message) = redriven_already(&snapshot, &letter).map_err(unreadable)? {
            return Err(rejected(message));
        }
        let mut record = letter.task;
        let episode = record.episode.map(|episode| snapshot.episode(episode));
        if let Some(None) = episode.transpose().map_err(unreadable)? {
            // Past retention: there is nothing left that the answer could belong to.
            record.episode = None;
        }
        let input = match &record.input {
            Value::Null => self.made_again(&snapshot, &record)?,
            input => input.clone(),
        };
        Ok((record, input))
    }

    /// The input of a reaction whose rule could not make it.
    fn made_again(&self, snapshot: &Snapshot, record: &TaskRecord) -> Result<Value, TaskError> {
        let rule = self.rule_named(record.rule.as_deref());
        let (Some(rule), Some(revision)) = (rule, record.cause) else {
            return Ok(Value::Null);
        };
        let fact = snapshot.fact(revision);
        let fact = fact.map_err(|error| environment_error("redrive", &error))?;
        let fact = fact.ok_or_else(|| {
            rejected(format!(
                "the fact {revision} that it reacts to is past retention; `aimass dead-letters rm {}` removes the letter",
                record.id
            ))
        })?;
        match rule.input_from(&fact) {
            Err(message) => Err(TaskError::Bug {
                skill: record.skill.clone(),
                message,
            }),
            Ok(Value::Null) => Err(rejected(format!(
                "rule `{}` lets the fact {revision} pass by now; `aimass dead-letters rm {}` removes the letter",
                rule.name, record.id
            ))),
            Ok(input) => Ok(input),
        }
    }

    fn rule_named(&self, name: Option<&str>) -> Option<Arc<Reaction>> {
        let name = name?;
        let members = self.inner.members();
        let mut rules = members.reactions.iter();
        rules.find(|rule| rule.name() == name).cloned()
    }
}

/// Why a letter is not redriven again, if so. A redrive that failed without being a dead letter itself leaves nobody else to redrive.
fn redriven_already(
    snapshot: &Snapshot,
    letter: &DeadLetterRecord,
) -> Result<Option<String>, EnvironmentError> {
    let task = letter.task.id;
    let Some(again) = letter.redriven_as else {
        return Ok(None);
    };
    if snapshot.task(again)?.is_some() {
        return Ok(Some(format!(
            "dead letter {task} is being redriven as {again}; wait for that one"
        )));
    }
    if snapshot.dead_letter(again)?.is_some() {
        return Ok(Some(format!(
            "dead letter {task} was redriven as {again}, which is a dead letter itself; redrive that one"
        )));
    }
    let settled = snapshot.settled(again)?;
    let is_done = settled.is_some_and(|settled| settled.outcome.get("output").is_some());
    Ok(is_done.then(|| {
        format!(
            "dead letter {task} was redriven as {again}, which was answered; `aimass dead-letters rm {task}` removes it"
        )
    }))
}

fn no_letter(task: TaskId) -> TaskError {
    rejected(format!(
        "there is no dead letter {task}; `aimass dead-letters ls` lists them"
    ))
}

fn rejected(message: String) -> TaskError {
    TaskError::Rejected {
        skill: "redrive".to_owned(),
        message,
    }
}
