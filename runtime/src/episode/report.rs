//! Reports: what an episode came to.

use std::sync::Arc;

use aimass_environment::{
    EnvironmentError, EpisodeId, EpisodeStatus, Fact, FactFilter, Revision, SettledRecord,
    Snapshot, TaskId, Transaction,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::episode::engine::reaction_task;
use crate::episode::inputs::InputFailure;
use crate::episode::quiet::{Next, go_on_when_quiet};
use crate::episode::root::Root;
use crate::error::TaskError;
use crate::events::Record;
use crate::runtime::{Runtime, environment_error};

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
    /// The fact that it reacted to; none of a task that was asked for when the episode was quiet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Revision>,
    /// The error, as JSON.
    pub error: Value,
    /// The error in one line.
    pub message: String,
}

impl Runtime {
    /// Waits until nothing of the episode is under way, and gives what it came to.
    ///
    /// # Errors
    /// [`TaskError::Environment`] when there is no such episode, or the store cannot be read.
    pub async fn report(&self, episode: EpisodeId) -> Result<EpisodeReport, TaskError> {
        let at_store = |error| environment_error("run", &error);
        self.until_nothing_follows(episode).await?;
        // The environment knows a settlement before the observers hear of it.
        for core in &self.inner.cores {
            core.answered(episode).await;
        }
        let environment = &self.inner.environment;
        let status = environment.snapshot().and_then(|all| all.episode(episode));
        let status = status.map_err(at_store)?;
        let finish = Transaction {
            finishes: vec![episode],
            ..Transaction::default()
        };
        environment.commit(finish).await.map_err(at_store)?;
        let report = self.report_now(episode).map_err(at_store)?;
        if let Some(status) = status.filter(|status| !status.done) {
            self.tell_of_end(&status, &report);
        }
        Ok(report)
    }

    /// Waits until nothing of the episode is under way, and its round has had all its rules for quiet.
    async fn until_nothing_follows(&self, episode: EpisodeId) -> Result<(), TaskError> {
        let at_store = |error| environment_error("run", &error);
        let (runtime, environment) = (Arc::downgrade(&self.inner), &self.inner.environment);
        let mut watch = environment.watch_episode(episode).map_err(at_store)?;
        loop {
            let quiet = watch.wait_for(|status| status.quiescent()).await;
            let quiet = quiet.map(|status| status.clone());
            let Ok(status) = quiet else {
                // It was forgotten, unless the environment is gone.
                environment.check_open().map_err(at_store)?;
                return Err(at_store(EnvironmentError::UnknownEpisode { episode }));
            };
            let next = go_on_when_quiet(&runtime, environment, &status).await;
            match next.map_err(at_store)? {
                Next::Rule => {}
                Next::Nothing => return Ok(()),
                Next::Closing => {
                    return Err(TaskError::ShuttingDown {
                        skill: "run".to_owned(),
                    });
                }
            }
        }
    }

    fn tell_of_end(&self, status: &EpisodeStatus, report: &EpisodeReport) {
        let events = &self.inner.events;
        if !events.is_listening() {
            return;
        }
        let failures = report.failures.len() as u64;
        let now = self.inner.clock.unix_nanos(self.inner.clock.now());
        if let Some(finished) = Root::finished(status, failures, now) {
            events.emit(|| Record::Episode(finished));
        }
    }

    /// What the episode has come to at this moment, finished or not.
    ///
    /// # Errors
    /// [`EnvironmentError`] when the store cannot be read.
    pub fn report_now(&self, episode: EpisodeId) -> Result<EpisodeReport, EnvironmentError> {
        let snapshot = self.inner.environment.snapshot()?;
        let filter = FactFilter {
            episode: Some(episode),
            ..FactFilter::default()
        };
        let facts = snapshot.facts(filter)?.collect::<Result<Vec<Fact>, _>>()?;
        let mut failures = Vec::new();
        let mut unhandled = Vec::new();
        for fact in &facts {
            let mut handled = false;
            for rule in self
                .inner
                .reactions
                .iter()
                .filter(|rule| rule.kind == fact.kind)
            {
                handled = true;
                let task = reaction_task(episode, rule, fact.revision);
                let settled = last_outcome(&snapshot, task)?;
                failures.extend(failure_of(settled, &rule.skill, Some(fact.revision)));
            }
            if !handled && fact.provenance.task.is_none() {
                unhandled.push(fact.revision);
            }
        }
        let rounds = snapshot.episode(episode)?.map_or(0, |status| status.round);
        for round in 1..=rounds {
            for rule in &self.inner.quiet_rules {
                let settled = last_outcome(&snapshot, rule.task(episode, round))?;
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
