//! The node's side of a Unix socket.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fs::{self, OpenOptions, Permissions, TryLockError};
use std::future::Future;
use std::io;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use aimass_environment::LockFile;
use ractor::ActorRef;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Mutex, Semaphore, watch};
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};

use super::accept::Accepting;
use super::call::{ITEM_WINDOW, Item};
use super::connections::Connections;
use super::peer::{FrameSender, SendError, sender};
use super::wire::{ClientFrame, FrameReader, MAX_FRAME, NodeFrame, PROTOCOL, WireError};
use super::{Request, Transport, TransportError};
use crate::core::message::ServiceMessage;
use crate::error::TaskError;

/// Calls of one connection at the same time; further ones are refused.
const MAX_CALLS: usize = 1024;
/// Bytes beside the requests of one connection that are held at the same time. The next request
/// waits for room, and with it the client.
const MAX_ATTACHED_BYTES: usize = 2 * MAX_FRAME;
/// How long a client may take to say which protocol it speaks.
const GREETING_LIMIT: Duration = Duration::from_secs(10);
/// How long open calls may take to reply when the server stops, and a client to read what was already said.
const FAREWELL_LIMIT: Duration = Duration::from_secs(1);

/// Listens on a Unix socket, and hands what is asked there to a transport.
///
/// Only processes of the same user are served. The socket's file goes when the server does.
pub struct SocketServer {
    listener: UnixListener,
    path: PathBuf,
    // Whoever holds this lock owns the socket's path; the system frees it with the process, however that ends. None once the server has ended.
    lock: parking_lot::Mutex<Option<LockFile>>,
    /// Whoever takes connections holds it. They go on when that one dies, and whoever takes its place looks after them.
    tasks: Mutex<JoinSet<()>>,
    connections: Connections,
    /// Tells the connections that the server stops.
    stopping: watch::Sender<()>,
}

impl SocketServer {
    /// Listens on `path`. A socket that a process left behind when it died is replaced.
    ///
    /// # Errors
    /// [`TransportError::InUse`] when another process listens there, [`TransportError::NotASocket`] when something else lies there,
    /// [`TransportError::Io`] when the system refuses.
    pub fn bind(path: &Path) -> Result<Self, TransportError> {
        let failed = |operation| {
            move |source| TransportError::Io {
                operation,
                path: path.to_owned(),
                source,
            }
        };
        let lock = lock(path)?;
        match fs::symlink_metadata(path) {
            Ok(found) if found.file_type().is_socket() => {
                fs::remove_file(path).map_err(failed("remove the stale socket"))?;
            }
            Ok(_) => {
                return Err(TransportError::NotASocket {
                    path: path.to_owned(),
                });
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed("look at")(error)),
        }
        let listener = UnixListener::bind(path).map_err(failed("listen on"))?;
        fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(failed("protect"))?;
        Ok(Self {
            listener,
            path: path.to_owned(),
            lock: parking_lot::Mutex::new(Some(lock)),
            tasks: Mutex::default(),
            connections: Connections::new(),
            stopping: watch::Sender::new(()),
        })
    }

    /// Serves until `stop` is done. Calls that are still open then have a moment to reply, and are cancelled after it.
    ///
    /// [`Runtime::serve`](crate::Runtime::serve) does the same under the runtime's supervision.
    pub async fn serve(self, transport: Arc<dyn Transport>, stop: impl Future<Output = ()>) {
        tokio::select! {
            () = stop => {}
            () = self.take_connections(&transport) => {}
        }
        self.end_connections().await;
    }

    /// Takes connections, and never ends.
    pub(crate) async fn take_connections(&self, transport: &Arc<dyn Transport>) {
        let mut tasks = self.tasks.lock().await;
        let mut accepting = Accepting::new(&self.listener);
        loop {
            let next = async {
                let place = self.connections.place().await;
                (place, accepting.next().await)
            };
            tokio::select! {
                Some(_) = tasks.join_next() => accepting.at_once(),
                (place, stream) = next => {
                    if !is_same_user(&stream) {
                        tracing::warn!("refused a connection of another user");
                        continue;
                    }
                    let stopped = self.stopping.subscribe();
                    let connection = Connection::new(Arc::clone(transport), stopped);
                    let (reader, writer) = stream.into_split();
                    let link = self.connections.add(place);
                    tasks.spawn(link.run(connection.serve(reader, writer)));
                }
            }
        }
    }

    /// The connections belong to this actor from now on.
    pub(crate) fn belongs_to(&self, actor: ActorRef<ServiceMessage>) {
        self.connections.belong_to(actor);
    }

