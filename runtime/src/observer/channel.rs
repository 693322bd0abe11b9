//! The one bounded channel between the agents and the observers.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use aimass_environment::panics;
use tokio::sync::watch;

use crate::observer::{Observer, Record, WeakRuntime};

/// How long records gather before the observers are given the next ones.
const GATHER: Duration = Duration::from_millis(1);
/// The least capacity that has room for what comes meanwhile: some thousand records at the most that two cores can do.
const ROOM_TO_GATHER: usize = 16_384;

/// What a record in the channel is, besides itself.
pub(crate) enum Message {
    /// The runtime that the records are of.
    Begin(WeakRuntime),
    Record(Record),
    /// Flush, then say so.
    Flush(tokio::sync::oneshot::Sender<()>),
    /// Flush, then say so; nothing follows.
    Close(flume::Sender<()>),
    /// A test lets the thread die.
    Panic,
}

/// Where agents leave their records.
pub(crate) struct EventSink {
    sender: Option<flume::Sender<Message>>,
    /// Changes no more once nobody serves the observers.
    served: watch::Receiver<()>,
    dropped: AtomicU64,
}

impl EventSink {
    /// A sink, and what serves it. Without observers no record is ever built.
    pub(crate) fn new(capacity: usize, observers: Vec<Box<dyn Observer>>) -> (Self, Option<Pump>) {
        let (serves, served) = watch::channel(());
        if observers.is_empty() {
            return (
                Self {
                    sender: None,
                    served,
                    dropped: AtomicU64::new(0),
                },
                None,
            );
        }
        let (sender, messages) = flume::bounded(capacity.max(1));
        let sink = Self {
            sender: Some(sender),
            served,
            dropped: AtomicU64::new(0),
        };
        (
            sink,
            Some(Pump {
                messages,
                observers,
                gathers: capacity >= ROOM_TO_GATHER,
                _serves: serves,
            }),
        )
    }

    pub(crate) fn is_listening(&self) -> bool {
        self.sender.is_some()
    }

    /// Tells the observers whom they observe; before anybody leaves a record, so that there is room.
    pub(crate) fn begin(&self, runtime: WeakRuntime) {
        if let Some(sender) = &self.sender {
            // It fails when the observers' thread is gone, and then nobody needs to know.
            let _ = sender.try_send(Message::Begin(runtime));
        }
    }

    /// Leaves a record. Never waits: what does not fit is counted.
    pub(crate) fn emit(&self, record: impl FnOnce() -> Record) {
        let Some(sender) = &self.sender else { return };
        if sender.try_send(Message::Record(record())).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many records did not fit.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Returns once the observers have flushed everything that was left before, or nobody serves them any more.
    pub(crate) async fn flush(&self) {
        let Some(sender) = &self.sender else { return };
        let (flushed, done) = tokio::sync::oneshot::channel();
        let mut served = self.served.clone();
        let flush = async {
            if sender.send_async(Message::Flush(flushed)).await.is_ok() {
                let _ = done.await;
            }
        };
        tokio::select! {
            () = flush => {}
            // It never changes: it ends.
            _ = served.changed() => {}
        }
    }

    /// Returns once the observers have taken in and flushed what is in the channel, and have ended; after that long at the latest.
    pub(crate) async fn close(&self, patience: Duration) {
        let Some(sender) = &self.sender else { return };
        let (closed, done) = flume::bounded(1);
        if sender.send_async(Message::Close(closed)).await.is_ok() {
            // On a thread where waiting harms nobody, and which a clock that is stopped waits for. It ends in time: the end of the process waits for it.
            let wait = move || {
                let _ = done.recv_timeout(patience);
            };
            let _ = tokio::task::spawn_blocking(wait).await;
        }
    }

    /// Lets the observers' thread die.
    pub(crate) fn inject_panic(&self) {
        if let Some(sender) = &self.sender {
            let _ = sender.send(Message::Panic);
        }
    }
}

/// Serves the observers, on a thread of its own. It outlives the thread: one that dies loses the record that it was at.
pub(crate) struct Pump {
    messages: flume::Receiver<Message>,
    observers: Vec<Box<dyn Observer>>,
    /// Whether there is room for records that wait a little.
    gathers: bool,
    /// Goes with it.
    _serves: watch::Sender<()>,
}

impl Drop for Pump {
    fn drop(&mut self) {
        for observer in self.observers.drain(..) {
            panics::free(observer, "an observer");
        }
    }
}

impl Pump {
    /// Serves until nothing follows.
    pub(crate) fn serve(&mut self) {
        if let ControlFlow::Break(closed) = self.take_all() {
            self.each(|observer| observer.flush());
            // Observers end before whoever waits for that goes on.
            for observer in self.observers.drain(..) {
                panics::free(observer, "an observer");
            }
            let _ = closed.send(());
        } else {
            self.each(|observer| observer.flush());
        }
    }

    fn take_all(&mut self) -> ControlFlow<flume::Sender<()>> {
        while let Ok(first) = self.messages.recv() {
            self.take(first)?;
            while let Ok(next) = self.messages.try_recv() {
                self.take(next)?;
            }
            // While records come one after the other, nobody wakes this thread for each of them: that would cost the agents more than all else of a record.
            if self.gathers {
                thread::park_timeout(GATHER);
            }
        }
        ControlFlow::Continue(())
    }

    /// Gives the observers what it is about; breaks where nothing follows.
    fn take(&mut self, message: Message) -> ControlFlow<flume::Sender<()>> {
        match message {
            Message::Begin(runtime) => self.each(|observer| observer.begin(&runtime)),
            Message::Record(record) => self.each(|observer| observer.observe(&record)),
            Message::Flush(flushed) => {
                self.each(|observer| observer.flush());
                let _ = flushed.send(());
            }
            Message::Close(closed) => return ControlFlow::Break(closed),
            Message::Panic => panic!("a panic injected by a test"),
        }
        ControlFlow::Continue(())
    }

    /// An observer that panics is left out from then on; the agents never notice.
    fn each(&mut self, mut act: impl FnMut(&mut dyn Observer)) {
        self.observers
            .retain_mut(|observer| match panics::caught(|| act(&mut **observer)) {
                Ok(()) => true,
                Err(message) => {
                    tracing::error!(
                        said = message,
                        "an observer panicked and is left out from now on"
                    );
                    false
                }
            });
    }
}
