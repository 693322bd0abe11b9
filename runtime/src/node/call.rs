//! One call through a transport: items while the work goes on, then one reply.

use std::future::Future;
use std::pin::Pin;

use serde_json::Value;
use tokio::sync::mpsc;

use crate::error::TaskError;

/// How many items a call holds for a caller that does not take them.
pub(crate) const ITEM_WINDOW: usize = 64;

type ReplyFuture = Pin<Box<dyn Future<Output = Result<Value, TaskError>> + Send>>;

/// One call. Dropping it cancels what was asked.
pub struct Call {
    items: mpsc::Receiver<Value>,
    state: State,
    taken: Box<dyn FnMut() + Send>,
}

enum State {
    Working(ReplyFuture),
    Replied(Result<Value, TaskError>),
}

impl Call {
    /// A call whose work is the future that `work` makes. It may send items, and waits while the caller does not take them.
    pub fn new<F, W>(work: W) -> Self
    where
        F: Future<Output = Result<Value, TaskError>> + Send + 'static,
        W: FnOnce(mpsc::Sender<Value>) -> F,
    {
        let (sender, items) = mpsc::channel(ITEM_WINDOW);
        Self::from_parts(items, Box::pin(work(sender)), Box::new(|| {}))
    }

    /// A call whose items come from elsewhere; `taken` is told of each that its caller has taken.
    pub(crate) fn from_parts(
        items: mpsc::Receiver<Value>,
        reply: ReplyFuture,
        taken: Box<dyn FnMut() + Send>,
    ) -> Self {
        Self {
            items,
            state: State::Working(reply),
            taken,
        }
    }

    /// The next item; none once there is a reply.
    pub async fn next(&mut self) -> Option<Value> {
        if let State::Working(reply) = &mut self.state {
            tokio::select! {
                biased;
                Some(item) = self.items.recv() => {
                    (self.taken)();
                    return Some(item);
                }
                outcome = reply => self.state = State::Replied(outcome),
            }
        }
        // What was sent before the reply came is still to be taken.
        let item = self.items.try_recv().ok()?;
        (self.taken)();
        Some(item)
    }

    /// The reply. Items that were not taken are dropped.
    ///
    /// # Errors
    /// As the request's operation; [`TaskError::Transport`] when the other side is gone.
    pub async fn reply(mut self) -> Result<Value, TaskError> {
        while self.next().await.is_some() {}
        match self.state {
            State::Replied(outcome) => outcome,
            State::Working(reply) => reply.await,
        }
    }
}
