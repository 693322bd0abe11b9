//! Settings for tests.

use std::time::Duration;

use crate::ledger::settings::{Crew, GroupSettings, LedgerSettings, StartWhen};
use crate::restart::RestartSettings;

/// Limits that are easily reached.
pub(crate) fn tight_settings() -> LedgerSettings {
    LedgerSettings {
        capacity: 8,
        capacity_bytes: 64,
        max_attempts: 2,
        max_abandoned: 1,
        step_limit: Duration::from_millis(100),
        load_limit: Duration::from_millis(300),
        grace: Duration::from_millis(20),
        idle_unload: None,
        restart: RestartSettings {
            max_restarts: 3,
            window: Duration::from_secs(1),
            backoff_initial: Duration::from_millis(10),
            backoff_max: Duration::from_millis(80),
        },
        groups: vec![GroupSettings {
            workers: 1,
            crew: Crew::Fixed,
            max_batch: 4,
            max_wait: Duration::ZERO,
            start: StartWhen::AtOnce,
        }],
        seed: 7,
    }
}
