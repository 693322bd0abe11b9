//! What waits to be sent: bounded in bytes, filled by the observer, emptied by the exporter's thread.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use prost::Message;

use super::spans::Told;

/// Spans of one request at most.
const BATCH: usize = 512;
/// How long spans wait for company.
const PATIENCE: Duration = Duration::from_secs(1);

/// Shared by the observer and the exporter's thread.
pub(super) struct Queue {
    limit: u64,
    state: Mutex<State>,
    /// Something came, or is asked for.
    filled: Condvar,
    /// Everything was sent, or is given up.
    emptied: Condvar,
}

#[derive(Default)]
struct State {
    spans: VecDeque<(Told, u64)>,
    bytes: u64,
    dropped: u64,
    /// A batch is on its way.
    sending: bool,
    /// Somebody waits until everything is sent.
    flush: bool,
    closed: bool,
}

/// What the exporter is to do next.
pub(super) enum Next {
    Send(Vec<Told>),
    /// Nothing comes any more.
    End,
}

impl Queue {
    pub(super) fn new(limit: u64) -> Arc<Self> {
        Arc::new(Self {
            limit,
            state: Mutex::default(),
            filled: Condvar::new(),
            emptied: Condvar::new(),
        })
    }

    /// Adds spans; the oldest go when there is no room.
    pub(super) fn push(&self, told: Vec<Told>) {
        if told.is_empty() {
            return;
        }
        let mut state = self.state.lock();
        let had = state.spans.len();
        for told in told {
            let bytes = told.span.encoded_len() as u64;
            state.bytes += bytes;
            state.spans.push_back((told, bytes));
        }
        while state.bytes > self.limit
            && let Some((_, bytes)) = state.spans.pop_front()
        {
            state.bytes -= bytes;
            state.dropped += 1;
        }
        // The first one starts the clock, a full batch ends it.
        if had == 0 || had < BATCH && state.spans.len() >= BATCH {
            self.filled.notify_one();
        }
    }

    /// Waits for a batch.
    #[expect(
        clippy::disallowed_methods,
        reason = "a thread of the exporter, outside any runtime and its clock"
    )]
    pub(super) fn next(&self) -> Next {
        let mut state = self.state.lock();
        state.sending = false;
        let mut since = None;
        loop {
            if state.spans.is_empty() {
                state.flush = false;
                self.emptied.notify_all();
                if state.closed {
                    return Next::End;
                }
                self.filled.wait(&mut state);
                continue;
            }
            let until = *since.get_or_insert_with(Instant::now) + PATIENCE;
            let full = state.spans.len() >= BATCH || state.flush || state.closed;
            if full || self.filled.wait_until(&mut state, until).timed_out() {
                break;
            }
        }
        let count = state.spans.len().min(BATCH);
        let batch: Vec<_> = state.spans.drain(..count).collect();
        state.bytes -= batch.iter().map(|(_, bytes)| bytes).sum::<u64>();
        state.sending = true;
        Next::Send(batch.into_iter().map(|(told, _)| told).collect())
    }

    /// Waits before another attempt, less when somebody waits for everything to be sent. False when there should be none.
    #[expect(
        clippy::disallowed_methods,
        reason = "a thread of the exporter, outside any runtime and its clock"
    )]
    pub(super) fn rest(&self, pause: Duration) -> bool {
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

    /// Counts spans that did not arrive.
    pub(super) fn lost(&self, spans: usize) {
        self.state.lock().dropped += spans as u64;
    }

    /// How many spans were dropped or refused so far.
    pub(super) fn dropped(&self) -> u64 {
        self.state.lock().dropped
    }

    /// Waits until everything is sent, or an attempt has failed, at most for `limit`.
    #[expect(
        clippy::disallowed_methods,
        reason = "a thread of the observers, outside any runtime and its clock"
    )]
    pub(super) fn flush(&self, limit: Duration) {
        let until = Instant::now() + limit;
        let mut state = self.state.lock();
        if state.spans.is_empty() && !state.sending {
            return;
        }
        state.flush = true;
        self.filled.notify_one();
        while state.flush {
            if self.emptied.wait_until(&mut state, until).timed_out() {
                return;
            }
        }
    }

    pub(super) fn close(&self) {
        self.state.lock().closed = true;
        self.filled.notify_one();
    }
}
