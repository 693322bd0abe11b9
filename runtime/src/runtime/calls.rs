//! Calls on their way from the runtime to an agent.

use std::sync::Arc;
use std::time::Duration;

use aimass_environment::{
    BlobHash, Environment, EnvironmentError, ParseIdError, Repeated, SpanId, TaskRecord, Time,
    Transaction,
};
use serde_json::Value;
use tokio::sync::oneshot;

use crate::core::call::{Because, Call, Pending};
use crate::core::router::Route;
use crate::core::submitter::TaskSubmitter;
use crate::core::ticket::{Durability, ItemLog, Keeping, Ticket};
use crate::error::TaskError;
use crate::observer::SpanPlace;
use crate::payload::Payload;
use crate::runtime::{Inner, Runtime, environment_error};
use crate::skill::context::BoxFuture;
use crate::skill::operation::Operation;
use crate::skill::views::Views;
use crate::skill::{SkillSpec, paths};
use crate::task::{TaskOptions, TraceContext};

impl Runtime {
    /// Reads a call's input from JSON. A call whose input cannot be read is refused, and leaves its record.
    pub(crate) fn decode(
        &self,
        skill: &str,
        input: Value,
        options: TaskOptions,
    ) -> Result<Call, TaskError> {
        self.inner
            .read(skill, input, options.clone())
            .inspect_err(|error| {
                if let TaskError::InvalidInput { .. } | TaskError::Bug { .. } = error {
                    // Nothing of it was taken in.
                    let call = Call::new(skill, Payload::new(Value::Null), 0, options);
                    self.inner.refuse_unread(call, error);
                }
            })
    }

    /// Hands a task to its agent. Its reply, a refusal among them, comes through what is given back.
    pub(crate) fn call(&self, call: Call) -> Result<Pending, TaskError> {
        self.inner.call(call)
    }

    /// As [`Self::call`], after the task's acceptance is written down.
    pub(crate) async fn call_durable(&self, call: Call) -> Result<Pending, TaskError> {
        self.call_durable_with(call, Transaction::default()).await
    }

    /// As [`Self::call_durable`], together with `transaction` or not at all. The agent is asked for a place first: when it is full, nothing is
    /// written.
    pub(super) async fn call_durable_with(
        &self,
        call: Call,
        transaction: Transaction,
    ) -> Result<Pending, TaskError> {
        let durability = call.because.durability.unwrap_or(Durability::Durable);
        let (route, ticket) = self.inner.ticket(call, durability)?;
        let skill = ticket.skill_name.to_string();
        let place = route.core.place_for(&ticket).await;
        let place =
            place.inspect_err(|error| route.core.record_rejection(ticket.clone(), error))?;
        let record = route.core.record(&ticket).inspect_err(|error| {
            route.core.record_rejection(ticket.clone(), error);
        })?;
        let transaction = Transaction {
            namespace: record.namespace.clone(),
            episode: record.episode,
            accepted: vec![record],
            ..transaction
        };
        let environment = self.inner.environment.clone();
        let (done, accepted) = oneshot::channel();
        // On its own: what is accepted in the environment comes to its agent, whoever waits for it.
        self.inner.spawner.task(async move {
            let commit = environment.commit_again(transaction).await;
            let result = match refused_at_the_store(&ticket, &environment, commit) {
                None => Ok(route.submit(ticket, Some(place))),
                Some(error) => {
                    route.core.record_rejection(ticket, &error);
                    Err(error)
                }
            };
            // When nobody waits any more, what comes back is dropped, and the task is cancelled with it.
            drop(done.send(result));
        });
        accepted
            .await
            .unwrap_or(Err(TaskError::ShuttingDown { skill }))
    }
}

/// Why a task may not go on to its agent, if so.
fn refused_at_the_store(
    ticket: &Ticket,
    environment: &Environment,
    commit: Result<Repeated, EnvironmentError>,
) -> Option<TaskError> {
    let skill = ticket.skill_name.to_string();
    let Repeated {
        commit,
        is_repeated,
    } = match commit {
        Ok(commit) => commit,
        Err(error) => return Some(environment_error(&skill, &error)),
    };
    if !commit.known.contains(&ticket.id) {
        return None;
    }
    // What was written the first time is known the second, and with nobody yet.
    let task = environment.snapshot().and_then(|all| all.task(ticket.id));
    if is_repeated && task.is_ok_and(|task| task.is_some()) {
        return None;
    }
    Some(TaskError::Rejected {
        skill,
        message: format!("task {} was accepted before", ticket.id),
    })
}

/// An input with files in the place of blobs: where a path may stand, `blob:HASH` may.
fn blobs_to_files(
    environment: &Environment,
    spec: &SkillSpec,
    mut input: Value,
) -> Result<Value, TaskError> {
    if !paths::names_blob(&input) {
        return Ok(input);
    }
    let mut file_of = |path: &mut String| -> Result<(), TaskError> {
        let Some(hash) = path.strip_prefix(paths::BLOB) else {
            return Ok(());
        };
        let hash: BlobHash =
            hash.parse()
                .map_err(|error: ParseIdError| TaskError::InvalidInput {
                    skill: spec.name.clone(),
                    message: format!("of a blob, {error}"),
                })?;
        let file = environment.blob_path(hash);
        let file = file.map_err(|error| TaskError::Rejected {
            skill: spec.name.clone(),
            message: error.to_string(),
        })?;
        *path = file.display().to_string();
        Ok(())
    };
    paths::each(spec.input.as_value(), &mut input, &mut file_of)?;
    Ok(input)
}

