//! A buffer of the chunks that a caller sends, so that an attempt that takes the place of a lost one hears them from the first on.

use parking_lot::Mutex;

use crate::core::ticket::SentChunk;
use crate::payload::Payload;
use crate::skill::context::Chunk;

/// How many chunks are kept. A caller that sends for hours is not kept whole: a fault then interrupts its task.
const MOST_CHUNKS: usize = 256;
/// How many bytes of chunks are kept: few chunks may be large ones.
const MOST_BYTES: u64 = 64 << 20;

/// The chunks of one task.
pub(crate) struct ReplayBuffer {
    incoming: flume::Receiver<SentChunk>,
    /// None once an attempt can no longer start over.
    kept: Mutex<Option<Kept>>,
}

/// The chunks so far.
#[derive(Default)]
struct Kept {
    chunks: Vec<Payload>,
    bytes: u64,
}

impl ReplayBuffer {
    pub(crate) fn new(incoming: flume::Receiver<SentChunk>) -> Self {
        Self {
            incoming,
            kept: Mutex::new(Some(Kept::default())),
        }
    }

    /// The next chunk for an attempt that has heard `heard` of them.
    pub(crate) fn next(&self, received: usize) -> Chunk<Payload> {
        // Held while a chunk is taken, so that one that a thread takes after it was given up is in the buffer for its successor.
        let mut kept = self.kept.lock();
        if let Some(chunk) = kept.as_ref().and_then(|kept| kept.chunks.get(received)) {
            return Chunk::Item(chunk.clone());
        }
        let chunk = match self.incoming.try_recv() {
            Ok(chunk) => chunk,
            Err(flume::TryRecvError::Empty) => return Chunk::Pending,
            Err(flume::TryRecvError::Disconnected) => return Chunk::End,
        };
        Chunk::Item(keep(&mut kept, chunk))
    }

    /// Whether there is a chunk, or the end, for an attempt that has heard `heard` chunks.
    pub(crate) fn has_news(&self, received: usize) -> bool {
        let kept = self.kept.lock();
        kept.as_ref()
            .is_some_and(|kept| kept.chunks.len() > received)
            || !self.incoming.is_empty()
            || self.incoming.is_disconnected()
    }

    /// As [`Self::next`], waiting for the caller; none at the end.
    pub(crate) async fn recv(&self, received: usize) -> Option<Payload> {
        loop {
            match self.next(received) {
                Chunk::Item(chunk) => return Some(chunk),
                Chunk::End => return None,
                Chunk::Pending => {}
            }
            let chunk = self.incoming.recv_async().await.ok()?;
            let mut kept = self.kept.lock();
            let chunk = keep(&mut kept, chunk);
            if kept.is_none() {
                return Some(chunk);
            }
        }
    }

    /// Whether an attempt can still start over.
    pub(crate) fn can_rewind(&self) -> bool {
        self.kept.lock().is_some()
    }

    /// No attempt will start over any more: what was kept is let go.
    pub(crate) fn forget(&self) {
        self.kept.lock().take();
    }
}

/// Puts a chunk into the buffer, which is let go once it is too long.
fn keep(kept: &mut Option<Kept>, chunk: SentChunk) -> Payload {
    if let Some(all) = kept {
        all.chunks.push(chunk.payload.clone());
        all.bytes = all.bytes.saturating_add(chunk.bytes);
        if all.chunks.len() > MOST_CHUNKS || all.bytes > MOST_BYTES {
            *kept = None;
        }
    }
    chunk.payload
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::ticket::Inlet;

    fn number(chunk: Chunk<Payload>) -> Option<u32> {
        match chunk {
            Chunk::Item(chunk) => chunk.get::<u32>().map(|number| *number),
            Chunk::Pending | Chunk::End => None,
        }
    }

    #[tokio::test]
    async fn a_further_attempt_hears_the_chunks_from_the_first_on() {
        let (mut inlet, incoming) = Inlet::open();
        let replay = ReplayBuffer::new(incoming);
        for chunk in 0..3_u32 {
            assert!(inlet.send(Payload::new(chunk), 4).await);
        }
        assert_eq!(number(replay.next(0)), Some(0));
        assert_eq!(number(replay.next(1)), Some(1));
        let again: Vec<_> = (0..3)
            .filter_map(|received| number(replay.next(received)))
            .collect();
        assert_eq!(again, [0, 1, 2]);
        assert!(matches!(replay.next(3), Chunk::Pending));
        inlet.close();
        assert!(matches!(replay.next(3), Chunk::End));
    }

    #[tokio::test]
    async fn a_long_stream_is_not_kept_whole() {
        let (inlet, incoming) = Inlet::open();
        let replay = ReplayBuffer::new(incoming);
        for received in 0..=MOST_CHUNKS {
            assert!(replay.can_rewind());
            assert!(inlet.send(Payload::new(received), 8).await);
            assert!(matches!(replay.next(received), Chunk::Item(_)));
        }
        assert!(!replay.can_rewind());
    }

    #[tokio::test]
    async fn a_stream_of_large_chunks_is_let_go_when_they_take_too_many_bytes() {
        let (inlet, incoming) = Inlet::open();
        let replay = ReplayBuffer::new(incoming);
        let payload = Payload::new(String::new());
        let large = MOST_BYTES / 4;
        let mut chunks = Vec::new();
        for received in 0..4 {
            assert!(inlet.send(payload.clone(), large).await);
            chunks.push(replay.recv(received).await.unwrap());
            assert!(replay.can_rewind());
        }
        let before = payload.shares();
        assert!(inlet.send(payload.clone(), 1).await);
        drop(replay.recv(4).await.unwrap());
        assert!(!replay.can_rewind());
        assert_eq!(before - payload.shares(), 4, "what was kept is free");
        // What comes later passes, and is not kept.
        assert!(inlet.send(payload.clone(), large).await);
        assert!(matches!(replay.next(5), Chunk::Item(_)));
        assert_eq!(payload.shares(), 1 + chunks.len());
    }
}