    /// Lets open calls reply, and returns once all connections have ended and the path is free for another server. Nobody may take connections any
    /// more.
    pub(crate) async fn end_connections(&self) {
        self.stopping.send_replace(());
        let mut tasks = self.tasks.lock().await;
        while tasks.join_next().await.is_some() {}
        self.leave_path();
    }

    /// Removes the socket's file, and frees its path. Not left to the end of this value: who waits for the server does not wait for that.
    fn leave_path(&self) {
        // While the lock is held the path is ours, so this cannot remove another server's socket.
        let Some(_lock) = self.lock.lock().take() else {
            return;
        };
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::debug!(%error, "the socket's file was already gone");
        }
    }
}

impl Drop for SocketServer {
    fn drop(&mut self) {
        self.leave_path();
    }
}

fn lock(path: &Path) -> Result<LockFile, TransportError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let failed = |source| TransportError::Io {
        operation: "lock",
        path: path.to_owned(),
        source,
    };
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(name)
        .map_err(failed)?;
    match LockFile::acquire(file) {
        Ok(lock) => Ok(lock),
        Err((_, TryLockError::WouldBlock)) => Err(TransportError::InUse {
            path: path.to_owned(),
        }),
        Err((_, TryLockError::Error(source))) => Err(failed(source)),
    }
}

fn is_same_user(stream: &UnixStream) -> bool {
    let own = rustix::process::geteuid().as_raw();
    stream.peer_cred().is_ok_and(|peer| peer.uid() == own)
}

/// One client. When it goes, or breaks the protocol, its calls go with it.
struct Connection {
    transport: Arc<dyn Transport>,
    calls: JoinSet<u64>,
    open: HashMap<u64, OpenCall>,
    /// Room for the bytes beside requests.
    attached: Arc<Semaphore>,
    /// Whether it was said that this client uses a number twice.
    warned: bool,
    /// Ends when the server stops.
    stopped: watch::Receiver<()>,
}

struct OpenCall {
    task: AbortHandle,
    credit: Arc<Semaphore>,
}

impl Connection {
    fn new(transport: Arc<dyn Transport>, stopped: watch::Receiver<()>) -> Self {
        Self {
            stopped,
            transport,
            calls: JoinSet::new(),
            open: HashMap::new(),
            attached: Arc::new(Semaphore::new(MAX_ATTACHED_BYTES)),
            warned: false,
        }
    }

