//! Reports: what an episode came to.

use std::sync::Arc;

use aimass_environment::{
    EnvironmentError, EpisodeId, Fact, FactFilter, Revision, SettledRecord, Snapshot, TaskId,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::reactions::engine::reaction_task;
use crate::reactions::inputs::InputFailure;
use crate::skill::idle_rule::IdleRule;
use crate::skill::reaction::Reaction;

/// What an episode came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpisodeReport {
    /// The episode.
    pub episode: EpisodeId,
    /// All its facts, inputs first.
    pub facts: Vec<Fact>,
    /// Tasks that ended with an error.
    pub failures: Vec<TaskFailure>,
    /// Inputs that could not be used.
    pub refused: Vec<InputFailure>,
    /// Inputs that no agent handles yet.
    pub unhandled: Vec<Revision>,
}

/// A task of an episode that ended with an error.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskFailure {
    /// The task.
    pub task: TaskId,
    /// What was asked.
    pub skill: String,
    /// The fact that it reacted to; none of a task that was asked for when the episode was idle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Revision>,
    /// The error, as JSON.
    pub error: Value,
    /// The error in one line.
    pub message: String,
}

/// What an episode has come to at that moment under those rules, finished or not.
pub(crate) fn report_at(
    snapshot: &Snapshot,
    episode: EpisodeId,
    reactions: &[Arc<Reaction>],
    idle_rules: &[Arc<IdleRule>],
) -> Result<EpisodeReport, EnvironmentError> {
    let filter = FactFilter {
        episode: Some(episode),
        ..FactFilter::default()
    };
    let facts = snapshot.facts(filter)?.collect::<Result<Vec<Fact>, _>>()?;
    let mut failures = Vec::new();
    let mut unhandled = Vec::new();
    for fact in &facts {
        let mut handled = false;
        for rule in reactions.iter().filter(|rule| rule.kind == fact.kind) {
            handled = true;
            let task = reaction_task(episode, rule, fact.revision);
            let settled = last_outcome(snapshot, task)?;
            failures.extend(failure_of(settled, &rule.skill, Some(fact.revision)));
        }
        if !handled && fact.provenance.task.is_none() {
            unhandled.push(fact.revision);
        }
    }
    let rounds = snapshot.episode(episode)?.map_or(0, |status| status.round);
    for round in 1..=rounds {
        for rule in idle_rules {
            let settled = last_outcome(snapshot, rule.task(episode, round))?;
            failures.extend(failure_of(settled, &rule.skill, None));
        }
    }
    Ok(EpisodeReport {
        episode,
        facts,
        failures,
        refused: Vec::new(),
        unhandled,
    })
}

/// How a task ended; of a dead letter that was redriven, how that ended.
fn last_outcome(
    snapshot: &Snapshot,
    task: TaskId,
) -> Result<Option<SettledRecord>, EnvironmentError> {
    let mut last = snapshot.settled(task)?;
    while let Some(again) = last.as_ref().and_then(|settled| settled.redriven_as) {
        match snapshot.settled(again)? {
            Some(settled) => last = Some(settled),
            // Under way, or past retention.
            None => break,
        }
    }
    Ok(last)
}

/// The failure that a settlement tells of; none when it tells of an output, or when there is none.
fn failure_of(
    settled: Option<SettledRecord>,
    skill: &str,
    cause: Option<Revision>,
) -> Option<TaskFailure> {
    let settled = settled?;
    let error = settled.outcome.get("error")?.clone();
    let message = settled.outcome.get("message").and_then(Value::as_str);
    Some(TaskFailure {
        task: settled.task,
        skill: skill.to_owned(),
        cause,
        message: message.unwrap_or_default().to_owned(),
        error,
    })
}
