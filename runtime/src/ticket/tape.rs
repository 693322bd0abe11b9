//! A tape of the chunks that a caller sends, so that an attempt that takes the place of a lost one hears them from the first on.

use parking_lot::Mutex;

use crate::context::Chunk;
use crate::payload::Payload;

/// How many chunks are kept. A caller that sends for hours is not kept whole: a fault then interrupts its task.
const KEPT: usize = 256;

/// The chunks of one task.
pub(crate) struct Tape {
    incoming: flume::Receiver<Payload>,
    /// None once an attempt can no longer start over.
    kept: Mutex<Option<Vec<Payload>>>,
}

impl Tape {
    pub(crate) fn new(incoming: flume::Receiver<Payload>) -> Self {
        Self {
            incoming,
            kept: Mutex::new(Some(Vec::new())),
        }
    }

    /// The next chunk for an attempt that has heard `heard` of them.
    pub(crate) fn next(&self, heard: usize) -> Chunk<Payload> {
        // Held while a chunk is taken, so that one that a thread takes after it was given up is on the tape for its successor.
        let mut kept = self.kept.lock();
        if let Some(chunk) = kept.as_ref().and_then(|kept| kept.get(heard)) {
            return Chunk::Item(chunk.clone());
        }
        let chunk = match self.incoming.try_recv() {
            Ok(chunk) => chunk,
            Err(flume::TryRecvError::Empty) => return Chunk::Pending,
            Err(flume::TryRecvError::Disconnected) => return Chunk::End,
        };
        if let Some(chunks) = kept.as_mut() {
            chunks.push(chunk.clone());
            if chunks.len() > KEPT {
                *kept = None;
            }
        }
        Chunk::Item(chunk)
    }

    /// Whether there is a chunk, or the end, for an attempt that has heard `heard` chunks.
    pub(crate) fn has_news(&self, heard: usize) -> bool {
        let kept = self.kept.lock();
        kept.as_ref().is_some_and(|kept| kept.len() > heard)
            || !self.incoming.is_empty()
            || self.incoming.is_disconnected()
    }

    /// As [`Self::next`], waiting for the caller; none at the end.
    pub(crate) async fn hear(&self, heard: usize) -> Option<Payload> {
        loop {
            match self.next(heard) {
                Chunk::Item(chunk) => return Some(chunk),
                Chunk::End => return None,
                Chunk::Pending => {}
            }
            let chunk = self.incoming.recv_async().await.ok()?;
            let mut kept = self.kept.lock();
            let Some(chunks) = kept.as_mut() else {
                return Some(chunk);
            };
            chunks.push(chunk);
            if chunks.len() > KEPT {
                return kept.take().and_then(|mut chunks| chunks.pop());
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

#[cfg(test)]
mod tests {
    use super::*;

    fn number(chunk: Chunk<Payload>) -> Option<u32> {
        match chunk {
            Chunk::Item(chunk) => chunk.get::<u32>().map(|number| *number),
            Chunk::Pending | Chunk::End => None,
        }
    }

    #[test]
    fn a_further_attempt_hears_the_chunks_from_the_first_on() {
        let (sender, incoming) = flume::unbounded();
        let tape = Tape::new(incoming);
        for chunk in 0..3_u32 {
            sender.send(Payload::new(chunk)).unwrap();
        }
        assert_eq!(number(tape.next(0)), Some(0));
        assert_eq!(number(tape.next(1)), Some(1));
        let again: Vec<_> = (0..3)
            .filter_map(|heard| number(tape.next(heard)))
            .collect();
        assert_eq!(again, [0, 1, 2]);
        assert!(matches!(tape.next(3), Chunk::Pending));
        drop(sender);
        assert!(matches!(tape.next(3), Chunk::End));
    }

    #[test]
    fn a_long_stream_is_not_kept_whole() {
        let (sender, incoming) = flume::unbounded();
        let tape = Tape::new(incoming);
        for heard in 0..=KEPT {
            assert!(tape.can_rewind());
            sender.send(Payload::new(heard)).unwrap();
            assert!(matches!(tape.next(heard), Chunk::Item(_)));
        }
        assert!(!tape.can_rewind());
    }
}
