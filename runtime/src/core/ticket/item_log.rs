//! The items of a task on their way to its caller, numbered from 0.
//!
//! An attempt that takes the place of a lost one sends the same items again, which are left out here, or is given what was delivered
//! and goes on behind it. A reader that comes back says how many items it has. The attempt whose items count is the one that began last:
//! a thread that was given up may still send some, and they are refused under the same lock.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;

use crate::error::TaskError;
use crate::ledger::event::Incarnation;
use crate::payload::Payload;

/// How many items wait for a slow reader before their task rests.
pub(crate) const ITEM_BUFFER: u64 = 64;
/// How many bytes of items are kept, so that a reader or an attempt can come back to them.
const MAX_KEPT_BYTES: u64 = 64 << 20;

/// The items of one task.
pub(crate) struct ItemLog {
    log: Mutex<Log>,
    keeping: Keeping,
    /// An item or the end has come.
    came: Notify,
    /// An item was taken, or the reader has gone.
    taken: Notify,
}

struct Log {
    /// The items from the number `first` on.
    kept: VecDeque<Payload>,
    first: u64,
    /// What the kept ones take; counted only while `keeps`.
    bytes: u64,
    /// Whether items stay here after they were taken.
    keeps: bool,
    /// Whose items are taken in.
    attempt: Option<Incarnation>,
    /// How many items the attempt sends once more before it sends the next one.
    repeats: u64,
    reader: Option<Reader>,
    readers: u64,
    end: Option<Result<Payload, TaskError>>,
}

/// Who reads the items at present.
struct Reader {
    id: u64,
    /// The number of the item that it takes next.
    position: u64,
}

/// Whether a log keeps what was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keeping {
    /// Items are gone once they are taken.
    Untaken,
    /// They stay, as far as there is room: the stream goes on over attempts and readers.
    All,
    /// They stay also when the stream has ended.
    PastItsEnd,
}

/// What became of an item.
pub(crate) enum Pushed {
    /// It is on its way, or was delivered before.
    Sent,
    /// Its reader has too many before it.
    Full(Payload),
    /// The attempt sends something else than the one before it did: the stream cannot go on.
    Different,
    /// Nobody takes items of this attempt any more.
    Refused,
}

/// What a reader hears.
#[derive(Debug)]
pub(crate) enum Received {
    Item(Payload),
    /// The output or the error: nothing follows.
    End(Result<Payload, TaskError>),
}

impl Log {
    fn next(&self) -> u64 {
        self.first + self.kept.len() as u64
    }

    /// Lets go of what the reader has taken; all of it when there is none. To be dropped without the lock: a destructor is its author's.
    #[must_use]
    fn let_go(&mut self) -> Vec<Payload> {
        let until = self.reader.as_ref().map_or(self.next(), |one| one.position);
        let count = until.saturating_sub(self.first).min(self.kept.len() as u64);
        self.first += count;
        self.kept.drain(..count as usize).collect()
    }

    /// Whether the reader has so many items before it that the next one has to wait.
    fn is_full(&self) -> bool {
        let next = self.next();
        let reader = self.reader.as_ref();
        reader.is_some_and(|reader| next.saturating_sub(reader.position) >= ITEM_BUFFER)
    }

    /// What the reader takes next, if it is there.
    fn take(&mut self, id: u64) -> Option<Option<Received>> {
        let Some(reader) = self.reader.as_mut().filter(|reader| reader.id == id) else {
            // Another one has taken its place.
            return Some(None);
        };
        let at = reader.position - self.first;
        if let Some(item) = self.kept.get(at as usize) {
            reader.position += 1;
            let item = item.clone();
            if !self.keeps {
                // The reader has it still: nothing is freed here.
                drop(self.let_go());
            }
            return Some(Some(Received::Item(item)));
        }
        self.end.clone().map(|end| Some(Received::End(end)))
    }
}

impl ItemLog {
    /// A log whose reader has the items before the number `first` already.
    pub(crate) fn new(keeping: Keeping, first: u64) -> Arc<Self> {
        Arc::new(Self {
            log: Mutex::new(Log {
                kept: VecDeque::new(),
                first,
                bytes: 0,
                keeps: keeping != Keeping::Untaken,
                attempt: None,
                repeats: 0,
                reader: None,
                readers: 0,
                end: None,
            }),
            keeping,
            came: Notify::new(),
            taken: Notify::new(),
        })
    }

    pub(crate) fn keeping(&self) -> Keeping {
        self.keeping
    }

    /// From now on the items of this attempt count, and those that were there before are left out.
    pub(crate) fn begin(&self, attempt: Incarnation) {
        let mut log = self.log.lock();
        log.attempt = Some(attempt);
        log.repeats = log.next();
    }

