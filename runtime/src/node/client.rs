//! A caller's side of a Unix socket.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::Value;
use tokio::net::UnixStream;
use tokio::net::unix::OwnedReadHalf;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::call::{Call, ITEM_WINDOW, Item};
use super::peer::{FrameSender, SendError, sender};
use super::wire::{ClientFrame, FrameReader, NodeFrame, PROTOCOL, WireError};
use super::{Request, Transport, TransportError};
use crate::error::TaskError;

/// How long a node may take to greet.
const GREETING_LIMIT: Duration = Duration::from_secs(10);

/// A connection to a node. Dropping it cancels its calls.
pub struct SocketClient {
    shared: Arc<Shared>,
    _tasks: JoinSet<()>,
}

struct Shared {
    sender: FrameSender,
    next_call: AtomicU64,
    calls: Mutex<Calls>,
}

/// The open calls; or, after the connection has ended, why it has.
enum Calls {
    Open(HashMap<u64, Caller>),
    Ended(String),
}

struct Caller {
    items: mpsc::Sender<Item>,
    reply: oneshot::Sender<Result<Value, TaskError>>,
}

impl SocketClient {
    /// Connects to the node that listens on `path`.
    ///
    /// # Errors
    /// [`TransportError::NoNode`] when nobody listens, [`TransportError::Protocol`] when the other side does not speak this protocol,
    /// [`TransportError::Io`] when the system refuses.
    pub async fn connect(path: &Path) -> Result<Self, TransportError> {
        let stream = UnixStream::connect(path)
            .await
            .map_err(|source| match source.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
                    TransportError::NoNode {
                        path: path.to_owned(),
                    }
                }
                _ => TransportError::Io {
                    operation: "connect to",
                    path: path.to_owned(),
                    source,
                },
            })?;
        let (reader, writer) = stream.into_split();
        let (sender, pump) = sender(writer);
        let mut tasks = JoinSet::new();
        tasks.spawn(pump);
        sender.send_small(&ClientFrame::Hello { protocol: PROTOCOL });
        let mut frames = FrameReader::new(reader);
        greeting(&mut frames)
            .await
            .map_err(|message| TransportError::Protocol {
                path: path.to_owned(),
                message,
            })?;
        let shared = Arc::new(Shared {
            sender,
            next_call: AtomicU64::new(0),
            calls: Mutex::new(Calls::Open(HashMap::new())),
        });
        tasks.spawn(read(frames, Arc::clone(&shared)));
        Ok(Self {
            shared,
            _tasks: tasks,
        })
    }
}

impl Transport for SocketClient {
    fn call(&self, request: Request) -> Call {
        let number = self.shared.next_call.fetch_add(1, Ordering::Relaxed);
        let (items, taken_items) = mpsc::channel(ITEM_WINDOW);
        let (reply, replied) = oneshot::channel();
        let caller = Caller { items, reply };
        let work = ask(Arc::clone(&self.shared), number, request, caller, replied);
        let mut credit = Credit {
            sender: self.shared.sender.clone(),
            call: number,
            taken: 0,
        };
        Call::from_parts(taken_items, Box::pin(work), Box::new(move || credit.take()))
    }
}

async fn ask(
    shared: Arc<Shared>,
    call: u64,
    request: Request,
    caller: Caller,
    replied: oneshot::Receiver<Result<Value, TaskError>>,
) -> Result<Value, TaskError> {
    match &mut *shared.calls.lock() {
        Calls::Open(calls) => calls.insert(call, caller),
        Calls::Ended(message) => {
            return Err(TaskError::Transport {
                message: message.clone(),
            });
        }
    };
    let mut open = OpenCall {
        shared: &shared,
        call,
        asked: false,
    };
    let request = Box::new(request);
    shared
        .sender
        .send(&ClientFrame::Call { call, request })
        .await
        .map_err(|error| TaskError::Transport {
            message: match error {
                SendError::Gone => "the node closed the connection".to_owned(),
                SendError::Frame(error) => format!("the request cannot be sent: {error}"),
            },
        })?;
    open.asked = true;
    let outcome = replied.await;
    drop(open);
    outcome.unwrap_or_else(|_| {
        Err(TaskError::Transport {
            message: "the connection ended before the reply".to_owned(),
        })
    })
}

