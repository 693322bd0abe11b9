//! Durable streams that are under way, so that a reader who was away finds them by the task's id.

use std::sync::{Arc, Weak};

use aimass_environment::TaskId;
use dashmap::DashMap;
use tokio::sync::Notify;

use crate::core::AgentCore;
use crate::core::ticket::Ticket;

/// The tasks of one runtime that are durable and stream.
#[derive(Default)]
pub(crate) struct DurableStreams {
    under_way: DashMap<TaskId, DurableStream>,
    changed: Notify,
}

/// One of them.
#[derive(Clone)]
pub(crate) struct DurableStream {
    pub(crate) ticket: Arc<Ticket>,
    pub(crate) core: Weak<AgentCore>,
}

impl DurableStreams {
    /// The task is with its agent.
    pub(crate) fn begin(&self, ticket: &Arc<Ticket>, core: &Arc<AgentCore>) {
        let stream = DurableStream {
            ticket: ticket.clone(),
            core: Arc::downgrade(core),
        };
        // A copy of a task that is under way is refused, and must not take its place here.
        self.under_way.entry(ticket.id).or_insert(stream);
        self.changed.notify_waiters();
    }

    /// The task is completed, and its completion written down.
    pub(crate) fn end(&self, ticket: &Arc<Ticket>) {
        let is_it = |_: &TaskId, stream: &DurableStream| Arc::ptr_eq(&stream.ticket, ticket);
        self.under_way.remove_if(&ticket.id, is_it);
        self.changed.notify_waiters();
    }

    pub(crate) fn find(&self, task: TaskId) -> Option<DurableStream> {
        self.under_way.get(&task).map(|found| found.clone())
    }

    /// The runtime shuts down: whoever waits for a task to begin looks again.
    pub(crate) fn close(&self) {
        self.changed.notify_waiters();
    }

    /// Returns once a task has begun or ended after the call, or the runtime shuts down.
    pub(crate) fn change(&self) -> tokio::sync::futures::Notified<'_> {
        self.changed.notified()
    }
}
