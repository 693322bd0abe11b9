//! The end of a runtime: refuse, drain, flush, report.

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
        inner.events.close().await;
        let observers = inner.observers.lock().take();
        if let Some(observers) = observers {
            // Joined on a thread where waiting harms nobody; a slow observer has the grace and no more.
            let joined = tokio::task::spawn_blocking(move || observers.join());
            let _ = tokio::time::timeout(grace.max(Duration::from_secs(1)), joined).await;
        }
        report.dropped_events = inner.events.dropped();
        report.environment = inner
            .environment
            .close()
            .await
            .err()
            .map(|error| error.to_string());
        report
    }
}
