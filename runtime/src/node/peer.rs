//! The writing half of a connection, shared by all calls on it.

use std::sync::Arc;

use tokio::io::{AsyncWrite, AsyncWriteExt, BufWriter};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::wire::{Frame, WireError, encode};

/// Bytes that may wait for a peer that does not read.
const MAX_WAITING_BYTES: usize = 32 << 20;
/// What a frame counts for at least, so that small ones are bounded in number too.
const LEAST_FRAME_BYTES: usize = 4 << 10;
/// Frames that are flushed together, where they wait anyway.
const WRITE_BATCH: usize = 64;
const WRITE_BUFFER: usize = 64 << 10;

/// Takes frames for a peer. Cloning it shares it.
#[derive(Clone)]
pub(crate) struct FrameSender {
    frames: mpsc::UnboundedSender<Waiting>,
    room: Arc<Semaphore>,
}

struct Waiting {
    bytes: Vec<u8>,
    _room: Option<OwnedSemaphorePermit>,
}

/// Why a frame was not taken.
#[derive(Debug)]
pub(crate) enum SendError {
    /// The peer is gone.
    Gone,
    /// The frame cannot be sent to anybody.
    Frame(WireError),
}

/// A sender of frames, and the future that writes what it takes until all of its clones are gone or the peer is.
pub(crate) fn sender<W: AsyncWrite + Unpin>(writer: W) -> (FrameSender, impl Future<Output = ()>) {
    let (frames, waiting) = mpsc::unbounded_channel();
    let room = Arc::new(Semaphore::new(MAX_WAITING_BYTES));
    (FrameSender { frames, room }, pump(waiting, writer))
}

impl FrameSender {
    /// Takes a frame, and waits while too many bytes of others wait.
    pub(crate) async fn send<T: Frame>(&self, frame: &T) -> Result<(), SendError> {
        let bytes = encode(frame).map_err(SendError::Frame)?;
        let wanted = bytes.len().max(LEAST_FRAME_BYTES);
        let wanted = u32::try_from(wanted).unwrap_or(u32::MAX);
        let room = tokio::select! {
            room = Arc::clone(&self.room).acquire_many_owned(wanted) => room.map_err(|_| SendError::Gone)?,
            () = self.frames.closed() => return Err(SendError::Gone),
        };
        let waiting = Waiting {
            bytes,
            _room: Some(room),
        };
        self.frames.send(waiting).map_err(|_| SendError::Gone)
    }

    /// Returns once there is room again. Whoever takes requests from a peer waits for it: a peer that does not read its answers is
    /// not read from either.
    pub(crate) async fn has_room(&self) {
        // Nobody closes the semaphore; a peer that is gone ends the pump, and its connection with it.
        let _ = self.room.acquire_many(LEAST_FRAME_BYTES as u32).await;
    }

    /// Takes a small frame at once. Only for frames whose number is bounded by something else.
    pub(crate) fn send_small<T: Frame>(&self, frame: &T) {
        if let Ok(bytes) = encode(frame) {
            // A peer that is gone needs no word more.
            let _ = self.frames.send(Waiting { bytes, _room: None });
        }
    }
}

async fn pump<W: AsyncWrite + Unpin>(mut waiting: mpsc::UnboundedReceiver<Waiting>, writer: W) {
    let mut writer = BufWriter::with_capacity(WRITE_BUFFER, writer);
    let mut batch = Vec::with_capacity(WRITE_BATCH);
    while waiting.recv_many(&mut batch, WRITE_BATCH).await > 0 {
        for frame in batch.drain(..) {
            if writer.write_all(&frame.bytes).await.is_err() {
                return;
            }
        }
        if writer.flush().await.is_err() {
            return;
        }
    }
}
