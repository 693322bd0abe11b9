//! Tickets: one accepted task as workers and callers share it.

mod inlet;
mod item_log;
mod replay_buffer;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aimass_environment::{
    BeginningAttempt, Effect, EpisodeId, FactKind, ModelVersion, Namespace, Priority, Revision,
    SpanId, TaskId, TaskRecord, Time,
};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::batch::BatchKey;
use crate::ledger::event::SkillId;
use crate::observer::{CallerSpan, SpanPlace};
use crate::payload::Payload;
use crate::task::TraceContext;
pub(crate) use inlet::{Inlet, SentChunk};
pub(crate) use item_log::{ItemLog, ItemReader, Keeping, Pushed, Received};
pub(crate) use replay_buffer::ReplayBuffer;

/// One task, from its acceptance to its completion. The input is borrowed from here, never copied.
pub(crate) struct Ticket {
    pub(crate) id: TaskId,
    pub(crate) skill: SkillId,
    pub(crate) skill_name: Arc<str>,
    pub(crate) input: Payload,
    pub(crate) bytes: u64,
    pub(crate) batch_key: BatchKey,
    pub(crate) effect: Effect,
    pub(crate) priority: Priority,
    pub(crate) deadline: Time,
    pub(crate) accepted: Time,
    pub(crate) metadata: TaskMetadata,
    /// Items on their way to the caller, when the skill streams and the caller listens.
    pub(crate) items: Option<Arc<ItemLog>>,
    /// Chunks on their way from the caller.
    pub(crate) chunks: Option<ReplayBuffer>,
    /// The versions of the models that were used for it so far.
    models: Mutex<BTreeSet<ModelVersion>>,
    cancelled: AtomicBool,
    ended: AtomicBool,
    changed: Notify,
    worker: Mutex<Option<flume::Sender<()>>>,
}

/// Where a task comes from and what it belongs to.
#[derive(Debug, Clone)]
pub(crate) struct TaskMetadata {
    pub(crate) namespace: Namespace,
    pub(crate) episode: Option<EpisodeId>,
    pub(crate) durability: Durability,
    /// The task's own span.
    pub(crate) trace: TraceContext,
    /// The span that asked.
    pub(crate) parent: Option<SpanId>,
    /// The caller's side of the call, between the two.
    pub(crate) caller: Option<CallerSpan>,
    /// The flow's task that asked for it.
    pub(crate) asked_by: Option<TaskId>,
    /// The flows on the way to this task, the outermost first.
    pub(crate) path: Vec<Arc<str>>,
    pub(crate) rule: Option<Arc<str>>,
    /// The kind of fact that its output becomes.
    pub(crate) produces: Option<FactKind>,
    pub(crate) cause: Option<Revision>,
    pub(crate) redrive_of: Option<TaskId>,
    /// The span of an earlier attempt, when this is another.
    pub(crate) earlier: Option<SpanPlace>,
    /// Attempts that an earlier process made.
    pub(crate) attempts: u32,
}

/// Whether a task outlives its process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// It dies with the process.
    Volatile,
    /// Accepted and completed are records in the environment.
    Durable,
    /// As `Durable`, and in the environment before it came here: it is never refused for want of room.
    Resumed,
    /// As `Resumed`, and the process before this one died: that it begins is written down before it does.
    Orphaned,
}

/// What a ticket is made of.
pub(crate) struct TicketParts {
    pub(crate) id: TaskId,
    pub(crate) skill: SkillId,
    pub(crate) skill_name: Arc<str>,
    pub(crate) input: Payload,
    pub(crate) bytes: u64,
    pub(crate) batch_key: BatchKey,
    pub(crate) effect: Effect,
    pub(crate) priority: Priority,
    pub(crate) deadline: Time,
    pub(crate) accepted: Time,
    pub(crate) metadata: TaskMetadata,
    pub(crate) items: Option<Arc<ItemLog>>,
    pub(crate) chunks: Option<flume::Receiver<SentChunk>>,
}

