//! Calls on their way from the runtime to an agent.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::oneshot;

use crate::ask::{Because, Call, Pending};
use crate::clock::Time;
use crate::context::BoxFuture;
use crate::environment::{TaskRecord, Transaction};
use crate::error::TaskError;
use crate::events::{CallerSpan, SpanPlace};
use crate::fact::FactKind;
use crate::flow::Asker;
use crate::ids::{SpanId, TaskId, TraceId};
use crate::payload::Payload;
use crate::router::Route;
use crate::runtime::{Inner, Runtime, environment_error};
use crate::skill::{Delivery, Shape};
use crate::task::{TaskOptions, TraceContext};
use crate::ticket::{Durability, Origin, Ticket, TicketParts};

impl Runtime {
    /// Reads an input from JSON.
    pub(crate) fn decode(
        &self,
        skill: &str,
        input: Value,
        options: TaskOptions,
    ) -> Result<Call, TaskError> {
        let route = self.inner.router.find(skill)?;
        let face = &route.skill().face;
        let input = face
            .decode(input)
            .map_err(|message| TaskError::InvalidInput {
                skill: skill.to_owned(),
                message,
            })?;
        let bytes = face.bytes(&input);
        Ok(Call::new(skill, input, bytes, options))
    }

    /// Hands a task to its agent. Its reply, a refusal among them, comes through what is given back.
    pub(crate) fn call(&self, call: Call) -> Result<Pending, TaskError> {
        self.inner.call(call)
    }

    /// As [`Self::call`], after the task's acceptance is written down.
    pub(crate) async fn call_durable(&self, call: Call) -> Result<Pending, TaskError> {
        let durability = call.because.durability.unwrap_or(Durability::Durable);
        let (route, ticket) = self.inner.ticket(call, durability)?;
        let record = route.cell.record(&ticket);
        let transaction = Transaction {
            namespace: record.namespace.clone(),
            episode: record.episode,
            accepted: vec![record],
            ..Transaction::default()
        };
        let name = ticket.skill_name.to_string();
        let commit = self.inner.environment.commit(transaction).await;
        let commit = commit.map_err(|error| environment_error(&name, &error))?;
        if commit.known.contains(&ticket.id) {
            let message = format!("task {} was accepted before", ticket.id);
            return Err(TaskError::Rejected {
                skill: name,
                message,
            });
        }
        Ok(Inner::submit(&route, ticket))
    }

    /// Takes up a task that an earlier process accepted. Nobody waits for its reply; its settlement is a record.
    pub(crate) fn resume(&self, record: &TaskRecord) -> Result<Pending, TaskError> {
        self.take_up(record, None, first_attempt(record))
    }

    /// Takes up a task whose acceptance this process has just written down, in the span that its record names.
    pub(crate) fn begin_accepted(&self, record: &TaskRecord) -> Result<Pending, TaskError> {
        self.take_up(record, record.span, None)
    }

    fn take_up(
        &self,
        record: &TaskRecord,
        span: Option<SpanId>,
        first: Option<SpanPlace>,
    ) -> Result<Pending, TaskError> {
        let durability = Durability::Resumed;
        let options = TaskOptions {
            priority: record.priority,
            deadline: record.deadline_ms.map(|deadline| self.time_left(deadline)),
            namespace: record.namespace.clone(),
            episode: record.episode,
            trace: record
                .trace
                .zip(record.parent)
                .map(|(trace, span)| TraceContext {
                    trace,
                    span,
                    sampled: true,
                }),
        };
        let mut call = self.decode(&record.skill, record.input.clone(), options)?;
        call.because = Because {
            id: Some(record.id),
            rule: record.rule.as_deref().map(Into::into),
            cause: record.cause,
            redrive_of: record.redrive_of,
            attempts: record.attempts,
            durability: Some(durability),
            trace: record.trace,
            span,
            first,
        };
        let (route, ticket) = self.inner.ticket(call, durability)?;
        Ok(Inner::submit(&route, ticket))
    }

    fn time_left(&self, deadline_ms: u64) -> Duration {
        let clock = &self.inner.clock;
        let now_ms = clock.unix_nanos(clock.now()) / 1_000_000;
        Duration::from_millis(deadline_ms.saturating_sub(now_ms))
    }

    pub(crate) async fn redrive_letter(&self, task: TaskId) -> Result<(TaskId, Value), TaskError> {
        let letter = self
            .inner
            .environment
            .snapshot()
            .and_then(|snapshot| snapshot.dead_letter(task))
            .map_err(|error| environment_error("redrive", &error))?;
        let letter = letter.ok_or_else(|| TaskError::Rejected {
            skill: "redrive".to_owned(),
            message: format!("there is no dead letter {task}; `aimass dead-letters ls` lists them"),
        })?;
        let record = letter.task;
        let first = first_attempt(&record);
        let options = TaskOptions {
            priority: record.priority,
            namespace: record.namespace.clone(),
            episode: record.episode,
            ..TaskOptions::default()
        };
        let mut call = self.decode(&record.skill, record.input, options)?;
        call.because.redrive_of = Some(task);
        call.because.first = first;
        let pending = self.call_durable(call).await?;
        let again = pending.ticket.id;
        let transaction = Transaction {
            redriven: vec![(task, again)],
            ..Transaction::default()
        };
        let noted = self.inner.environment.commit(transaction).await;
        noted.map_err(|error| environment_error(&record.skill, &error))?;
        let output = pending.await?;
        let output = output.to_json();
        Ok((
            again,
            output.map_err(|message| TaskError::Bug {
                skill: record.skill,
                message,
            })?,
        ))
    }
}

