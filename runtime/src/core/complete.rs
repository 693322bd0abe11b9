//! Telling callers what became of their tasks, and the environment before them where that was promised.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use aimass_environment::{
    BeginningAttempt, DeadLetterRecord, EnvironmentError, FactDraft, Provenance, SettledRecord,
    TaskRecord, Time, Transaction, panics::Caught,
};
use serde_json::{Value, json};

use crate::core::state::PendingTask;
use crate::core::ticket::Ticket;
use crate::core::{AgentCore, CoreSkill, Runner};
use crate::error::TaskError;
use crate::fault::Fault;
use crate::ledger::effect::{Completion, Refusal};
use crate::ledger::event::Event;
use crate::observer::{Place, Record, TaskFinished, TaskOutcome};
use crate::payload::Payload;

impl AgentCore {
    pub(super) fn complete(
        self: &Arc<Self>,
        pending: Box<PendingTask>,
        completion: Completion,
        now: Time,
    ) {
        let skill = &*pending.ticket.skill_name;
        let name = skill.to_owned();
        let result = match completion {
            Completion::Done => pending.output.clone().ok_or_else(|| TaskError::Bug {
                skill: name,
                message: "it was completed without an output".to_owned(),
            }),
            Completion::Failed { attempts, fault } => {
                Err(TaskError::from_fault(skill, attempts, fault))
            }
            Completion::DeadlineExceeded => Err(TaskError::DeadlineExceeded { skill: name }),
            Completion::Cancelled => Err(TaskError::Cancelled { skill: name }),
            Completion::DeadLettered { attempts, cause } => {
                let task = pending.ticket.id;
                Err(TaskError::DeadLettered {
                    skill: name,
                    task,
                    attempts,
                    cause,
                })
            }
            Completion::Interrupted { message } => {
                let delivered = pending.ticket.delivered();
                Err(TaskError::Interrupted {
                    skill: name,
                    delivered,
                    message,
                })
            }
            Completion::ShuttingDown => {
                let count = match pending.ticket.is_durable() {
                    true => &self.kept,
                    false => &self.lost,
                };
                count.fetch_add(1, Ordering::AcqRel);
                Err(TaskError::ShuttingDown { skill: name })
            }
            Completion::AgentFailed { message } => Err(TaskError::AgentFailed {
                agent: self.name.to_string(),
                message,
            }),
        };
        self.complete_as(pending, result, now);
    }

    /// Writes down what must be written down, then answers.
    fn complete_as(
        self: &Arc<Self>,
        mut pending: Box<PendingTask>,
        result: Result<Payload, TaskError>,
        now: Time,
    ) {
        pending.output = None;
        match result {
            Err(error) if is_written(&pending.ticket, &error) => {
                self.complete_in_writing(pending, error);
            }
            result => self.answer(pending, result, now),
        }
    }

    /// Kept out of [`Self::complete_as`]: the stack of a worker that never writes a completion
    /// would have room for it all the same.
    #[inline(never)]
    fn complete_in_writing(self: &Arc<Self>, pending: Box<PendingTask>, error: TaskError) {
        let transaction = match &error {
            TaskError::DeadLettered { cause, .. } => self.dead_letter_of(&pending, &error, cause),
            _ => completion(&pending.ticket, &error),
        };
        let core = self.clone();
        self.spawner.task(async move {
            let completing = core.completions.begin(pending.ticket.metadata.episode);
            let task = pending.ticket.id;
            let commit = core.environment.commit(transaction.clone()).await;
            core.answer(pending, Err(error), core.clock.now());
            drop(completing);
            if let Err(error) = commit {
                core.complete_later(task, transaction, error).await;
            }
        });
    }

