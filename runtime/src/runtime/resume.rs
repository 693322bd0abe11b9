//! Taking up what earlier processes accepted and did not settle. What may have killed them runs alone before anything else does.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use aimass_environment::{
    DeadLetterRecord, Environment, EnvironmentError, Running, SettledRecord, TaskId, TaskRecord,
    Transaction,
};
use serde_json::json;

use crate::core::ticket::Durability;
use crate::error::TaskError;
use crate::observer::Note;
use crate::pause::{self, Pause};
use crate::runtime::{Inner, Runtime, RuntimeError};

/// How long the others wait for a task that runs alone. One that has not killed its process by then goes on beside them.
const TRIAL: Duration = Duration::from_secs(600);

/// What is left of earlier processes at one agent, and how it is taken up.
pub(crate) struct Unsettled {
    /// Their ids alone: the records are read one by one, as there is room for them.
    tasks: Vec<TaskId>,
    durability: Durability,
}

impl Runtime {
    /// Takes up, or gives up, what may have killed the processes before: before any worker but those that it needs is started, and before any fact
    /// is reacted to. Gives what nobody suspects, agent by agent.
    pub(crate) async fn take_up_suspects(&self) -> Result<Vec<Unsettled>, RuntimeError> {
        let environment = &self.inner.environment;
        let life = environment.begin_life().await?;
        self.tell_interrupted(&life.interrupted)?;
        let durability = match life.died {
            true => Durability::Orphaned,
            false => Durability::Resumed,
        };
        let (mut suspects, mut others) = (Vec::new(), HashMap::<Arc<str>, Vec<TaskId>>::new());
        environment.snapshot()?.each_unsettled(|record| {
            if record.deaths.is_suspect() {
                return suspects.push(record.id);
            }
            match self.inner.router.find(&record.skill) {
                Ok(route) => others
                    .entry(route.core.name.clone())
                    .or_default()
                    .push(record.id),
                Err(error) => wait_for_agent(record.id, &error),
            }
        })?;
        for task in suspects {
            let Some(record) = environment.snapshot()?.task(task)? else {
                continue;
            };
            if record.deaths.is_convicted() {
                self.quarantine(&record).await?;
            } else {
                self.try_alone(&record).await?;
            }
        }
        let unsettled = |tasks| Unsettled { tasks, durability };
        Ok(others.into_values().map(unsettled).collect())
    }

