//! What joins the thread of an incarnation of a worker to its actor.

use std::sync::Arc;

use parking_lot::Mutex;
use ractor::ActorRef;

use crate::core::memory::Share;
use crate::fault_injection::FaultInjection;
use crate::ledger::event::Incarnation;

/// How an incarnation ended: as it was told to, or by what.
pub(crate) type End = Result<(), String>;

/// What joins the thread of an incarnation to its actor.
pub(crate) struct WorkerLink {
    incarnation: Incarnation,
    state: Mutex<LinkState>,
}

#[derive(Default)]
struct LinkState {
    actor: Option<ActorRef<WorkerMessage>>,
    has_thread: bool,
    ended: Option<End>,
}

impl WorkerLink {
    pub(crate) fn new(incarnation: Incarnation) -> Arc<Self> {
        Arc::new(Self {
            incarnation,
            state: Mutex::default(),
        })
    }

    pub(crate) fn incarnation(&self) -> Incarnation {
        self.incarnation
    }

    /// Says how the incarnation ended. Its first word counts.
    pub(crate) fn end(&self, how: End) {
        let mut state = self.state.lock();
        if state.ended.is_some() {
            return;
        }
        state.ended = Some(how.clone());
        let actor = state.actor.take();
        drop(state);
        if let Some(actor) = actor {
            // It fails when the actor has ended; whoever takes its place looks here.
            let _ = actor.cast(WorkerMessage::Ended(how));
        }
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.state.lock().ended.is_some()
    }

    /// Returns `true` while the incarnation has a thread, or a task, that has not said its last word.
    pub(crate) fn is_at_work(&self) -> bool {
        let state = self.state.lock();
        state.has_thread && state.ended.is_none()
    }

    /// From now on `actor` hears of the end. Returns the end if it was said before.
    pub(crate) fn join(&self, actor: ActorRef<WorkerMessage>) -> Option<End> {
        let mut state = self.state.lock();
        state.actor = Some(actor);
        state.ended.clone()
    }

    pub(crate) fn started(&self) {
        self.state.lock().has_thread = true;
    }
}

/// What the actor of an incarnation is told.
pub(crate) enum WorkerMessage {
    /// Its wait is over.
    Begin,
    /// There is room for its weights; none when nobody grants room any more.
    Granted(Option<Share>),
    /// It is to stop before it has a thread; a thread hears of it by its context.
    Stop,
    /// Its thread has said its last word.
    Ended(End),
    /// A test lets the actor die.
    Inject(FaultInjection),
}
