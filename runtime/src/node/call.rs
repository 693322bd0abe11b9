//! One call through a transport: items while the work goes on, then one reply.

use std::future::Future;
use std::pin::Pin;

use serde_json::Value;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::SendError;

use crate::error::TaskError;

/// How many items a call holds for a caller that does not take them.
pub(crate) const ITEM_WINDOW: usize = 64;

/// How many of them it holds of large ones.
const HELD_LARGE_ITEMS: usize = 2;

type ReplyFuture = Pin<Box<dyn Future<Output = Result<Value, TaskError>> + Send>>;

/// What a call gives while the work goes on: JSON, and bytes beside it where the request says so.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// The JSON.
    pub value: Value,
    /// The bytes. Over a socket they travel as they are.
    pub bytes: Vec<u8>,
}

impl From<Value> for Item {
    fn from(value: Value) -> Self {
        let bytes = Vec::new();
        Self { value, bytes }
    }
}

impl From<Vec<u8>> for Item {
    fn from(bytes: Vec<u8>) -> Self {
        let value = Value::Null;
        Self { value, bytes }
    }
}

/// Sends the items of a call.
#[derive(Clone)]
pub struct ItemSender(mpsc::Sender<Item>);

impl ItemSender {
    /// Sends an item, and waits while the caller does not take those before it.
    ///
    /// # Errors
    /// The item, when the call was dropped.
    pub async fn send(&self, item: impl Into<Item>) -> Result<(), SendError<Item>> {
        self.0.send(item.into()).await
    }

    /// As [`Self::send`], for threads that may block.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub fn blocking_send(&self, item: impl Into<Item>) -> Result<(), SendError<Item>> {
        self.0.blocking_send(item.into())
    }

    /// Returns once nearly all items were taken: a call may hold many, and not many large ones.
    pub(crate) async fn nearly_all_taken(&self) {
        let nearly_all = self.0.max_capacity().saturating_sub(HELD_LARGE_ITEMS);
        // It fails when the call was dropped, and whoever sends next is told that.
        let _ = self.0.reserve_many(nearly_all).await;
    }
}

/// One call. Dropping it cancels what was asked.
pub struct Call {
    items: mpsc::Receiver<Item>,
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
        W: FnOnce(ItemSender) -> F,
    {
        let (sender, items) = mpsc::channel(ITEM_WINDOW);
        Self::from_parts(items, Box::pin(work(ItemSender(sender))), Box::new(|| {}))
    }

    /// A call whose items come from elsewhere; `taken` is told of each that its caller has taken.
    pub(crate) fn from_parts(
        items: mpsc::Receiver<Item>,
        reply: ReplyFuture,
        taken: Box<dyn FnMut() + Send>,
    ) -> Self {
        Self {
            items,
            state: State::Working(reply),
            taken,
        }
    }

    /// The JSON of the next item; none once there is a reply.
    pub async fn next(&mut self) -> Option<Value> {
        self.next_item().await.map(|item| item.value)
    }

    /// The next item; none once there is a reply.
    pub async fn next_item(&mut self) -> Option<Item> {
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
        while self.next_item().await.is_some() {}
        match self.state {
            State::Replied(outcome) => outcome,
            State::Working(reply) => reply.await,
        }
    }
}