/// Cancels the call when it is dropped before its reply.
struct OpenCall<'a> {
    shared: &'a Shared,
    call: u64,
    /// The node hears of the call; of one that still waits for room it has nothing to cancel.
    asked: bool,
}

impl Drop for OpenCall<'_> {
    fn drop(&mut self) {
        if self.shared.remove(self.call).is_some() && self.asked {
            let call = self.call;
            self.shared.sender.send_small(&ClientFrame::Cancel { call });
        }
    }
}

/// Tells the node of items that were taken: half a window at a time, so that a stream never stands still for it.
struct Credit {
    sender: FrameSender,
    call: u64,
    taken: u32,
}

impl Credit {
    fn take(&mut self) {
        self.taken += 1;
        if self.taken as usize * 2 >= ITEM_WINDOW {
            let (call, items) = (self.call, std::mem::take(&mut self.taken));
            self.sender.send_small(&ClientFrame::Credit { call, items });
        }
    }
}

impl Shared {
    fn remove(&self, call: u64) -> Option<Caller> {
        match &mut *self.calls.lock() {
            Calls::Open(calls) => calls.remove(&call),
            Calls::Ended(_) => None,
        }
    }

    fn deliver(&self, call: u64, item: Item) -> Result<(), String> {
        match &*self.calls.lock() {
            Calls::Open(calls) => {
                match calls.get(&call).map(|caller| caller.items.try_send(item)) {
                    Some(Err(mpsc::error::TrySendError::Full(_))) => {
                        Err("the node sent more items than it was allowed to".to_owned())
                    }
                    _ => Ok(()),
                }
            }
            Calls::Ended(_) => Ok(()),
        }
    }

    fn complete(&self, call: u64, outcome: Result<Value, TaskError>) {
        if let Some(caller) = self.remove(call) {
            // Nobody listens when the call was dropped at this very moment.
            let _ = caller.reply.send(outcome);
        }
    }

    fn end(&self, message: &str) {
        let ended = Calls::Ended(message.to_owned());
        if let Calls::Open(calls) = std::mem::replace(&mut *self.calls.lock(), ended) {
            for caller in calls.into_values() {
                let message = message.to_owned();
                let _ = caller.reply.send(Err(TaskError::Transport { message }));
            }
        }
    }
}

async fn greeting(frames: &mut FrameReader<OwnedReadHalf>) -> Result<(), String> {
    let greeting = tokio::time::timeout(GREETING_LIMIT, frames.next()).await;
    match greeting {
        Ok(Ok(Some(NodeFrame::Hello { protocol: PROTOCOL }))) => Ok(()),
        Ok(Ok(Some(NodeFrame::Hello { protocol }))) => Err(format!(
            "expected protocol {PROTOCOL}, it speaks {protocol}"
        )),
        Ok(Ok(Some(_))) => Err("it did not greet first".to_owned()),
        Ok(Ok(None)) => Err("it closed the connection".to_owned()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("it did not greet within {GREETING_LIMIT:?}")),
    }
}

async fn read(mut frames: FrameReader<OwnedReadHalf>, shared: Arc<Shared>) {
    let reason = loop {
        match next(&mut frames, &shared).await {
            Ok(true) => {}
            Ok(false) => break "the node closed the connection".to_owned(),
            Err(message) => break message,
        }
    };
    shared.end(&reason);
}

/// Handles one frame; false at the end of the connection.
async fn next(frames: &mut FrameReader<OwnedReadHalf>, shared: &Shared) -> Result<bool, String> {
    let frame = frames
        .next()
        .await
        .map_err(|error: WireError| error.to_string())?;
    match frame {
        None => return Ok(false),
        Some(NodeFrame::Hello { .. }) => {}
        Some(NodeFrame::Item { call, item, bytes }) => {
            shared.deliver(call, Item { value: item, bytes })?;
        }
        Some(NodeFrame::Done { call, reply }) => shared.complete(call, Ok(reply)),
        Some(NodeFrame::Failed { call, error }) => shared.complete(call, Err(error)),
    }
    Ok(true)
}
