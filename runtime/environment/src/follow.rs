//! Following the log: a watch may skip and says so, a subscription reads every fact.

use std::collections::VecDeque;
use std::sync::Arc;

use thiserror::Error;
use tokio::sync::{broadcast, watch};

use crate::error::EnvironmentError;
use crate::fact::Fact;
use crate::ids::Revision;
use crate::snapshot::{FactFilter, Snapshot};
use crate::store::Tables;

/// A watch was too slow and has missed facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "the watch has missed {0} facts; read a snapshot, or use a subscription, which misses none"
)]
pub struct Lagged(pub u64);

/// New facts as they are committed. It never holds the writer up: when it is too slow, facts are skipped and counted.
#[derive(Debug)]
pub struct Watch {
    /// None when the environment was closed before.
    facts: Option<broadcast::Receiver<Arc<Fact>>>,
    filter: FactFilter,
}

impl Watch {
    pub(crate) fn new(facts: Option<broadcast::Receiver<Arc<Fact>>>, filter: FactFilter) -> Self {
        Self { facts, filter }
    }

    /// The next fact that fits; none when the environment is closed.
    ///
    /// # Errors
    /// [`Lagged`] with the number of facts, of any kind, that were skipped. The watch goes on behind them.
    pub async fn next(&mut self) -> Option<Result<Arc<Fact>, Lagged>> {
        loop {
            match self.facts.as_mut()?.recv().await {
                Ok(fact) if self.filter.matches(&fact) => return Some(Ok(fact)),
                Ok(_) => {}
                Err(broadcast::error::RecvError::Lagged(missed)) => {
                    return Some(Err(Lagged(missed)));
                }
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }
}

/// Every fact after a revision, in order, none skipped. It reads the log, so it may be as slow as it likes.
#[derive(Debug)]
pub struct Subscription {
    tables: Arc<Tables>,
    head: watch::Receiver<Revision>,
    filter: FactFilter,
    cursor: Revision,
    page: VecDeque<Fact>,
}

impl Subscription {
    pub(crate) fn new(
        tables: Arc<Tables>,
        head: watch::Receiver<Revision>,
        cursor: Revision,
        filter: FactFilter,
    ) -> Self {
        Self {
            tables,
            head,
            filter,
            cursor,
            page: VecDeque::new(),
        }
    }

    /// The next fact that fits; waits until there is one.
    ///
    /// # Errors
    /// [`EnvironmentError::Compacted`] when facts that were not read yet are past retention: begin again from there.
    /// [`EnvironmentError::Closed`] when the environment is closed and all was read.
    pub async fn next(&mut self) -> Result<Fact, EnvironmentError> {
        loop {
            if let Some(fact) = self.page.pop_front() {
                return Ok(fact);
            }
            // Seen before the log is read, so that what is appended meanwhile wakes it again.
            let seen = *self.head.borrow_and_update();
            if self.cursor < seen {
                self.read()?;
                continue;
            }
            if self.head.changed().await.is_err() {
                return Err(EnvironmentError::Closed);
            }
        }
    }

    /// The revision up to which nothing is left to return: what a reader keeps as its cursor.
    pub fn position(&self) -> Revision {
        match self.page.front() {
            Some(fact) => Revision(fact.revision.0 - 1),
            None => self.cursor,
        }
    }

    fn read(&mut self) -> Result<(), EnvironmentError> {
        let snapshot = Snapshot::new(self.tables.read()?);
        let oldest = snapshot.oldest()?;
        if self.cursor.0 + 1 < oldest.0 {
            return Err(EnvironmentError::Compacted { oldest });
        }
        (self.page, self.cursor) = snapshot.page(self.cursor, &self.filter)?;
        Ok(())
    }
}