impl Ticket {
    pub(crate) fn new(parts: TicketParts) -> Self {
        let TicketParts {
            id,
            skill,
            skill_name,
            input,
            bytes,
            batch_key,
            effect,
            priority,
            ..
        } = parts;
        Self {
            id,
            skill,
            skill_name,
            input,
            bytes,
            batch_key,
            effect,
            priority,
            deadline: parts.deadline,
            accepted: parts.accepted,
            metadata: parts.metadata,
            items: parts.items,
            chunks: parts.chunks.map(ReplayBuffer::new),
            models: Mutex::default(),
            cancelled: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            changed: Notify::new(),
            worker: Mutex::new(None),
        }
    }

    /// The span in which whatever a skill says through `tracing` is said, so that each line of a log names its trace.
    pub(crate) fn log_span(&self) -> tracing::Span {
        let TraceContext { trace, span, .. } = self.metadata.trace;
        // As grave as can be: a log of errors alone wants the trace too.
        tracing::error_span!("task", skill = %self.skill_name, trace_id = %trace, span_id = %span)
    }

    pub(crate) fn is_durable(&self) -> bool {
        self.metadata.durability != Durability::Volatile
    }

    /// Whether it was accepted in the environment before it came here.
    pub(crate) fn is_resumed(&self) -> bool {
        use Durability::{Orphaned, Resumed};
        matches!(self.metadata.durability, Resumed | Orphaned)
    }

    /// Whether its beginning must be known after a crash, and is written down before it begins.
    pub(crate) fn is_noted_first(&self) -> bool {
        let once = self.effect == Effect::Once && self.is_durable();
        once || self.metadata.durability == Durability::Orphaned
    }

    /// Its beginning, as it is written down.
    pub(crate) fn begins(&self) -> BeginningAttempt {
        BeginningAttempt {
            task: self.id,
            span: Some(self.metadata.trace.span),
        }
    }

    /// An attempt of a flow begins: what earlier ones used says nothing of it.
    pub(crate) fn begin_models(&self) {
        self.models.lock().clear();
    }

    /// Models of these versions were used for it.
    pub(crate) fn used(&self, models: impl IntoIterator<Item = ModelVersion>) {
        self.models.lock().extend(models);
    }

    /// The versions of the models that were used for it so far.
    pub(crate) fn models(&self) -> Vec<ModelVersion> {
        self.models.lock().iter().cloned().collect()
    }

    /// How many items have left for the caller.
    pub(crate) fn delivered(&self) -> u64 {
        let items = self.items.as_ref();
        items.map_or(0, |items| items.delivered_count())
    }

    pub(crate) fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
        self.changed.notify_waiters();
        self.wake_worker();
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    /// Says that the task is completed: whoever still sends chunks stops.
    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::Release);
        self.changed.notify_waiters();
    }

    /// Returns once the task is cancelled.
    pub(crate) async fn cancellation(&self) {
        self.until(&self.cancelled).await;
    }

    /// Returns once the task is completed.
    pub(crate) async fn completed(&self) {
        self.until(&self.ended).await;
    }

    async fn until(&self, flag: &AtomicBool) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if flag.load(Ordering::Acquire) {
                return;
            }
            changed.await;
        }
    }

    /// Says which worker is to be woken when a chunk comes, an item is taken, or nobody waits any more.
    pub(crate) fn held_by(&self, wake: flume::Sender<()>) {
        *self.worker.lock() = Some(wake);
    }

    pub(crate) fn wake_worker(&self) {
        if let Some(wake) = &*self.worker.lock() {
            // A full channel means that it is awake already.
            let _ = wake.try_send(());
        }
    }

    /// The task as the environment keeps it.
    pub(crate) fn record(&self, input: serde_json::Value, deadline_ms: Option<u64>) -> TaskRecord {
        TaskRecord {
            namespace: self.metadata.namespace.clone(),
            episode: self.metadata.episode,
            effect: self.effect,
            priority: self.priority,
            deadline_ms,
            attempts: self.metadata.attempts,
            trace: Some(self.metadata.trace.trace),
            span: Some(self.metadata.trace.span),
            parent: self.metadata.parent,
            rule: self.metadata.rule.as_deref().map(str::to_owned),
            cause: self.metadata.cause,
            redrive_of: self.metadata.redrive_of,
            asked_by: self.metadata.asked_by,
            sampled: self.metadata.trace.sampled,
            streams: self.items.is_some(),
            ..TaskRecord::new(self.id, &*self.skill_name, input)
        }
    }
}