    /// Returns the items that were delivered, to an attempt that goes on behind them: its next item is the one
    /// after. None when they are not at hand; then it begins at the beginning.
    pub(crate) fn delivered(&self, attempt: Incarnation) -> Vec<Payload> {
        let mut log = self.log.lock();
        if log.attempt != Some(attempt) || log.first > 0 || log.repeats != log.next() {
            return Vec::new();
        }
        log.repeats = 0;
        log.kept.iter().cloned().collect()
    }

    /// Whether the next item of the attempt is one that nobody has.
    pub(crate) fn is_at_its_end(&self) -> bool {
        self.log.lock().repeats == 0
    }

    /// Whether another attempt could go on with the stream.
    pub(crate) fn can_go_on(&self) -> bool {
        self.log.lock().keeps
    }

    /// Takes in the next item of an attempt. Whatever is an author's (measuring, comparing and freeing items) is done without the lock: an attempt
    /// pushes its items one after the other.
    pub(crate) fn push(&self, attempt: Incarnation, item: Payload) -> Pushed {
        let log = self.log.lock();
        if log.attempt != Some(attempt) || log.end.is_some() {
            return Pushed::Refused;
        }
        if log.repeats > 0 {
            let at = (log.next() - log.repeats).checked_sub(log.first);
            let before = at.and_then(|at| log.kept.get(at as usize)).cloned();
            drop(log);
            return self.repeat(attempt, before, &item);
        }
        if log.is_full() {
            return Pushed::Full(item);
        }
        let keeps = log.keeps;
        drop(log);
        let bytes = if keeps { item.json_bytes() } else { 0 };
        let mut log = self.log.lock();
        if log.attempt != Some(attempt) || log.end.is_some() {
            return Pushed::Refused;
        }
        log.bytes = log.bytes.saturating_add(bytes);
        log.keeps &= log.bytes <= MAX_KEPT_BYTES;
        log.kept.push_back(item);
        let gone = match log.keeps {
            true => Vec::new(),
            false => log.let_go(),
        };
        drop(log);
        drop(gone);
        self.came.notify_waiters();
        Pushed::Sent
    }

    /// Takes in an item that an attempt before this one has sent as `before`, if that is kept.
    fn repeat(&self, attempt: Incarnation, before: Option<Payload>, item: &Payload) -> Pushed {
        let is_same = before.is_none_or(|before| before.to_json() == item.to_json());
        let mut log = self.log.lock();
        if log.attempt != Some(attempt) {
            return Pushed::Refused;
        }
        if is_same {
            log.repeats = log.repeats.saturating_sub(1);
            return Pushed::Sent;
        }
        // Neither this attempt nor another can say how it would have gone on.
        (log.attempt, log.keeps) = (None, false);
        Pushed::Different
    }

    /// How many items have left for the caller.
    pub(crate) fn delivered_count(&self) -> u64 {
        self.log.lock().next()
    }

    /// Ends the stream; what was sent before is still heard.
    pub(crate) fn end(&self, end: Result<Payload, TaskError>) {
        let mut log = self.log.lock();
        log.end.get_or_insert(end);
        drop(log);
        self.came.notify_waiters();
    }

    /// Returns once an item was taken after the call, or the reader has gone.
    pub(crate) fn room(&self) -> tokio::sync::futures::Notified<'_> {
        self.taken.notified()
    }

    /// A reader of all that is kept.
    pub(crate) fn reader(self: &Arc<Self>) -> ItemReader {
        let log = self.log.lock();
        let first = log.first;
        self.placed(log, first)
    }

    /// A reader that has the items before `position`, be they here yet or not. It takes the place of whoever reads already. None when those after them are not at hand.
    pub(crate) fn read(self: &Arc<Self>, position: u64) -> Option<ItemReader> {
        let log = self.log.lock();
        (position >= log.first).then(|| self.placed(log, position))
    }

    fn placed(self: &Arc<Self>, mut log: MutexGuard<'_, Log>, position: u64) -> ItemReader {
        log.readers += 1;
        let id = log.readers;
        log.reader = Some(Reader { id, position });
        drop(log);
        self.came.notify_waiters();
        let log = self.clone();
        ItemReader { log, id }
    }
}

/// Reads the items of a task.
pub(crate) struct ItemReader {
    log: Arc<ItemLog>,
    id: u64,
}

impl ItemReader {
    /// The next item, or the end, which it gives again and again; none when another reader has come.
    pub(crate) async fn next(&mut self) -> Option<Received> {
        loop {
            let came = self.log.came.notified();
            tokio::pin!(came);
            came.as_mut().enable();
            let received = self.log.log.lock().take(self.id);
            match received {
                Some(received) => {
                    self.log.taken.notify_waiters();
                    return received;
                }
                None => came.await,
            }
        }
    }

