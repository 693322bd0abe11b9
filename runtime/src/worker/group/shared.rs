//! Shared weights: the weights of a group on one device, which one worker reads for all.
//!
//! A thread that reads holds no lock meanwhile, so that one that hangs there for ever can be left alone: it is evicted, and whoever
//! waited for it reads anew. Whoever waits can be told to stop, and then neither waits nor reads any more.

use std::sync::Arc;

use aimass_environment::panics;
use parking_lot::{Condvar, Mutex};

use crate::fault::Fault;
use crate::ledger::event::Incarnation;

/// The weights of a group on one device.
pub(super) struct SharedWeights<W: ?Sized> {
    content: Mutex<Content<W>>,
    changed: Condvar,
}

enum Content<W: ?Sized> {
    Empty,
    /// That worker reads them.
    Reading(Incarnation),
    Here(Arc<W>),
}

/// What whoever needs weights does next.
enum Turn<W: ?Sized> {
    Here(Arc<W>),
    /// They are its own to read.
    Read,
    Stopped,
}

impl<W: ?Sized> SharedWeights<W> {
    pub(super) fn empty() -> Self {
        Self::of(Content::Empty)
    }

    pub(super) fn filled(weights: Arc<W>) -> Self {
        Self::of(Content::Here(weights))
    }

    fn of(content: Content<W>) -> Self {
        Self {
            content: Mutex::new(content),
            changed: Condvar::new(),
        }
    }

    /// The weights. They are read by `read` where they are not in memory, unless somebody is about to; then this waits. None when `by` was
    /// told to stop before they were there: it does not begin to read then.
    ///
    /// # Errors
    /// What `read` says. It must not panic.
    pub(super) fn get(
        &self,
        by: Incarnation,
        is_stopped: impl Fn() -> bool,
        read: impl FnOnce() -> Result<Arc<W>, Fault>,
    ) -> Result<Option<Arc<W>>, Fault> {
        match self.reserve(by, is_stopped) {
            Turn::Here(weights) => return Ok(Some(weights)),
            Turn::Stopped => return Ok(None),
            Turn::Read => {}
        }
        let loaded = read();
        let mut content = self.content.lock();
        // A thread that was given up meanwhile keeps what it has read to itself.
        if matches!(*content, Content::Reading(reader) if reader == by) {
            *content = match &loaded {
                Ok(weights) => Content::Here(weights.clone()),
                Err(_) => Content::Empty,
            };
            self.changed.notify_all();
        }
        loaded.map(Some)
    }

    fn reserve(&self, by: Incarnation, is_stopped: impl Fn() -> bool) -> Turn<W> {
        let mut content = self.content.lock();
        loop {
            if is_stopped() {
                return Turn::Stopped;
            }
            match &*content {
                Content::Here(weights) => return Turn::Here(weights.clone()),
                Content::Reading(_) => self.changed.wait(&mut content),
                Content::Empty => {
                    *content = Content::Reading(by);
                    return Turn::Read;
                }
            }
        }
    }

    /// Has all who wait look again whether they are to stop.
    pub(super) fn wake(&self) {
        // Whoever has looked, and does not wait yet, holds the lock.
        drop(self.content.lock());
        self.changed.notify_all();
    }

    /// The weights, if they are in memory.
    pub(super) fn peek(&self) -> Option<Arc<W>> {
        match &*self.content.lock() {
            Content::Here(weights) => Some(weights.clone()),
            Content::Empty | Content::Reading(_) => None,
        }
    }

    /// Whether the weights are neither in memory nor on their way.
    pub(super) fn is_empty(&self) -> bool {
        matches!(*self.content.lock(), Content::Empty)
    }

    /// Lets go of weights under suspicion; whoever holds them keeps them.
    pub(super) fn clear(&self) {
        self.empty_if(|content| matches!(content, Content::Here(_)));
    }

    /// Lets go of weights that no worker holds.
    pub(super) fn clear_unused(&self) {
        self.empty_if(
            |content| matches!(content, Content::Here(weights) if Arc::strong_count(weights) == 1),
        );
    }

    /// A worker that was reading was given up: whoever waits for it takes its place.
    pub(super) fn evict_loader(&self, by: Incarnation) {
        self.empty_if(|content| matches!(content, Content::Reading(reader) if *reader == by));
    }

    fn empty_if(&self, fits: impl FnOnce(&Content<W>) -> bool) {
        let mut content = self.content.lock();
        if !fits(&content) {
            return;
        }
        let old = std::mem::replace(&mut *content, Content::Empty);
        drop(content);
        self.changed.notify_all();
        old.free();
    }
}

impl<W: ?Sized> Content<W> {
    fn free(self) {
        panics::free(self, "weights");
    }
}

impl<W: ?Sized> Drop for SharedWeights<W> {
    fn drop(&mut self) {
        std::mem::replace(self.content.get_mut(), Content::Empty).free();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    use super::*;
    use aimass_environment::{Epoch, WorkerId};

    fn incarnation(worker: u32) -> Incarnation {
        Incarnation {
            worker: WorkerId(worker),
            epoch: Epoch(0),
        }
    }

    fn never() -> Result<Arc<u32>, Fault> {
        panic!("it reads although it was told to stop")
    }

    #[test]
    fn whoever_waits_for_a_reader_that_hangs_can_be_told_to_stop() {
        let shared = SharedWeights::empty();
        let stop = AtomicBool::new(false);
        let (looked, looks) = flume::unbounded();
        let (finish, finished) = flume::bounded::<()>(0);
        thread::scope(|scope| {
            let reader = scope.spawn(|| {
                shared.get(
                    incarnation(0),
                    || false,
                    || {
                        let _ = finished.recv();
                        Ok(Arc::new(7))
                    },
                )
            });
            while !matches!(*shared.content.lock(), Content::Reading(_)) {
                thread::yield_now();
            }
            let waiter = scope.spawn(|| {
                let is_stopped = || {
                    let _ = looked.send(());
                    stop.load(Ordering::Acquire)
                };
                shared.get(incarnation(1), is_stopped, never)
            });
            looks.recv().unwrap();
            stop.store(true, Ordering::Release);
            shared.wake();
            assert_eq!(waiter.join().unwrap(), Ok(None));
            drop(finish);
            assert_eq!(reader.join().unwrap(), Ok(Some(Arc::new(7))));
        });
    }

    #[test]
    fn whoever_was_told_to_stop_begins_no_reading_and_keeps_nobody_from_it() {
        let shared = SharedWeights::empty();
        assert_eq!(shared.get(incarnation(0), || true, never), Ok(None));
        let read = shared.get(incarnation(1), || false, || Ok(Arc::new(7)));
        assert_eq!(read, Ok(Some(Arc::new(7))));
    }
}