/// Where the span of a task's first attempt lies.
fn first_attempt(record: &TaskRecord) -> Option<SpanPlace> {
    let (trace, span) = record.trace.zip(record.span)?;
    Some(SpanPlace { trace, span })
}

impl Inner {
    fn call(&self, call: Call) -> Result<Pending, TaskError> {
        let durability = call.because.durability.unwrap_or(Durability::Volatile);
        let (route, ticket) = self.ticket(call, durability)?;
        Ok(Self::submit(&route, ticket))
    }

    fn submit(route: &Route, ticket: Arc<Ticket>) -> Pending {
        let (reply, replies) = oneshot::channel();
        route.cell.submit(ticket.clone(), reply);
        Pending::new(ticket, route.cell.clone(), replies)
    }

    fn ticket(
        &self,
        call: Call,
        durability: Durability,
    ) -> Result<(Route, Arc<Ticket>), TaskError> {
        let route = self.router.find(&call.skill)?;
        let from_outside = call.path.is_empty();
        if from_outside && self.closing.load(Ordering::Acquire) {
            return Err(TaskError::ShuttingDown {
                skill: route.skill().name.to_string(),
            });
        }
        let skill = route.skill();
        let spec = skill.face.spec();
        let takes_chunks = spec.delivery == Delivery::ClientStreaming;
        if takes_chunks && call.chunks.is_none() && durability != Durability::Volatile {
            let message =
                "a live stream cannot outlive its process; ask without durability".to_owned();
            return Err(TaskError::Rejected {
                skill: spec.name.clone(),
                message,
            });
        }
        let accepted = self.clock.now();
        let Call {
            input,
            bytes,
            options,
            items,
            chunks,
            agent,
            path,
            because,
            ..
        } = call;
        let shape = if spec.delivery == Delivery::ClientStreaming {
            Shape::default()
        } else {
            skill.face.shape(&input)
        };
        let within = options.deadline.or(self.config.runtime.default_deadline);
        // What reacts to a fact, or is taken up again, has nobody who waits.
        let is_call = because.id.is_none();
        let parent = match options.trace {
            None if is_call => self.current_span(),
            given => given,
        };
        let trace = TraceContext {
            trace: parent.map_or_else(TraceId::random, |parent| parent.trace),
            span: because.span.unwrap_or_else(SpanId::random),
            sampled: parent.is_none_or(|parent| parent.sampled),
        };
        let origin = Origin {
            namespace: options.namespace,
            episode: options.episode,
            durability,
            trace: TraceContext {
                trace: because.trace.unwrap_or(trace.trace),
                ..trace
            },
            parent: parent.map(|parent| parent.span),
            caller: is_call.then(|| CallerSpan {
                span: SpanId::random(),
                agent,
            }),
            path,
            produces: self.produced_by(because.rule.as_deref()),
            rule: because.rule,
            cause: because.cause,
            redrive_of: because.redrive_of,
            first: because.first,
            attempts: because.attempts,
        };
        let ticket = Ticket::new(TicketParts {
            id: because.id.unwrap_or_else(TaskId::random),
            skill: route.skill,
            skill_name: skill.name.clone(),
            input,
            bytes,
            shape,
            effect: spec.effect,
            priority: options.priority,
            deadline: within.map_or(Time::NEVER, |within| accepted + within),
            accepted,
            origin,
            items,
            chunks,
        });
        Ok((route, Arc::new(ticket)))
    }
}

impl Inner {
    /// The embedder's current span, if the embedder has said how it is found.
    pub(crate) fn current_span(&self) -> Option<TraceContext> {
        self.current_span.as_ref().and_then(|find| find())
    }

    fn produced_by(&self, rule: Option<&str>) -> Option<FactKind> {
        let rule = rule?;
        self.reactions
            .iter()
            .find(|known| known.name() == rule)?
            .produces
            .clone()
    }
}

impl Asker for Inner {
    fn ask_within<'a>(
        &'a self,
        agent: &'a Arc<str>,
        parent: &'a Ticket,
        skill: &'a str,
        input: Payload,
    ) -> BoxFuture<'a, Result<Payload, TaskError>> {
        Box::pin(async move {
            let mut path = parent.origin.path.clone();
            path.push(parent.skill_name.clone());
            if path.iter().any(|asked| &**asked == skill) {
                path.push(skill.into());
                return Err(TaskError::Cycle {
                    path: path.iter().map(|name| name.to_string()).collect(),
                });
            }
            let bytes = self.router.find(skill)?.skill().face.bytes(&input);
            let deadline =
                (parent.deadline != Time::NEVER).then(|| parent.deadline.since(self.clock.now()));
            let options = TaskOptions {
                priority: parent.priority,
                deadline,
                namespace: parent.origin.namespace.clone(),
                episode: None,
                trace: Some(parent.origin.trace),
            };
            let mut call = Call::new(skill, input, bytes, options);
            call.agent = Some(agent.clone());
            call.path = path;
            self.call(call)?.await
        })
    }
}