    /// Runs a task while nothing else does, and has that written down before.
    async fn try_alone(&self, record: &TaskRecord) -> Result<(), RuntimeError> {
        let (task, skill) = (record.id, &record.skill);
        let deaths = record.deaths.beside;
        tracing::warn!(%task, skill, deaths, "the process died again and again while this task ran: it runs alone first");
        self.mark(record, Running::Alone).await?;
        let pending = match self.inner.ticket_of(record, Durability::Orphaned) {
            Ok((route, ticket)) => route.submit(ticket, None),
            Err(error) => {
                self.mark(record, Running::Not).await?;
                return Ok(self.pass_over(record, error).await?);
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
    async fn quarantine(&self, record: &TaskRecord) -> Result<(), RuntimeError> {
        let deaths = record.deaths;
        let cause = format!(
            "the process died {} times while it ran, {} of them while nothing else ran: it aborts, faults or takes all memory",
            deaths.beside + deaths.alone,
            deaths.alone
        );
        let attempts = deaths.beside + deaths.alone;
        self.give_up(record, attempts, cause.clone()).await?;
        if let Ok((route, ticket)) = self.inner.ticket_of(record, Durability::Orphaned) {
            let (core, now) = (&route.core, self.inner.clock.now());
            core.emit_note(record.id, now, || Note::DeadLettered {
                cause: cause.clone(),
            });
            core.record_rejection(ticket, &dead_letter(record, attempts, cause));
        }
        Ok(())
    }

    /// Settles a task as a dead letter.
    async fn give_up(
        &self,
        record: &TaskRecord,
        attempts: u32,
        cause: String,
    ) -> Result<(), EnvironmentError> {
        let letter = DeadLetterRecord::new(record.clone(), json!(cause));
        let error = dead_letter(record, attempts, cause);
        let outcome = json!({ "error": error, "message": error.to_string() });
        let transaction = Transaction {
            namespace: record.namespace.clone(),
            episode: record.episode,
            settled: vec![SettledRecord::new(record.id, outcome)],
            dead_letters: vec![letter],
            ..Transaction::default()
        };
        self.inner.environment.commit(transaction).await.map(drop)
    }

    /// A task that cannot be taken up waits for an agent that can; one that no agent ever will waits for nobody.
    async fn pass_over(
        &self,
        record: &TaskRecord,
        error: TaskError,
    ) -> Result<(), EnvironmentError> {
        match error {
            TaskError::UnknownSkill { .. } | TaskError::InvalidInput { .. } => {
                wait_for_agent(record.id, &error);
                Ok(())
            }
            error => {
                let cause = format!("it cannot be taken up again: {error}");
                self.give_up(record, record.attempts, cause).await
            }
        }
    }
}

/// What came of one step of taking up.
enum Step {
    On,
    /// The runtime is gone, or takes nothing any more.
    Over,
}

/// Takes up what nobody suspects, each task once its agent has room for it. When the store fails, it tries again, for as long as it takes.
///
/// # Errors
/// Why it cannot go on, although the runtime is there.
pub(crate) async fn take_up(
    runtime: &Weak<Inner>,
    environment: &Environment,
    unsettled: &Unsettled,
) -> Result<(), String> {
    let mut pause = Pause::default();
    for task in unsettled.tasks.iter().copied() {
        loop {
            match take_up_one(runtime, environment, task, unsettled.durability).await {
                Ok(Step::On) => break,
                Ok(Step::Over) | Err(EnvironmentError::Closed) => return Ok(()),
                Err(error @ EnvironmentError::Corrupt { .. }) => {
                    return Err(format!("task {task} of an earlier run: {error}"));
                }
                // Settled or forgotten in this very moment.
                Err(error) if error.is_refusal() => break,
                Err(error) => {
                    let pause = pause.next();
                    tracing::warn!(%task, %error, ?pause, "a task of an earlier run cannot be taken up; it is tried again after the pause");
                    pause::wait(pause).await;
                }
            }
        }
        pause = Pause::default();
    }
    Ok(())
}

async fn take_up_one(
    runtime: &Weak<Inner>,
    environment: &Environment,
    task: TaskId,
    durability: Durability,
) -> Result<Step, EnvironmentError> {
    let Some(record) = environment.snapshot()?.task(task)? else {
        // Forgotten meanwhile.
        return Ok(Step::On);
    };
    let Some(inner) = runtime.upgrade() else {
        return Ok(Step::Over);
    };
    let runtime = Runtime { inner };
    let (route, ticket) = match runtime.inner.ticket_of(&record, durability) {
        Ok(ticket) => ticket,
        Err(TaskError::ShuttingDown { .. }) => return Ok(Step::Over),
        Err(error) => {
            runtime.pass_over(&record, error).await?;
            return Ok(Step::On);
        }
    };
    // It is not kept alive for want of room.
    drop(runtime);
    let place = match route.core.place_for(&ticket).await {
        Ok(place) => Some(place),
        Err(TaskError::ShuttingDown { .. }) => return Ok(Step::Over),
        // The agent says so again, and it is settled so.
        Err(_) => None,
    };
    if environment.snapshot()?.task(task)?.is_some() {
        // Nobody waits for it: its settlement is a record.
        drop(route.submit(ticket, place).detach());
    }
    Ok(Step::On)
}

fn dead_letter(record: &TaskRecord, attempts: u32, cause: String) -> TaskError {
    TaskError::DeadLettered {
        skill: record.skill.clone(),
        task: record.id,
        attempts,
        cause,
    }
}

fn wait_for_agent(task: TaskId, error: &TaskError) {
    tracing::warn!(%task, said = %error, "a task of an earlier run waits for its agent");
}
