//! The way to the writer: bounded in transactions and in bytes, and open to async and to blocking callers.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use flume::{Receiver, Sender};
use parking_lot::RwLock;
use tokio::sync::{Semaphore, oneshot};

use crate::error::EnvironmentError;
use crate::fact::{FactDraft, Provenance};
use crate::ids::Namespace;
use crate::json_bytes::json_bytes;
use crate::options::EnvironmentOptions;
use crate::records::{Commit, Transaction};
use crate::writer::{Command, Pending};

/// Keys and namespaces are parts of keys in the store.
const MAX_NAME: usize = 512;
/// The queue's bytes are counted in pieces of this size, because its permits are counted in 32 bits.
const PIECE: u64 = 1 << 10;

/// The sending side of the writer's queue.
#[derive(Debug)]
pub(crate) struct Queue {
    sender: RwLock<Option<Sender<Command>>>,
    room: Arc<Semaphore>,
    pieces: u32,
}

impl Queue {
    pub(crate) fn new(options: &EnvironmentOptions) -> (Self, Receiver<Command>) {
        let (sender, receiver) = flume::bounded(options.max_queued_transactions.max(1));
        let pieces = u32::try_from(options.max_queued_bytes / PIECE).unwrap_or(u32::MAX >> 4);
        let pieces = pieces.clamp(1, u32::MAX >> 4);
        let queue = Self {
            sender: RwLock::new(Some(sender)),
            room: Arc::new(Semaphore::new(pieces as usize)),
            pieces,
        };
        (queue, receiver)
    }

    pub(crate) async fn commit(
        &self,
        transaction: Transaction,
        bytes: u64,
    ) -> Result<Commit, EnvironmentError> {
        let limit = self.max_bytes();
        let pieces = bytes.div_ceil(PIECE).max(1);
        if pieces > u64::from(self.pieces) {
            return Err(EnvironmentError::TooLarge {
                what: "transaction",
                limit,
                found: bytes,
            });
        }
        let permit = Arc::clone(&self.room)
            .acquire_many_owned(pieces as u32)
            .await
            .map_err(|_| EnvironmentError::Closed)?;
        let (reply, answer) = oneshot::channel();
        self.send(Command::Commit(Box::new(Pending {
            transaction,
            bytes,
            permit,
            reply,
        })))
        .await?;
        answer.await.map_err(|_| EnvironmentError::Closed)?
    }

    /// How large a transaction may be.
    pub(crate) fn max_bytes(&self) -> u64 {
        u64::from(self.pieces) * PIECE
    }

    pub(crate) async fn send(&self, command: Command) -> Result<(), EnvironmentError> {
        let sender = self.sender.read().clone().ok_or(EnvironmentError::Closed)?;
        sender
            .into_send_async(command)
            .await
            .map_err(|_| EnvironmentError::Closed)
    }

    pub(crate) fn disconnect(&self) {
        *self.sender.write() = None;
    }
}

/// Checks what can be checked without the store. Gives the transaction's size in bytes.
pub(crate) fn check(
    transaction: &Transaction,
    options: &EnvironmentOptions,
) -> Result<u64, EnvironmentError> {
    check_namespace(&transaction.namespace)?;
    let mut total = 0;
    for (draft, provenance) in &transaction.facts {
        total += check_fact(draft, provenance, options)?;
    }
    for task in &transaction.accepted {
        check_namespace(&task.namespace)?;
        total += json_bytes(task);
    }
    for episode in &transaction.begins {
        check_namespace(&episode.namespace)?;
        total += json_bytes(episode);
    }
    for condition in &transaction.conditions {
        check_name("key", &condition.key)?;
    }
    for (cursor, _) in &transaction.cursors {
        check_name("cursor", cursor)?;
    }
    total += transaction.settled.iter().map(json_bytes).sum::<u64>();
    total += transaction.dead_letters.iter().map(json_bytes).sum::<u64>();
    Ok(total)
}

/// Checks one fact. Gives its size in bytes.
pub(crate) fn check_fact(
    draft: &FactDraft,
    provenance: &Provenance,
    options: &EnvironmentOptions,
) -> Result<u64, EnvironmentError> {
    if let Some(key) = &draft.key {
        check_name("key", key)?;
    }
    let bytes = json_bytes(draft).saturating_add(json_bytes(provenance));
    if bytes > options.max_fact_bytes {
        return Err(EnvironmentError::TooLarge {
            what: "fact",
            limit: options.max_fact_bytes,
            found: bytes,
        });
    }
    Ok(bytes)
}

fn check_namespace(namespace: &Namespace) -> Result<(), EnvironmentError> {
    check_name("namespace", &namespace.0)
}

fn check_name(what: &'static str, name: &str) -> Result<(), EnvironmentError> {
    if name.is_empty() || name.len() > MAX_NAME || name.contains('\0') {
        return Err(EnvironmentError::BadName {
            what,
            limit: MAX_NAME,
            found: name.chars().take(80).collect(),
        });
    }
    Ok(())
}

/// Waits for `future` on this thread. What the queue gives needs no particular runtime.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    // On a thread of tokio's, its budget for one task would otherwise run out and never be filled up again.
    let mut future = pin!(tokio::task::unconstrained(future));
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}
