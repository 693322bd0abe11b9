//! Durable streams that are under way, so that a reader who was away finds them by the task's id.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use aimass_environment::TaskId;
use dashmap::DashMap;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::core::AgentCore;
use crate::core::ticket::{Keeping, Ticket};

/// Ended streams whose items are kept.
const MAX_KEPT: usize = 16;

/// The tasks of one runtime that are durable and stream.
#[derive(Default)]
pub(crate) struct DurableStreams {
    under_way: DashMap<TaskId, DurableStream>,
    /// Ended ones whose callers asked to keep what was sent, the newest one last.
    kept: Mutex<VecDeque<DurableStream>>,
    changed: Notify,
}

/// One of them.
#[derive(Clone)]
pub(crate) struct DurableStream {
    pub(crate) ticket: Arc<Ticket>,
    pub(crate) core: Weak<AgentCore>,
}

/// Whether what a stream has sent is kept when it has ended.
fn keeps_items(ticket: &Ticket) -> bool {
    let items = ticket.items.as_ref();
    items.is_some_and(|items| items.keeping() == Keeping::PastItsEnd)
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
        let ended = self.under_way.remove_if(&ticket.id, is_it);
        if let Some((_, stream)) = ended.filter(|_| keeps_items(ticket)) {
            let mut kept = self.kept.lock();
            if kept.len() == MAX_KEPT {
                kept.pop_front();
            }
            kept.push_back(stream);
        }
        self.changed.notify_waiters();
    }

    pub(crate) fn find(&self, task: TaskId) -> Option<DurableStream> {
        self.under_way.get(&task).map(|found| found.clone())
    }

    /// The ended stream of that task, if what it has sent is kept.
    pub(crate) fn find_kept(&self, task: TaskId) -> Option<DurableStream> {
        let kept = self.kept.lock();
        kept.iter().find(|stream| stream.ticket.id == task).cloned()
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