/// Where the span of the last attempt at a task lies that was told.
pub(super) fn last_attempt(record: &TaskRecord) -> Option<SpanPlace> {
    place(record, record.earlier.or(record.span))
}

fn place(record: &TaskRecord, span: Option<SpanId>) -> Option<SpanPlace> {
    let (trace, span) = record.trace.zip(span)?;
    Some(SpanPlace { trace, span })
}

impl Inner {
    /// Reads an input from JSON.
    fn read(&self, skill: &str, input: Value, options: TaskOptions) -> Result<Call, TaskError> {
        let input = TaskSubmitter::decode(self, skill, input)?;
        let route = self.router.find(skill)?;
        let bytes = route.skill().dyn_skill.bytes(&input)?;
        Ok(Call::new(skill, input, bytes, options))
    }

    /// The ticket of a task that an earlier process accepted.
    pub(super) fn ticket_of(
        &self,
        record: &TaskRecord,
        durability: Durability,
    ) -> Result<(Route, Arc<Ticket>), TaskError> {
        let earlier = match durability {
            // What had not begun when its process died was never told.
            Durability::Orphaned => place(record, record.earlier),
            _ => last_attempt(record),
        };
        self.restore_ticket(record, durability, None, earlier)
    }

    pub(super) fn restore_ticket(
        &self,
        record: &TaskRecord,
        durability: Durability,
        span: Option<SpanId>,
        earlier: Option<SpanPlace>,
    ) -> Result<(Route, Arc<Ticket>), TaskError> {
        let options = TaskOptions {
            priority: record.priority,
            deadline: record.deadline_ms.map(|deadline| self.time_left(deadline)),
            namespace: Some(record.namespace.clone()),
            episode: record.episode,
            trace: record
                .trace
                .zip(record.parent)
                .map(|(trace, span)| TraceContext {
                    trace,
                    span,
                    sampled: record.sampled,
                }),
            ..TaskOptions::default()
        };
        let mut call = self.read(&record.skill, record.input.clone(), options)?;
        // Nobody listens yet; whoever comes back does.
        call.items = record.streams.then(|| ItemLog::new(Keeping::All, 0));
        call.because = Because {
            id: Some(record.id),
            rule: record.rule.as_deref().map(Into::into),
            cause: record.cause,
            redrive_of: record.redrive_of,
            attempts: record.attempts,
            durability: Some(durability),
            trace: record.trace,
            span,
            earlier,
            sampled: Some(record.sampled),
            ..Because::default()
        };
        self.ticket(call, durability)
    }

    fn time_left(&self, deadline_ms: u64) -> Duration {
        let clock = &self.clock;
        let now_ms = clock.unix_nanos(clock.now()) / 1_000_000;
        Duration::from_millis(deadline_ms.saturating_sub(now_ms))
    }

    fn call(&self, call: Call) -> Result<Pending, TaskError> {
        let durability = call.because.durability.unwrap_or(Durability::Volatile);
        let (route, ticket) = self.ticket(call, durability)?;
        Ok(route.submit(ticket, None))
    }
}

impl TaskSubmitter for Inner {
    fn skill_for(&self, operation: Operation) -> Option<String> {
        let members = self.members();
        let skills = members.cores.iter().flat_map(|core| &core.skills);
        let mut specs = skills.map(|skill| skill.dyn_skill.spec());
        let found = specs.find(|spec| spec.operation == Some(operation));
        found.map(|spec| spec.name.clone())
    }

    fn views(&self) -> Views {
        self.members().views.clone()
    }

    fn decode(&self, skill: &str, input: Value) -> Result<Payload, TaskError> {
        let route = self.router.find(skill)?;
        let dyn_skill = &route.skill().dyn_skill;
        let input = blobs_to_files(&self.environment, dyn_skill.spec(), input)?;
        dyn_skill.decode(input)
    }

    fn ask_within<'a>(
        &'a self,
        agent: &'a Arc<str>,
        parent: &'a Ticket,
        skill: &'a str,
        input: Payload,
    ) -> BoxFuture<'a, Result<Payload, TaskError>> {
        Box::pin(async move {
            let mut path = parent.metadata.path.clone();
            path.push(parent.skill_name.clone());
            let bytes = self.router.find(skill)?.skill().dyn_skill.bytes(&input)?;
            let deadline =
                (parent.deadline != Time::NEVER).then(|| parent.deadline.since(self.clock.now()));
            let options = TaskOptions {
                priority: parent.priority,
                deadline,
                namespace: Some(parent.metadata.namespace.clone()),
                episode: None,
                trace: Some(parent.metadata.trace),
                ..TaskOptions::default()
            };
            let mut call = Call::new(skill, input, bytes, options);
            call.agent = Some(agent.clone());
            call.asked_by = Some(parent.id);
            call.path = path;
            let (route, ticket) = self.ticket(call, Durability::Volatile)?;
            // It is part of accepted work: it waits for room, where a caller would be refused.
            let place = route.core.place_for(&ticket).await;
            let place =
                place.inspect_err(|error| route.core.record_rejection(ticket.clone(), error))?;
            let answer = route.submit(ticket.clone(), Some(place)).await;
            parent.used(ticket.models());
            answer
        })
    }
}
