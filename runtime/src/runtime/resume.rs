//! Taking up what earlier processes accepted and did not settle. What may have killed them runs alone before anything else does.

use std::time::Duration;

use serde_json::json;

use crate::environment::{
    DeadLetterRecord, EnvironmentError, Running, SettledRecord, TaskRecord, Transaction,
};
use crate::error::TaskError;
use crate::events::Note;
use crate::runtime::{Runtime, RuntimeError};
use crate::ticket::Durability;

/// How long the others wait for a task that runs alone. One that has not killed its process by then goes on beside them.
const TRIAL: Duration = Duration::from_secs(600);

/// What is left of earlier processes, and how it is taken up.
pub(super) struct Unsettled {
    records: Vec<TaskRecord>,
    durability: Durability,
}

impl Runtime {
    /// Takes up, or gives up, what may have killed the processes before: before any worker but those that it needs is started, and before any fact is reacted to.
    pub(super) async fn take_up_suspects(&self) -> Result<Unsettled, RuntimeError> {
        let environment = &self.inner.environment;
        let died = environment.begin_life().await?;
        let unsettled = environment.snapshot()?.unsettled()?;
        let (suspects, others): (Vec<_>, Vec<_>) = unsettled
            .into_iter()
            .partition(|record| record.deaths.is_suspect());
        for record in suspects {
            if record.deaths.is_convicted() {
                self.convict(&record).await?;
            } else {
                self.try_alone(&record).await?;
            }
        }
        let durability = match died {
            true => Durability::Orphaned,
            false => Durability::Resumed,
        };
        Ok(Unsettled {
            records: others,
            durability,
        })
    }

    /// Takes up what nobody suspects.
    pub(super) fn take_up(&self, unsettled: &Unsettled) -> Result<(), RuntimeError> {
        for record in &unsettled.records {
            match self.resume(record, unsettled.durability) {
                // Nobody waits for it: its settlement is a record.
                Ok(pending) => drop(pending.detach()),
                Err(error) => passed_over(record, error)?,
            }
        }
        Ok(())
    }

    /// Runs a task while nothing else does, and has that written down before.
    async fn try_alone(&self, record: &TaskRecord) -> Result<(), RuntimeError> {
        let (task, skill) = (record.id, &record.skill);
        let deaths = record.deaths.beside;
        tracing::warn!(%task, skill, deaths, "the process died again and again while this task ran: it runs alone first");
        self.mark(record, Running::Alone).await?;
        let pending = match self.resume(record, Durability::Orphaned) {
            Ok(pending) => pending,
            Err(error) => {
                self.mark(record, Running::Not).await?;
                return passed_over(record, error);
            }
        };
        let (done, over) = tokio::sync::oneshot::channel();
        // On its own, so that it is not cancelled when nobody waits for the runtime any more.
        self.inner.spawner.task(async move {
            let _ = pending.await;
            let _ = done.send(());
        });
        let until = self.inner.clock.instant(self.inner.clock.now() + TRIAL);
        let running = match tokio::time::timeout_at(until, over).await {
            Ok(_) => Running::Not,
            Err(_) => Running::Beside,
        };
        Ok(self.mark(record, running).await?)
    }

    async fn mark(&self, record: &TaskRecord, running: Running) -> Result<(), EnvironmentError> {
        let transaction = Transaction {
            running: vec![(record.id, running)],
            ..Transaction::default()
        };
        self.inner.environment.commit(transaction).await.map(drop)
    }

    /// Gives up a task that was alone in its process again when that died.
    async fn convict(&self, record: &TaskRecord) -> Result<(), RuntimeError> {
        let deaths = record.deaths;
        let cause = format!(
            "the process died {} times while it ran, {} of them while nothing else ran: it aborts, faults or takes all memory",
            deaths.beside + deaths.alone,
            deaths.alone
        );
        let error = TaskError::DeadLettered {
            skill: record.skill.clone(),
            task: record.id,
            attempts: deaths.beside + deaths.alone,
            cause: cause.clone(),
        };
        let outcome = json!({ "error": error, "message": error.to_string() });
        let transaction = Transaction {
            namespace: record.namespace.clone(),
            episode: record.episode,
            settled: vec![SettledRecord::new(record.id, outcome)],
            dead_letters: vec![DeadLetterRecord::new(record.clone(), json!(cause))],
            ..Transaction::default()
        };
        self.inner.environment.commit(transaction).await?;
        if let Ok((route, ticket)) = self.ticket_of(record, Durability::Orphaned) {
            let (cell, now) = (&route.cell, self.inner.clock.now());
            cell.note(record.id, now, || Note::DeadLettered { cause });
            cell.turn_away(ticket, &error);
        }
        Ok(())
    }
}

fn passed_over(record: &TaskRecord, error: TaskError) -> Result<(), RuntimeError> {
    let task = record.id;
    match error {
        TaskError::UnknownSkill { .. } | TaskError::InvalidInput { .. } => {
            tracing::warn!(%task, said = %error, "a task of an earlier run waits for its agent");
            Ok(())
        }
        error => Err(RuntimeError::Resume { task, error }),
    }
}