    /// The number of the item that it takes next.
    pub(crate) fn position(&self) -> u64 {
        let log = self.log.log.lock();
        let own = log.reader.as_ref().filter(|reader| reader.id == self.id);
        own.map_or(log.first, |reader| reader.position)
    }

    /// Whether so many items wait for it that their task may rest.
    pub(crate) fn is_behind(&self) -> bool {
        let log = self.log.log.lock();
        let own = log.reader.as_ref().filter(|reader| reader.id == self.id);
        own.is_some_and(|reader| log.next().saturating_sub(reader.position) + 1 >= ITEM_BUFFER)
    }
}

impl Drop for ItemReader {
    fn drop(&mut self) {
        let mut log = self.log.log.lock();
        if log
            .reader
            .as_ref()
            .is_some_and(|reader| reader.id == self.id)
        {
            log.reader = None;
        }
        let gone = match log.keeps {
            true => Vec::new(),
            false => log.let_go(),
        };
        drop(log);
        drop(gone);
        self.log.taken.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aimass_environment::{Epoch, WorkerId};

    fn attempt(epoch: u64) -> Incarnation {
        Incarnation {
            worker: WorkerId(0),
            epoch: Epoch(epoch),
        }
    }

    fn push(log: &ItemLog, by: u64, item: u64) -> bool {
        matches!(log.push(attempt(by), Payload::new(item)), Pushed::Sent)
    }

    async fn recv(reader: &mut ItemReader) -> Option<u64> {
        match reader.next().await? {
            Received::Item(item) => item.take().ok(),
            Received::End(_) => None,
        }
    }

    #[tokio::test]
    async fn a_further_attempt_may_send_all_again_or_go_on_and_the_one_before_is_heard_no_more() {
        let log = ItemLog::new(Keeping::All, 0);
        let mut reader = log.reader();
        log.begin(attempt(0));
        assert!(push(&log, 0, 10) && push(&log, 0, 11));
        log.begin(attempt(1));
        assert!(!push(&log, 0, 12), "it was given up");
        assert!(!log.is_at_its_end());
        for item in 10..13 {
            assert!(push(&log, 1, item));
        }
        log.begin(attempt(2));
        let delivered = log.delivered(attempt(2));
        assert_eq!(delivered.len(), 3);
        assert!(log.delivered(attempt(1)).is_empty());
        assert!(push(&log, 2, 13));
        for item in 10..14 {
            assert_eq!(recv(&mut reader).await, Some(item));
        }
    }

    #[tokio::test]
    async fn items_that_are_not_kept_are_gone_once_they_are_taken() {
        let log = ItemLog::new(Keeping::Untaken, 0);
        let mut reader = log.reader();
        log.begin(attempt(0));
        let payload = Payload::new(7_u64);
        assert!(matches!(
            log.push(attempt(0), payload.clone()),
            Pushed::Sent
        ));
        assert_eq!(payload.shares(), 2);
        assert_eq!(recv(&mut reader).await, Some(7));
        assert_eq!(payload.shares(), 1);
        assert!(log.read(0).is_none() && log.read(1).is_some());
    }

    #[tokio::test]
    async fn a_stream_with_more_than_is_kept_cannot_go_on() {
        let log = ItemLog::new(Keeping::All, 0);
        log.begin(attempt(0));
        let large = Payload::new("x".repeat(MAX_KEPT_BYTES as usize / 4));
        for _ in 0..3 {
            assert!(matches!(log.push(attempt(0), large.clone()), Pushed::Sent));
        }
        assert!(log.can_go_on());
        assert_eq!(large.shares(), 4);
        assert!(matches!(log.push(attempt(0), large.clone()), Pushed::Sent));
        assert!(!log.can_go_on());
        assert_eq!(large.shares(), 1, "nobody reads it");
        assert_eq!(log.delivered_count(), 4);
        log.begin(attempt(1));
        assert!(log.delivered(attempt(1)).is_empty());
    }

    #[tokio::test]
    async fn a_reader_that_is_behind_stops_the_attempt_and_one_that_has_gone_does_not() {
        let log = ItemLog::new(Keeping::All, 0);
        let mut reader = log.reader();
        log.begin(attempt(0));
        for item in 0..ITEM_BUFFER {
            assert!(push(&log, 0, item));
        }
        assert!(!push(&log, 0, ITEM_BUFFER), "it is full");
        assert_eq!(recv(&mut reader).await, Some(0));
        assert!(push(&log, 0, ITEM_BUFFER));
        assert!(!push(&log, 0, ITEM_BUFFER + 1));
        drop(reader);
        assert!(push(&log, 0, ITEM_BUFFER + 1));
        let mut again = log.read(60).unwrap();
        assert_eq!(recv(&mut again).await, Some(60));
    }
}
