//! What waits to be sent: bounded in bytes, filled by the observer, emptied by the exporter's thread.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

/// How long items wait for company.
const PATIENCE: Duration = Duration::from_secs(1);

/// Shared by whoever has something to send and the exporter's thread.
pub(crate) struct Queue<T> {
    /// In bytes.
    limit: u64,
    /// Items of one request at most.
    batch: usize,
    bytes: fn(&T) -> u64,
    state: Mutex<State<T>>,
    /// Something came, or is asked for.
    filled: Condvar,
    /// Everything was sent, or is given up.
    emptied: Condvar,
}

struct State<T> {
    items: VecDeque<(T, u64)>,
    bytes: u64,
    dropped: u64,
    /// Those of them that went because there was no room.
    pushed_out: u64,
    /// A batch is on its way.
    sending: bool,
    /// Somebody waits until everything is sent.
    flush: bool,
    /// Nothing comes any more.
    closed: bool,
    /// Nobody wants what comes.
    stopped: bool,
}

/// What the exporter is to do next.
pub(crate) enum Next<T> {
    Send(Vec<T>),
    /// The time has come that it waits for.
    Tick,
    /// Nothing comes any more.
    End,
}

impl<T> fmt::Debug for Queue<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Queue").finish_non_exhaustive()
    }
}

impl<T> Queue<T> {
    pub(crate) fn new(limit: u64, batch: usize, bytes: fn(&T) -> u64) -> Arc<Self> {
        Arc::new(Self {
            limit,
            batch,
            bytes,
            state: Mutex::new(State {
                items: VecDeque::new(),
                bytes: 0,
                dropped: 0,
                pushed_out: 0,
                sending: false,
                flush: false,
                closed: false,
                stopped: false,
            }),
            filled: Condvar::new(),
            emptied: Condvar::new(),
        })
    }

    /// Adds items; the oldest go when there is no room.
    pub(crate) fn push(&self, items: impl IntoIterator<Item = T>) {
        let mut items = items.into_iter().peekable();
        if items.peek().is_none() {
            return;
        }
        let mut state = self.state.lock();
        if state.stopped {
            return;
        }
        let had = state.items.len();
        for item in items {
            let bytes = (self.bytes)(&item);
            state.bytes += bytes;
            state.items.push_back((item, bytes));
        }
        while state.bytes > self.limit
            && let Some((_, bytes)) = state.items.pop_front()
        {
            state.bytes -= bytes;
            state.dropped += 1;
            state.pushed_out += 1;
        }
        // The first one starts the clock, a full batch ends it.
        if had == 0 || had < self.batch && state.items.len() >= self.batch {
            self.filled.notify_one();
        }
    }

    /// Waits for a batch, or until the time is `due` while there is none.
    #[expect(
        clippy::disallowed_methods,
        reason = "a thread of the exporter, outside any runtime and its clock"
    )]
    pub(crate) fn next(&self, due: Option<Instant>) -> Next<T> {
        let mut state = self.state.lock();
        state.sending = false;
        let mut since = None;
        loop {
            if state.items.is_empty() {
                state.flush = false;
                self.emptied.notify_all();
                if state.closed {
                    return Next::End;
                }
                let Some(due) = due else {
                    self.filled.wait(&mut state);
                    continue;
                };
                if self.filled.wait_until(&mut state, due).timed_out() && state.items.is_empty() {
                    return Next::Tick;
                }
                continue;
            }
            let until = *since.get_or_insert_with(Instant::now) + PATIENCE;
            let full = state.items.len() >= self.batch || state.flush || state.closed;
            if full || self.filled.wait_until(&mut state, until).timed_out() {
                break;
            }
        }
        let count = state.items.len().min(self.batch);
        let batch: Vec<_> = state.items.drain(..count).collect();
        state.bytes -= batch.iter().map(|(_, bytes)| bytes).sum::<u64>();
        state.sending = true;
        Next::Send(batch.into_iter().map(|(item, _)| item).collect())
    }

    /// Waits before another attempt, less when somebody waits for everything to be sent. False when there should be none.
    #[expect(
        clippy::disallowed_methods,
        reason = "a thread of the exporter, outside any runtime and its clock"
    )]
    pub(crate) fn rest(&self, pause: Duration) -> bool {
        let until = Instant::now() + pause;
        let mut state = self.state.lock();
        // An attempt was made for whoever waits; they are not held up any longer.
        state.flush = false;
        self.emptied.notify_all();
        while !state.closed && !state.flush {
            if self.filled.wait_until(&mut state, until).timed_out() {
                return true;
            }
        }
        !state.closed
    }

    /// Counts items that did not arrive.
    pub(crate) fn lost(&self, items: u64) {
        self.state.lock().dropped += items;
    }

    /// How many items were dropped or refused so far.
    pub(crate) fn dropped(&self) -> u64 {
        self.state.lock().dropped
    }

    /// How many items were dropped for want of room so far.
    pub(crate) fn pushed_out(&self) -> u64 {
        self.state.lock().pushed_out
    }

    /// How many items wait, besides a batch that is on its way.
    pub(crate) fn waiting(&self) -> usize {
        self.state.lock().items.len()
    }

    /// Asks for everything to be sent now.
    pub(crate) fn ask_flush(&self) {
        let mut state = self.state.lock();
        if !state.items.is_empty() || state.sending {
            state.flush = true;
            self.filled.notify_one();
        }
    }

    /// Waits until everything is sent that [`Self::ask_flush`] asked for, or an attempt has failed, or the time has come. False when it came.
    pub(crate) fn flushed(&self, until: Instant) -> bool {
        let mut state = self.state.lock();
        while state.flush {
            if self.emptied.wait_until(&mut state, until).timed_out() {
                return !state.flush;
            }
        }
        true
    }

    /// Whether somebody waits until everything is sent.
    pub(crate) fn is_flushing(&self) -> bool {
        self.state.lock().flush
    }

    /// Nothing comes any more; what waits is still sent.
    pub(crate) fn close(&self) {
        self.state.lock().closed = true;
        self.filled.notify_one();
    }

    /// Nothing is sent any more, and what comes is left out.
    pub(crate) fn stop(&self) {
        let mut state = self.state.lock();
        state.stopped = true;
        state.closed = true;
        state.items.clear();
        state.bytes = 0;
    }
}
