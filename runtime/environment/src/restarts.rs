//! The environment under supervision: its writer is started again when it panics, and what belongs to accepted work is written again.

use std::future::Future;

use crate::environment::{COMMIT_TRIES, Environment};
use crate::error::EnvironmentError;
use crate::ids::Revision;
use crate::records::{Commit, Transaction};
use crate::snapshot::Snapshot;
use crate::writer_thread::{Phase, WriterState};

/// A commit that may have been written twice.
pub struct Repeated {
    /// What it did.
    pub commit: Commit,
    /// A writer panicked at it before, and may have written it then.
    pub is_repeated: bool,
}

impl Environment {
    pub(crate) fn panics(&self) -> u64 {
        self.shared.state.borrow().panics
    }

    /// What `asked` says, or that the environment is closed: whoever waits for an answer hears when nobody is left to give it.
    pub(crate) async fn until_ended<T>(
        &self,
        asked: impl Future<Output = Result<T, EnvironmentError>>,
    ) -> Result<T, EnvironmentError> {
        let mut state = self.shared.state.clone();
        tokio::select! {
            biased;
            answer = asked => answer,
            _ = state.wait_for(|state| state.end().is_some()) => Err(EnvironmentError::Closed),
        }
    }

    /// Returns once the writer runs again.
    ///
    /// # Errors
    /// Why it will not.
    pub(crate) async fn running(&self) -> Result<(), EnvironmentError> {
        let mut state = self.shared.state.clone();
        let settled =
            |state: &WriterState| !matches!(state.phase, Phase::Restarting(_) | Phase::Loading);
        let state = state.wait_for(settled).await;
        let state = state.map_err(|_| EnvironmentError::Closed)?;
        state.end().map_or(Ok(()), Err)
    }

    /// As [`Self::commit`], and again after each start of a writer that panicked at it, a few times at most.
    ///
    /// # Errors
    /// As [`Self::commit`].
    pub async fn commit_again(
        &self,
        transaction: Transaction,
    ) -> Result<Repeated, EnvironmentError> {
        let mut is_repeated = false;
        for left in (0..COMMIT_TRIES).rev() {
            let panics = self.panics();
            match self.commit(transaction.clone()).await {
                Ok(commit) => {
                    return Ok(Repeated {
                        commit,
                        is_repeated,
                    });
                }
                Err(_) if left > 0 && self.panics() > panics => is_repeated = true,
                Err(error) => return Err(error),
            }
            self.running().await?;
        }
        Err(EnvironmentError::Closed)
    }

    /// As [`Self::commit_again`], unless `was_written` finds that the first time was enough. It is given a view of everything, and the newest
    /// revision of before.
    ///
    /// # Errors
    /// As [`Self::commit`].
    pub async fn commit_over_restarts(
        &self,
        transaction: Transaction,
        was_written: impl Fn(&Snapshot, Revision) -> Result<bool, EnvironmentError>,
    ) -> Result<(), EnvironmentError> {
        let head = *self.shared.head.borrow();
        for left in (0..COMMIT_TRIES).rev() {
            let panics = self.panics();
            match self.commit(transaction.clone()).await {
                // It may be what the writer panics at, each time.
                Err(_) if left > 0 && self.panics() > panics => {}
                commit => return commit.map(drop),
            }
            self.running().await?;
            if was_written(&self.snapshot()?, head)? {
                return Ok(());
            }
        }
        Err(EnvironmentError::Closed)
    }

    /// From now on somebody starts the writer again when it panics.
    pub fn supervised(&self) {
        self.shared.writer.supervise();
    }

    /// Starts a writer again that has panicked; nothing happens while one runs.
    ///
    /// # Errors
    /// When there is no thread for it.
    pub fn restart_writer(&self) -> std::io::Result<()> {
        self.shared.writer.restart()
    }

    /// Returns once the writer has ended.
    ///
    /// # Errors
    /// The message of its panic.
    pub async fn writer_ended(&self) -> Result<(), String> {
        let mut state = self.shared.state.clone();
        let ended = state.wait_for(|state| !matches!(state.phase, Phase::Running | Phase::Loading));
        match ended.await.map(|state| state.phase.clone()) {
            Ok(Phase::Restarting(message) | Phase::Failed(message)) => Err(message),
            Ok(Phase::Running | Phase::Loading | Phase::Closed) | Err(_) => Ok(()),
        }
    }

    /// Nobody starts the writer again: whoever waits for it hears of that.
    pub fn give_writer_up(&self) {
        self.shared.writer.give_up();
    }
}
