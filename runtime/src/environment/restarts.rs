//! The environment under supervision: its writer is started again when it panics, and what belongs to accepted work is written again.

use super::error::EnvironmentError;
use super::queue;
use super::records::Transaction;
use super::snapshot::Snapshot;
use super::writer::Command;
use super::writer_thread::{Phase, WriterState};
use super::{COMMIT_TRIES, Environment};
use crate::ids::Revision;

impl Environment {
    pub(super) fn panics(&self) -> u64 {
        self.shared.state.borrow().panics
    }

    /// As [`Self::commit`], and once more after the writer was started again, unless `was_written` finds that the first time was enough. It is
    /// given a view of everything, and the newest revision of before.
    ///
    /// # Errors
    /// As [`Self::commit`].
    pub(crate) async fn commit_over_restarts(
        &self,
        transaction: Transaction,
        was_written: impl Fn(&Snapshot, Revision) -> Result<bool, EnvironmentError>,
    ) -> Result<(), EnvironmentError> {
        let head = *self.shared.head.borrow();
        for left in (0..COMMIT_TRIES).rev() {
            let panics = self.panics();
            let error = match self.commit(transaction.clone()).await {
                // It may be what the writer panics at, each time.
                Err(error) if left > 0 && self.panics() > panics => error,
                commit => return commit.map(drop),
            };
            let mut state = self.shared.state.clone();
            let runs = |state: &WriterState| !matches!(state.phase, Phase::Restarting(_));
            let Ok(state) = state.wait_for(runs).await.map(|state| state.clone()) else {
                return Err(error);
            };
            if let Some(end) = state.end() {
                return Err(end);
            }
            if was_written(&self.snapshot()?, head)? {
                return Ok(());
            }
        }
        Err(EnvironmentError::Closed)
    }

    /// From now on somebody starts the writer again when it panics.
    pub(crate) fn supervised(&self) {
        self.shared.writer.supervise();
    }

    /// Starts a writer again that has panicked; nothing happens while one runs.
    ///
    /// # Errors
    /// When there is no thread for it.
    pub(crate) fn restart_writer(&self) -> std::io::Result<()> {
        self.shared.writer.restart()
    }

    /// Returns once the writer has ended.
    ///
    /// # Errors
    /// The message of its panic.
    pub(crate) async fn writer_ended(&self) -> Result<(), String> {
        let mut state = self.shared.state.clone();
        let ended = state.wait_for(|state| !matches!(state.phase, Phase::Running));
        match ended.await.map(|state| state.phase.clone()) {
            Ok(Phase::Restarting(message) | Phase::Failed(message)) => Err(message),
            Ok(Phase::Running | Phase::Closed) | Err(_) => Ok(()),
        }
    }

    /// Nobody starts the writer again: whoever waits for it hears of that.
    pub(crate) fn give_writer_up(&self) {
        self.shared.writer.give_up();
    }

    /// Lets the writer's thread die.
    pub(crate) fn inject_panic(&self) {
        let queue = self.clone();
        let _ = queue::block_on(async move { queue.shared.queue.send(Command::Panic).await });
    }
}
