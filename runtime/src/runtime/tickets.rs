//! Tickets on their way from a call to an agent, and the calls that are turned away before.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use aimass_environment::{FactKind, Namespace, SpanId, TaskId, Time, TraceId};

use crate::batch::BatchKey;
use crate::core::call::Call;
use crate::core::router::Route;
use crate::core::ticket::{Durability, TaskMetadata, Ticket, TicketParts};
use crate::error::TaskError;
use crate::observer::CallerSpan;
use crate::runtime::Inner;
use crate::skill::Delivery;
use crate::task::TraceContext;

impl Inner {
    /// The ticket of a call that may go to its agent. A call that may not leaves the record of a refused task.
    pub(super) fn ticket(
        &self,
        call: Call,
        durability: Durability,
    ) -> Result<(Route, Arc<Ticket>), TaskError> {
        let route = self.router.find(&call.skill)?;
        let dyn_skill = &route.skill().dyn_skill;
        let batch_key = match dyn_skill.spec().delivery {
            Delivery::ClientStreaming => Ok(BatchKey::default()),
            _ => dyn_skill.batch_key(&call.input),
        };
        let (batch_key, error) = match batch_key {
            Ok(batch_key) => (batch_key, None),
            Err(error) => (BatchKey::default(), Some(error)),
        };
        let ticket = self.write_ticket(&route, call, durability, batch_key);
        match error.or_else(|| self.bar(&route, &ticket)) {
            None => Ok((route, ticket)),
            Some(error) => {
                route.core.record_rejection(ticket, &error);
                Err(error)
            }
        }
    }

    /// Leaves the record of a call whose input could not be read.
    pub(super) fn refuse_unread(&self, call: Call, error: &TaskError) {
        let Ok(route) = self.router.find(&call.skill) else {
            return;
        };
        let ticket = self.write_ticket(&route, call, Durability::Volatile, BatchKey::default());
        route.core.record_rejection(ticket, error);
    }

    /// Why the task must not even be handed to its agent, if so.
    fn bar(&self, route: &Route, ticket: &Ticket) -> Option<TaskError> {
        let skill = ticket.skill_name.to_string();
        let path = &ticket.metadata.path;
        let from_outside = path.is_empty();
        if from_outside && self.closing.load(Ordering::Acquire) {
            return Some(TaskError::ShuttingDown { skill });
        }
        if path.contains(&ticket.skill_name) {
            let path = path.iter().chain([&ticket.skill_name]);
            let path = path.map(|name| name.to_string()).collect();
            return Some(TaskError::Cycle { path });
        }
        let takes_chunks = route.skill().dyn_skill.spec().delivery == Delivery::ClientStreaming;
        if takes_chunks && ticket.chunks.is_none() && ticket.is_durable() {
            return Some(TaskError::Rejected {
                skill,
                message: "a live stream cannot outlive its process; ask without durability"
                    .to_owned(),
            });
        }
        None
    }

    fn write_ticket(
        &self,
        route: &Route,
        call: Call,
        durability: Durability,
        batch_key: BatchKey,
    ) -> Arc<Ticket> {
        let skill = route.skill();
        let accepted = self.clock.now();
        let Call {
            input,
            bytes,
            options,
            items,
            chunks,
            agent,
            asked_by,
            path,
            because,
            ..
        } = call;
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
            sampled: because
                .sampled
                .unwrap_or_else(|| parent.is_none_or(|parent| parent.sampled)),
        };
        let metadata = TaskMetadata {
            namespace: self.tenant(options.namespace),
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
            asked_by,
            path,
            produces: self.produced_by(because.rule.as_deref(), &skill.name),
            rule: because.rule,
            cause: because.cause,
            redrive_of: because.redrive_of,
            earlier: because.earlier,
            attempts: because.attempts,
        };
        Arc::new(Ticket::new(TicketParts {
            id: because.id.or(because.new_id).unwrap_or_else(TaskId::random),
            skill: route.skill,
            skill_name: skill.name.clone(),
            input,
            bytes,
            batch_key,
            effect: skill.dyn_skill.spec().effect,
            priority: options.priority,
            deadline: within.map_or(Time::NEVER, |within| accepted + within),
            accepted,
            metadata,
            items,
            chunks,
        }))
    }

    /// The tenant that was named, else the configured one.
    pub(crate) fn tenant(&self, named: Option<Namespace>) -> Namespace {
        named.unwrap_or_else(|| Namespace(self.config.environment.namespace.as_str().into()))
    }

    /// The embedder's current span, if the embedder has said how it is found.
    pub(crate) fn current_span(&self) -> Option<TraceContext> {
        self.current_span.as_ref().and_then(|find| find())
    }

    /// The kind of fact that a rule makes of its answers. A rule that is gone may have left tasks behind: theirs are named like the skill.
    fn produced_by(&self, rule: Option<&str>, skill: &str) -> Option<FactKind> {
        let rule = rule?;
        let members = self.members();
        if let Some(known) = members.idle_rules.iter().find(|known| known.name() == rule) {
            return known.produces.clone();
        }
        match members.reactions.iter().find(|known| known.name() == rule) {
            Some(known) => known.produces.clone(),
            None => FactKind::new(skill, 1).ok(),
        }
    }
}
