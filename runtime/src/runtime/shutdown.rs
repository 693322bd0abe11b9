//! The end of a runtime: refuse, drain, flush, report.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde::Serialize;

use crate::runtime::Runtime;

/// What a shutdown did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ShutdownReport {
    /// Tasks that were under way when it began.
    pub under_way: u64,
    /// Those of them that were cut off at the limit.
    pub cut_off: u64,
    /// Workers whose threads did not end within their grace.
    pub left_behind: bool,
    /// Records that never reached the observers, since the start.
    pub dropped_events: u64,
    /// Why the environment could not be closed cleanly, if so.
    pub environment: Option<String>,
}

impl Runtime {
    /// Refuses new work, drains accepted work within `shutdown_limit`, flushes observers and environment, and reports.
    pub async fn shutdown(&self) -> ShutdownReport {
        self.shutdown_within(self.inner.config.runtime.shutdown_limit)
            .await
    }

    /// As [`Self::shutdown`], with a limit of its own. Zero cuts off at once.
    pub async fn shutdown_within(&self, limit: Duration) -> ShutdownReport {
        let inner = &self.inner;
        let mut report = ShutdownReport::default();
        let limit = inner.clock.now() + limit;
        report.under_way = inner.cells.iter().map(|cell| cell.load().tasks).sum();
        inner.closing.store(true, Ordering::Release);
        // What is left at the limit is cut off by the ledgers.
        let _ = tokio::time::timeout_at(inner.clock.instant(limit), self.quiet()).await;
        inner.cells.iter().for_each(|cell| cell.begin_drain(limit));
        for cell in &inner.cells {
            cell.drained().await;
        }
        report.cut_off = inner.cells.iter().map(|cell| cell.cut_off()).sum();
        let grace = inner
            .cells
            .iter()
            .map(|cell| cell.grace())
            .max()
            .unwrap_or_default();
        let ended = tokio::time::timeout(grace, inner.spawner.ended()).await;
        report.left_behind = ended.is_err();
        inner.spawner.end_services();
        // A slow observer has the grace and no more, be it to take in what waits or to end.
        let patience = grace.max(Duration::from_secs(1));
        let _ = tokio::time::timeout(patience, self.end_observers()).await;
        report.dropped_events = inner.events.dropped();
        report.environment = inner
            .environment
            .close()
            .await
            .err()
            .map(|error| error.to_string());
        report
    }

    /// Returns once no agent holds a task. A flow keeps its own agent busy while it asks others, so a round in which nobody was
    /// waited for is the end of all work.
    async fn quiet(&self) {
        loop {
            let mut waited_for = 0;
            for cell in &self.inner.cells {
                waited_for += cell.emptied().await;
            }
            if waited_for == 0 {
                return;
            }
        }
    }

    async fn end_observers(&self) {
        self.inner.events.close().await;
        let observers = self.inner.observers.lock().take();
        if let Some(observers) = observers {
            // Joined on a thread where waiting harms nobody.
            let _ = tokio::task::spawn_blocking(move || observers.join()).await;
        }
    }
}