    fn dead_letter_of(&self, pending: &PendingTask, error: &TaskError, cause: &str) -> Transaction {
        let (input, cause) = match pending.ticket.input.to_json() {
            Ok(input) => (input, cause.to_owned()),
            // A letter without its input still says what happened.
            Err(why) => (Value::Null, format!("{cause}; its input is lost: {why}")),
        };
        let record = TaskRecord {
            attempts: pending.timeline.runs,
            ..self.record_of(&pending.ticket, input)
        };
        let mut transaction = completion(&pending.ticket, error);
        if !pending.ticket.is_durable() {
            transaction.settled.clear();
        }
        transaction
            .dead_letters
            .push(DeadLetterRecord::new(record, json!(cause)));
        transaction
    }

    /// The task as the environment keeps it.
    ///
    /// # Errors
    /// [`TaskError::Rejected`] when JSON cannot hold its input.
    pub(crate) fn record(&self, ticket: &Ticket) -> Result<TaskRecord, TaskError> {
        let input = ticket.input.to_json().map_err(|why| TaskError::Rejected {
            skill: ticket.skill_name.to_string(),
            message: format!("expected an input that JSON can hold, since the task is to outlive its process: {why}"),
        })?;
        Ok(self.record_of(ticket, input))
    }

    fn record_of(&self, ticket: &Ticket, input: Value) -> TaskRecord {
        let deadline_ms = (ticket.deadline != Time::NEVER)
            .then(|| self.clock.unix_nanos(ticket.deadline) / 1_000_000);
        ticket.record(input, deadline_ms)
    }

    fn answer(&self, pending: Box<PendingTask>, result: Result<Payload, TaskError>, now: Time) {
        if self.events.is_listening() {
            self.events
                .emit(|| Record::Task(Box::new(self.finished(&pending, &result, now))));
        }
        if pending.ticket.chunks.is_some() {
            // Whoever still sends chunks learns that nobody takes them.
            pending.ticket.cancel();
            pending.ticket.end();
        }
        if let Some(items) = &pending.ticket.items {
            items.end(result.clone());
            self.durable_streams.end(&pending.ticket);
        }
        // A caller that is gone needs no reply.
        let _ = pending.reply.send(result);
    }

    fn finished(
        &self,
        pending: &PendingTask,
        result: &Result<Payload, TaskError>,
        now: Time,
    ) -> TaskFinished {
        let PendingTask {
            ticket, timeline, ..
        } = pending;
        let nanos = |time: Time| self.clock.unix_nanos(time);
        let metadata = &ticket.metadata;
        TaskFinished {
            task: ticket.id,
            namespace: metadata.namespace.clone(),
            agent: self.name.clone(),
            skill: ticket.skill_name.clone(),
            episode: metadata.episode,
            rule: metadata.rule.clone(),
            cause: metadata.cause,
            redrive_of: metadata.redrive_of,
            trace: metadata.trace.trace,
            span: metadata.trace.span,
            parent: metadata.parent,
            caller: metadata.caller.clone(),
            earlier_attempt: metadata.earlier,
            sampled: metadata.trace.sampled,
            priority: ticket.priority,
            runs: timeline.runs,
            steps: timeline.step_stats.steps,
            model_ns: timeline.step_stats.nanos,
            usage: timeline.usage,
            place: self.place(pending),
            input_bytes: ticket.bytes,
            items: ticket.delivered(),
            accepted_ns: nanos(ticket.accepted),
            started_ns: timeline.started.map(nanos),
            first_item_ns: timeline.first_item.map(nanos),
            finished_ns: timeline.finished.map(nanos),
            settled_ns: nanos(now),
            outcome: match result {
                Ok(_) => TaskOutcome::Done,
                Err(error) => TaskOutcome::Error {
                    error: error.kind().to_owned(),
                    message: error.to_string(),
                },
            },
        }
    }

    fn place(&self, pending: &PendingTask) -> Option<Place> {
        let by = pending.timeline.ran_on?;
        let CoreSkill { group, .. } = self.skills.get(usize::from(pending.ticket.skill.0))?;
        let (device, model) = match &self.groups.get(usize::from(group.0))?.runner {
            Runner::Flow(_) => (None, None),
            Runner::Model(runner) => {
                let model = pending.model.clone().unwrap_or_else(|| runner.version());
                (Some(self.device(by)), Some(model))
            }
        };
        let (batch, batch_size) = (pending.timeline.batch, pending.timeline.batch_size);
        Some(Place {
            worker: by.worker,
            epoch: by.epoch,
            device,
            model,
            batch,
            batch_size,
            batch_leader: pending.timeline.leader,
        })
    }

