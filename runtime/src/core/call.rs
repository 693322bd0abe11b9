//! Calls: tasks on their way to an agent, and the wait for their replies.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use aimass_environment::{Revision, SpanId, TaskId, TraceId};
use tokio::sync::oneshot;

use crate::core::AgentCore;
use crate::core::ticket::{Durability, ItemLog, SentChunk, Ticket};
use crate::error::TaskError;
use crate::observer::SpanPlace;
use crate::payload::Payload;
use crate::task::TaskOptions;

/// A task with its types erased, on its way to an agent.
pub(crate) struct Call {
    pub(crate) skill: Arc<str>,
    pub(crate) input: Payload,
    pub(crate) bytes: u64,
    pub(crate) options: TaskOptions,
    pub(crate) items: Option<Arc<ItemLog>>,
    pub(crate) chunks: Option<flume::Receiver<SentChunk>>,
    /// The agent whose flow asks.
    pub(crate) agent: Option<Arc<str>>,
    /// The task of that flow.
    pub(crate) asked_by: Option<TaskId>,
    /// The flows on the way to it.
    pub(crate) path: Vec<Arc<str>>,
    /// What led to it, when it was not a caller.
    pub(crate) because: Because,
}

/// What led to a task, when it was not a caller.
#[derive(Debug, Clone, Default)]
pub(crate) struct Because {
    /// The id, when its cause decides on it; else it is random.
    pub(crate) id: Option<TaskId>,
    /// The id of a call that has to be known before the call is made.
    pub(crate) new_id: Option<TaskId>,
    pub(crate) rule: Option<Arc<str>>,
    pub(crate) cause: Option<Revision>,
    pub(crate) redrive_of: Option<TaskId>,
    /// Attempts that an earlier process made.
    pub(crate) attempts: u32,
    /// Whether it outlives the process, when that is not the caller's choice.
    pub(crate) durability: Option<Durability>,
    /// The task's own trace, when an earlier process began it.
    pub(crate) trace: Option<TraceId>,
    /// The task's own span, when its record names it already.
    pub(crate) span: Option<SpanId>,
    /// The span of an earlier attempt, when this is another.
    pub(crate) earlier: Option<SpanPlace>,
    /// Whether its trace is recorded, when its record says so already.
    pub(crate) sampled: Option<bool>,
}

impl Call {
    pub(crate) fn new(skill: &str, input: Payload, bytes: u64, options: TaskOptions) -> Self {
        let skill = skill.into();
        Self {
            skill,
            input,
            bytes,
            options,
            items: None,
            chunks: None,
            agent: None,
            asked_by: None,
            path: Vec::new(),
            because: Because::default(),
        }
    }
}

/// An accepted or refused task whose reply is on its way. Dropping it cancels the task.
pub(crate) struct Pending {
    pub(crate) ticket: Arc<Ticket>,
    pub(crate) core: Arc<AgentCore>,
    reply: oneshot::Receiver<Result<Payload, TaskError>>,
    answered: bool,
}

impl Pending {
    pub(crate) fn new(
        ticket: Arc<Ticket>,
        core: Arc<AgentCore>,
        reply: oneshot::Receiver<Result<Payload, TaskError>>,
    ) -> Self {
        Self {
            ticket,
            core,
            reply,
            answered: false,
        }
    }

    /// Its reply has come another way.
    pub(crate) fn let_go(mut self) {
        self.answered = true;
    }

    /// Lets the task go on although nobody waits for it.
    ///
    /// # Errors
    /// What the task was refused with, or has failed with already.
    pub(crate) fn detach(mut self) -> Result<TaskId, TaskError> {
        self.answered = true;
        match self.reply.try_recv() {
            Ok(Err(error)) => Err(error),
            _ => Ok(self.ticket.id),
        }
    }
}

impl Future for Pending {
    type Output = Result<Payload, TaskError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let reply = ready!(Pin::new(&mut self.reply).poll(context));
        self.answered = true;
        let skill = || self.ticket.skill_name.to_string();
        Poll::Ready(reply.unwrap_or_else(|_| Err(TaskError::ShuttingDown { skill: skill() })))
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if !self.answered {
            self.core.cancel(self.ticket.id);
        }
    }
}
