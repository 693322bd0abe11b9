//! What joins a task that a service has started, such as a connection of a node, to its actor.

use std::future::Future;
use std::sync::Arc;

use aimass_environment::panics::Caught;
use parking_lot::Mutex;
use ractor::ActorRef;
use tokio::sync::OwnedSemaphorePermit;

use crate::core::worker_link::End;

/// What the actor of a task is told: how that has ended.
pub(crate) struct TaskEnded(pub(crate) End);

/// What joins a task to its actor. Its place is taken until both have ended: so there are never
/// more actors than places.
pub(crate) struct TaskLink {
    state: Mutex<LinkState>,
    _place: OwnedSemaphorePermit,
}

#[derive(Default)]
struct LinkState {
    actor: Option<ActorRef<TaskEnded>>,
    ended: Option<End>,
}

/// Says a last word for a task that is dropped without one.
struct LastWord<'a>(&'a TaskLink);

impl Drop for LastWord<'_> {
    fn drop(&mut self) {
        self.0.end(Ok(()));
    }
}

impl TaskLink {
    pub(crate) fn new(place: OwnedSemaphorePermit) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::default(),
            _place: place,
        })
    }

    /// Runs the task, and says how it ended.
    pub(crate) async fn run(self: Arc<Self>, task: impl Future<Output = ()>) {
        let _last_word = LastWord(&self);
        let ended = Caught::new(Box::pin(task)).await;
        self.end(ended.map_err(|message| format!("panic: {message}")));
    }

    /// Says how the task ended. Its first word counts.
    fn end(&self, how: End) {
        let mut state = self.state.lock();
        if state.ended.is_some() {
            return;
        }
        state.ended = Some(how.clone());
        let actor = state.actor.take();
        drop(state);
        if let Some(actor) = actor {
            // It fails when the actor has ended; whoever takes its place looks here.
            let _ = actor.cast(TaskEnded(how));
        }
    }

    /// From now on `actor` hears of the end. Returns the end if it was said before.
    pub(crate) fn join(&self, actor: ActorRef<TaskEnded>) -> Option<End> {
        let mut state = self.state.lock();
        state.actor = Some(actor);
        state.ended.clone()
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.state.lock().ended.is_some()
    }
}