    pub(super) fn refuse(self: &Arc<Self>, pending: Box<PendingTask>, refusal: Refusal, now: Time) {
        let is_copy = refusal == Refusal::Duplicate;
        let error = self.refusal_error(&pending.ticket, refusal);
        // A task that is under way is not completed by a second copy of it.
        if is_copy {
            self.answer(pending, Err(error), now);
            return;
        }
        self.complete_as(pending, Err(error), now);
    }

    /// What a refusal means to whoever asked.
    pub(super) fn refusal_error(&self, ticket: &Ticket, refusal: Refusal) -> TaskError {
        let skill = ticket.skill_name.to_string();
        let agent = self.name.to_string();
        match refusal {
            Refusal::Overloaded {
                queued,
                capacity,
                queued_bytes,
                capacity_bytes,
                retry_after,
            } => TaskError::Overloaded {
                agent,
                queued,
                capacity,
                queued_bytes,
                capacity_bytes,
                retry_after,
            },
            Refusal::ShuttingDown => TaskError::ShuttingDown { skill },
            Refusal::AgentFailed { message } => TaskError::AgentFailed { agent, message },
            Refusal::BackingOff {
                message,
                retry_after,
            } => TaskError::Unavailable {
                skill,
                message: format!("{message}; it is tried again in {retry_after:?}"),
            },
            Refusal::TooLarge { bytes: u64::MAX, .. } => TaskError::Rejected {
                skill,
                message: "expected an input that JSON can hold, or an `input_bytes` that measures it otherwise"
                    .to_owned(),
            },
            Refusal::TooLarge {
                bytes,
                capacity_bytes,
            } => TaskError::Rejected {
                skill,
                message: format!(
                    "expected at most {capacity_bytes} bytes of input, got {bytes}; raise `capacity_bytes` of agent `{agent}`"
                ),
            },
            Refusal::Duplicate => TaskError::Rejected {
                skill,
                message: format!("task {} is under way already", ticket.id),
            },
            Refusal::DeadlineExceeded => TaskError::DeadlineExceeded { skill },
        }
    }

    /// Leaves the record of a task that was refused before it came to the agent's ledger.
    pub(crate) fn record_rejection(&self, ticket: Arc<Ticket>, error: &TaskError) {
        // Whoever asked hears of it by other means.
        let (reply, _) = tokio::sync::oneshot::channel();
        self.answer(
            Box::new(PendingTask::new(ticket, reply)),
            Err(error.clone()),
            self.clock.now(),
        );
    }

    pub(super) fn note_attempt(self: &Arc<Self>, begins: BeginningAttempt) {
        let core = self.clone();
        self.spawner.task(async move {
            // Settled meanwhile: then there is nothing to note.
            if let Err(error) = core.environment.note_attempt(begins).await {
                let task = begins.task;
                tracing::debug!(%task, %error, "an attempt was not noted");
            }
        });
    }

    /// Commits an attempt's facts and its completion in one transaction.
    pub(super) fn commit(
        self: &Arc<Self>,
        ticket: Arc<Ticket>,
        output: Option<Payload>,
        facts: Vec<FactDraft>,
    ) {
        let core = self.clone();
        self.spawner.task(async move {
            let _completing = core.completions.begin(ticket.metadata.episode);
            let task = ticket.id;
            // Until this task says how it went, neither a deadline nor a shutdown ends the wait.
            let committed = Caught::new(Box::pin(core.commit_outcome(&ticket, output, facts)));
            let committed = committed.await.unwrap_or_else(|message| {
                Err(Fault::bug(format!(
                    "writing its outcome panicked: {message}"
                )))
            });
            core.tell(match committed {
                Ok(()) => Event::Committed { task },
                Err(fault) => Event::CommitFailed { task, fault },
            });
        });
    }