    async fn serve<R, W>(mut self, reader: R, writer: W)
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        let (sender, pump) = sender(writer);
        tokio::pin!(pump);
        let ended = tokio::select! {
            // The writing half ends by itself only when the client no longer reads.
            () = &mut pump => return,
            ended = self.talk(FrameReader::new(reader), sender) => ended,
        };
        if let Err(error) = ended {
            tracing::warn!(%error, "closed a connection");
        }
        self.calls.shutdown().await;
        // What was already said goes out, as far as the client still reads; nobody waits for the rest.
        let _ = tokio::time::timeout(FAREWELL_LIMIT, pump).await;
    }

    async fn talk<R: AsyncRead + Unpin>(
        &mut self,
        mut frames: FrameReader<R>,
        sender: FrameSender,
    ) -> Result<(), WireError> {
        match tokio::time::timeout(GREETING_LIMIT, frames.next()).await {
            Ok(Ok(Some(ClientFrame::Hello { protocol }))) => {
                tell(&sender, &NodeFrame::Hello { protocol: PROTOCOL }).await;
                if protocol != PROTOCOL {
                    // The client closes once it has read which version this is.
                    return frames.next::<ClientFrame>().await.map(drop);
                }
            }
            Ok(other) => return other.map(drop),
            Err(_) => return Ok(()),
        }
        let mut stopped = self.stopped.clone();
        tokio::select! {
            ended = self.listen(frames, &sender) => return ended,
            _ = stopped.changed() => {}
        }
        let last_replies = async { while self.calls.join_next().await.is_some() {} };
        // Whoever has not replied by then is cancelled.
        let _ = tokio::time::timeout(FAREWELL_LIMIT, last_replies).await;
        Ok(())
    }

    /// Takes what the client says until it says no more. Each answer waits for its room, so a client that does not read is not read from.
    async fn listen<R: AsyncRead + Unpin>(
        &mut self,
        mut frames: FrameReader<R>,
        sender: &FrameSender,
    ) -> Result<(), WireError> {
        loop {
            let next_frame = async {
                sender.has_room().await;
                frames.next().await
            };
            tokio::select! {
                Some(ended) = self.calls.join_next_with_id() => self.reap(&ended, sender),
                frame = next_frame => match frame? {
                    Some(frame) => self.handle(frame, sender).await,
                    None => return Ok(()),
                },
            }
        }
    }

    async fn handle(&mut self, frame: ClientFrame, sender: &FrameSender) {
        match frame {
            ClientFrame::Hello { .. } => {}
            ClientFrame::Call { call, request } => self.start(call, *request, sender).await,
            ClientFrame::Credit { call, items } => {
                if let Some(open) = self.open.get(&call) {
                    let room = ITEM_WINDOW.saturating_sub(open.credit.available_permits());
                    open.credit.add_permits(room.min(items as usize));
                }
            }
            ClientFrame::Cancel { call } => {
                if let Some(open) = self.open.remove(&call) {
                    open.task.abort();
                }
            }
        }
    }

    async fn start(&mut self, call: u64, request: Request, sender: &FrameSender) {
        if self.open.contains_key(&call) {
            // An answer would be taken for that of the call which is open under this number.
            if !self.warned {
                tracing::warn!(
                    call,
                    "a client used the number of an open call again; what it asked with it is passed over"
                );
                self.warned = true;
            }
            return;
        }
        if self.calls.len() >= MAX_CALLS {
            let message = format!(
                "call {call} was refused: {MAX_CALLS} calls of this connection are open; wait for one of them"
            );
            let error = TaskError::Transport { message };
            tell(sender, &NodeFrame::Failed { call, error }).await;
            return;
        }
        // A frame is smaller than all of the room, and no call that has some of it waits for what
        // the client says next.
        let wanted = request.attachment().len() as u32;
        let room = Arc::clone(&self.attached).acquire_many_owned(wanted).await;
        let credit = Arc::new(Semaphore::new(ITEM_WINDOW));
        let work = run_call(
            Arc::clone(&self.transport),
            call,
            request,
            Arc::clone(&credit),
            sender.clone(),
        );
        let task = self.calls.spawn(async move {
            let _room = room;
            work.await
        });
        self.open.insert(call, OpenCall { task, credit });
    }

    fn reap(&mut self, ended: &Result<(Id, u64), JoinError>, sender: &FrameSender) {
        let id = match ended {
            Ok((id, _)) => *id,
            Err(error) => error.id(),
        };
        // A call that was cancelled is no longer among the open ones, and its number may be another's by now.
        let found = self.open.iter().find(|(_, open)| open.task.id() == id);
        let Some(call) = found.map(|(call, _)| *call) else {
            return;
        };
        let Some(open) = self.open.remove(&call).filter(|_| ended.is_err()) else {
            return;
        };
        // The word of it counts as a call until it is taken, so that no more than so many wait.
        let sender = sender.clone();
        let task = self.calls.spawn(async move {
            let error = TaskError::Transport {
                message: "the node panicked in this call; its log says where".to_owned(),
            };
            tell(&sender, &NodeFrame::Failed { call, error }).await;
            call
        });
        self.open.insert(call, OpenCall { task, ..open });
    }
}

/// Says something to a client once there is room for it. A client that is gone needs no word more.
async fn tell(sender: &FrameSender, frame: &NodeFrame) {
    let _ = sender.send(frame).await;
}

async fn run_call(
    transport: Arc<dyn Transport>,
    call: u64,
    request: Request,
    credit: Arc<Semaphore>,
    sender: FrameSender,
) -> u64 {
    if let Err(SendError::Frame(error)) =
        forward(&*transport, call, request, &credit, &sender).await
    {
        let message = format!("what it has to say cannot be sent: {error}; ask for less");
        let error = TaskError::Transport { message };
        tell(&sender, &NodeFrame::Failed { call, error }).await;
    }
    call
}

async fn forward(
    transport: &dyn Transport,
    call: u64,
    request: Request,
    credit: &Semaphore,
    sender: &FrameSender,
) -> Result<(), SendError> {
    let mut running = transport.call(request);
    while let Some(Item { value: item, bytes }) = running.next_item().await {
        let permit = credit.acquire().await.map_err(|_| SendError::Gone)?;
        permit.forget();
        sender.send(&NodeFrame::Item { call, item, bytes }).await?;
    }
    let frame = match running.reply().await {
        Ok(reply) => NodeFrame::Done { call, reply },
        Err(error) => NodeFrame::Failed { call, error },
    };
    sender.send(&frame).await
}
