//! Shared weights: the weights of a group on one device, which one worker reads for all.
//!
//! A thread that reads holds no lock meanwhile, so that one that hangs there for ever can be left alone: it is evicted, and whoever
//! waited for it reads anew.

use std::sync::Arc;

use parking_lot::{Condvar, Mutex};

use crate::fault::Fault;
use crate::ledger::event::Incarnation;
use crate::panics;

/// The weights of a group on one device.
pub(super) struct SharedWeights<W> {
    content: Mutex<Content<W>>,
    changed: Condvar,
}

enum Content<W> {
    Empty,
    /// That worker reads them.
    Reading(Incarnation),
    Here(Arc<W>),
}

impl<W> SharedWeights<W> {
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

    /// The weights. They are read by `read` where they are not in memory, unless somebody is about to; then this waits.
    ///
    /// # Errors
    /// What `read` says. It must not panic.
    pub(super) fn get(
        &self,
        by: Incarnation,
        read: impl FnOnce() -> Result<W, Fault>,
    ) -> Result<Arc<W>, Fault> {
        if let Some(weights) = self.reserve(by) {
            return Ok(weights);
        }
        let loaded = read().map(Arc::new);
        let mut content = self.content.lock();
        // A thread that was given up meanwhile keeps what it has read to itself.
        if matches!(*content, Content::Reading(reader) if reader == by) {
            *content = match &loaded {
                Ok(weights) => Content::Here(weights.clone()),
                Err(_) => Content::Empty,
            };
            self.changed.notify_all();
        }
        loaded
    }

    /// The weights, or none when they are for `by` to read.
    fn reserve(&self, by: Incarnation) -> Option<Arc<W>> {
        let mut content = self.content.lock();
        loop {
            match &*content {
                Content::Here(weights) => return Some(weights.clone()),
                Content::Reading(_) => self.changed.wait(&mut content),
                Content::Empty => {
                    *content = Content::Reading(by);
                    return None;
                }
            }
        }
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

impl<W> Content<W> {
    fn free(self) {
        panics::free(self, "weights");
    }
}

impl<W> Drop for SharedWeights<W> {
    fn drop(&mut self) {
        std::mem::replace(self.content.get_mut(), Content::Empty).free();
    }
}
