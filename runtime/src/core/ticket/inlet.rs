//! The way of a task's chunks from its caller: bounded in chunks and in bytes, so that a fast caller of a slow skill waits.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::payload::Payload;

/// How many chunks wait for a slow skill before their sender does.
const MOST_CHUNKS: usize = 64;
/// How many bytes of chunks wait for a slow skill before their sender does. A chunk that is larger by itself waits alone.
const MOST_BYTES: u32 = 16 << 20;

/// The caller's end.
pub(crate) struct Inlet {
    /// None once all is said.
    sender: Option<flume::Sender<SentChunk>>,
    room: Arc<Semaphore>,
}

/// A chunk on its way.
pub(crate) struct SentChunk {
    pub(crate) payload: Payload,
    /// What it takes.
    pub(crate) bytes: u64,
    /// Free again once the chunk is taken.
    _room: OwnedSemaphorePermit,
}

impl Inlet {
    /// Both ends of a way.
    pub(crate) fn open() -> (Self, flume::Receiver<SentChunk>) {
        let (sender, incoming) = flume::bounded(MOST_CHUNKS);
        let inlet = Self {
            sender: Some(sender),
            room: Arc::new(Semaphore::new(MOST_BYTES as usize)),
        };
        (inlet, incoming)
    }

    /// Sends a chunk that takes so many bytes, once there is room for it. False when nobody takes chunks any more.
    pub(crate) async fn send(&self, payload: Payload, bytes: u64) -> bool {
        let Some(sender) = &self.sender else {
            return false;
        };
        let share = u32::try_from(bytes).map_or(MOST_BYTES, |bytes| bytes.min(MOST_BYTES));
        let Ok(room) = self.room.clone().acquire_many_owned(share).await else {
            return false;
        };
        let chunk = SentChunk {
            payload,
            bytes,
            _room: room,
        };
        sender.send_async(chunk).await.is_ok()
    }

    /// Says that all is said.
    pub(crate) fn close(&mut self) {
        self.sender = None;
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::pin;
    use std::task::Poll;

    use super::*;

    async fn is_waiting(sending: impl Future<Output = bool>) -> bool {
        let mut sending = pin!(sending);
        poll_fn(|context| Poll::Ready(sending.as_mut().poll(context).is_pending())).await
    }

    #[tokio::test]
    async fn a_sender_waits_for_room_in_bytes_and_goes_on_as_chunks_are_taken() {
        let (inlet, incoming) = Inlet::open();
        let half = u64::from(MOST_BYTES / 2);
        assert!(inlet.send(Payload::new(0_u32), half).await);
        assert!(inlet.send(Payload::new(1_u32), half).await);
        assert!(is_waiting(inlet.send(Payload::new(2_u32), 1)).await);
        drop(incoming.recv().unwrap());
        // Larger than all the room there is: it waits until it is alone.
        let large = inlet.send(Payload::new(3_u32), u64::MAX);
        assert!(is_waiting(large).await);
        drop(incoming.recv().unwrap());
        assert!(inlet.send(Payload::new(3_u32), u64::MAX).await);
        assert!(is_waiting(inlet.send(Payload::new(4_u32), 1)).await);
    }

    #[tokio::test]
    async fn a_sender_waits_for_room_in_chunks_and_hears_that_nobody_takes_them() {
        let (inlet, incoming) = Inlet::open();
        for chunk in 0..MOST_CHUNKS {
            assert!(inlet.send(Payload::new(chunk), 0).await);
        }
        assert!(is_waiting(inlet.send(Payload::new(0_u32), 0)).await);
        drop(incoming);
        assert!(!inlet.send(Payload::new(0_u32), 0).await);
    }
}
