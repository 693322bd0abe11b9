//! The writer's thread: where the writer waits between two threads, and what is known of it.
//!
//! Without a supervisor a writer that panics takes the environment with it. With one it waits here until it is started again: on the same queue, so
//! nothing that was asked of it is lost but what it was at, and after the store was loaded anew.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::error::EnvironmentError;
use crate::panics;
use crate::writer::Writer;

/// What is known of the writer.
#[derive(Debug, Clone)]
pub(crate) struct WriterState {
    pub(crate) phase: Phase,
    /// How often it has panicked. Whoever waits for an answer compares: it may run again by then.
    pub(crate) panics: u64,
    /// What the last panic said.
    pub(crate) last_panic: String,
}

/// What the writer does.
#[derive(Debug, Clone)]
pub(crate) enum Phase {
    Running,
    /// A new thread reads the store anew.
    Loading,
    /// It panicked, and is about to be started again.
    Restarting(String),
    Closed,
    /// It panicked, and nobody starts it again.
    Failed(String),
}

impl WriterState {
    /// Why nothing is written any more, if so.
    pub(crate) fn end(&self) -> Option<EnvironmentError> {
        match &self.phase {
            Phase::Running | Phase::Loading | Phase::Restarting(_) => None,
            Phase::Closed => Some(EnvironmentError::Closed),
            Phase::Failed(message) => Some(EnvironmentError::Store {
                operation: "write",
                message: format!(
                    "its writer has panicked, so nothing is written until it is opened again: {message}"
                ),
            }),
        }
    }
}

/// The writer's thread over all its lives.
pub(crate) struct WriterThread {
    state: watch::Sender<WriterState>,
    /// Somebody starts it again.
    is_supervised: AtomicBool,
    /// Between two threads.
    writer: Mutex<Option<Writer>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl WriterThread {
    pub(crate) fn start(writer: Writer) -> io::Result<Arc<Self>> {
        let running = WriterState {
            phase: Phase::Running,
            panics: 0,
            last_panic: String::new(),
        };
        let this = Arc::new(Self {
            state: watch::Sender::new(running),
            is_supervised: AtomicBool::new(false),
            writer: Mutex::new(Some(writer)),
            thread: Mutex::new(None),
        });
        this.spawn(Reload::No)?;
        Ok(this)
    }

    pub(crate) fn state(&self) -> watch::Receiver<WriterState> {
        self.state.subscribe()
    }

    /// From now on a writer that panics waits to be started again.
    pub(crate) fn supervise(&self) {
        self.is_supervised.store(true, Ordering::Release);
    }

    /// Starts a writer again that has panicked; nothing happens while one runs.
    ///
    /// # Errors
    /// When there is no thread for it.
    pub(crate) fn restart(self: &Arc<Self>) -> io::Result<()> {
        // Held until the thread is on its way, which takes the writer from here: a second restart finds none.
        let writer = self.writer.lock();
        if writer.is_none() {
            return Ok(());
        }
        self.set(Phase::Loading);
        let spawned = self.spawn(Reload::Yes);
        if let Err(error) = &spawned {
            self.set(Phase::Restarting(format!("cannot start a thread: {error}")));
        }
        drop(writer);
        spawned
    }

    /// Nobody starts the writer again: whoever waits for it hears of that.
    pub(crate) fn give_up(&self) {
        self.is_supervised.store(false, Ordering::Release);
        let writer = self.writer.lock().take();
        self.state.send_if_modified(|state| {
            let Phase::Restarting(message) = &state.phase else {
                return false;
            };
            state.phase = Phase::Failed(message.clone());
            true
        });
        if let Some(writer) = writer {
            writer.dismiss_watches();
        }
    }

    /// Returns once the thread has ended; its queue is gone, or it has been told to close.
    pub(crate) fn join(&self) {
        let thread = self.thread.lock().take();
        if let Some(thread) = thread {
            // It catches its panics: there is nothing to hear.
            let _ = thread.join();
        }
    }

    fn spawn(self: &Arc<Self>, reload: Reload) -> io::Result<()> {
        let this = Arc::clone(self);
        let thread = thread::Builder::new()
            .name("environment".to_owned())
            .spawn(move || this.live(reload))?;
        *self.thread.lock() = Some(thread);
        Ok(())
    }

    /// Works until the end, and tells of it in any case: nobody waits for a writer that is gone.
    fn live(&self, reload: Reload) {
        let Some(mut writer) = self.writer.lock().take() else {
            return;
        };
        let run = panics::caught(|| {
            if let Reload::Yes = reload {
                writer.reload().map_err(|error| error.to_string())?;
                self.set(Phase::Running);
            }
            writer.run();
            Ok(())
        });
        let Err(message) = run.and_then(|run| run) else {
            writer.dismiss_watches();
            drop(writer);
            self.set(Phase::Closed);
            return;
        };
        if self.is_supervised.load(Ordering::Acquire) {
            let mut waiting = self.writer.lock();
            *waiting = Some(writer);
            // Under the lock: nobody starts it again before it is said that it has died.
            self.panicked(Phase::Restarting(message.clone()), message);
            return;
        }
        tracing::error!(
            said = message,
            "the environment's writer has ended; start again"
        );
        self.panicked(Phase::Failed(message.clone()), message);
        writer.dismiss_watches();
    }

    fn set(&self, phase: Phase) {
        self.state.send_modify(|state| state.phase = phase);
    }

    fn panicked(&self, phase: Phase, message: String) {
        self.state.send_modify(|state| {
            state.panics += 1;
            state.last_panic = message;
            state.phase = phase;
        });
    }
}

/// Whether the store is read anew first.
#[derive(Clone, Copy)]
enum Reload {
    Yes,
    No,
}