    async fn commit_outcome(
        &self,
        ticket: &Ticket,
        output: Option<Payload>,
        facts: Vec<FactDraft>,
    ) -> Result<(), Fault> {
        let provenance = self.provenance(ticket);
        let mut transaction = Transaction {
            namespace: ticket.metadata.namespace.clone(),
            episode: ticket.metadata.episode,
            facts: facts
                .into_iter()
                .map(|fact| (fact, provenance.clone()))
                .collect(),
            ..Transaction::default()
        };
        let is_written = ticket.is_durable() || ticket.metadata.produces.is_some();
        let output = output.filter(|_| is_written).map(|output| output.to_json());
        let output = output.transpose().map_err(|why| {
            Fault::bug(format!(
                "expected an output that JSON can hold, since it is to be written down: {why}"
            ))
        })?;
        if let (Some(kind), Some(output)) = (&ticket.metadata.produces, &output) {
            let fact = FactDraft::new(kind.clone(), output.clone());
            self.check_fact(ticket, &fact)?;
            transaction.facts.push((fact, provenance));
        }
        if ticket.is_durable() {
            let outcome = json!({ "output": output });
            transaction
                .settled
                .push(SettledRecord::new(ticket.id, outcome));
        }
        let task = ticket.id;
        let committed = self
            .environment
            .commit_over_restarts(transaction, |all, before| {
                Ok(all.settled(task)?.is_some() || all.has_fact_of(task, before)?)
            });
        let committed = committed.await;
        committed.map_err(refused)
    }

    /// Checks whether the environment takes a fact that a task says, as far as it is known before its commit. Returns its size in bytes.
    ///
    /// # Errors
    /// A fault of whoever says it.
    pub(crate) fn check_fact(&self, ticket: &Ticket, fact: &FactDraft) -> Result<u64, Fault> {
        let provenance = self.provenance(ticket);
        let checked = self.environment.check_fact(fact, &provenance);
        checked.map_err(|error| {
            let Fault { kind, message, .. } = refused(error);
            Fault::new(kind, format!("a fact of kind `{}`: {message}", fact.kind))
        })
    }

    /// Of the facts that a task says.
    fn provenance(&self, ticket: &Ticket) -> Provenance {
        Provenance {
            agent: Some(self.name.clone()),
            task: Some(ticket.id),
            cause: ticket.metadata.cause,
            trace: Some(ticket.metadata.trace.trace),
            span: Some(ticket.metadata.trace.span),
            models: ticket.models(),
        }
    }
}

/// What it means for a task that the environment does not take what it says: its size comes of its input, a bad name of its author, the rest of
/// something outside.
fn refused(error: EnvironmentError) -> Fault {
    match error {
        EnvironmentError::TooLarge { .. } => Fault::rejected(format!(
            "{error}; put what is large into a blob, or raise `environment.max_fact_bytes`"
        )),
        EnvironmentError::BadName { .. } | EnvironmentError::UnknownBlob { .. } => {
            Fault::bug(error.to_string())
        }
        error => Fault::unavailable(error.to_string()),
    }
}

/// Whether the environment hears of a task that ends with this error.
fn is_written(ticket: &Ticket, error: &TaskError) -> bool {
    match error {
        // Cut off, not completed: a durable task goes on after the next start.
        TaskError::ShuttingDown { .. } => false,
        TaskError::DeadLettered { .. } => true,
        _ => ticket.is_durable(),
    }
}

fn completion(ticket: &Ticket, error: &TaskError) -> Transaction {
    let outcome = json!({ "error": error, "message": error.to_string() });
    Transaction {
        namespace: ticket.metadata.namespace.clone(),
        episode: ticket.metadata.episode,
        settled: vec![SettledRecord::new(ticket.id, outcome)],
        ..Transaction::default()
    }
}
