//! The environment's time of day. It does not go back when the system's clock does, since what is old is told by it.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A clock that is set back by no more than this stands still until it has caught up. One that is set back further had been wrong before.
const MOST_SET_BACK: Duration = Duration::from_secs(24 * 3600);

/// Tells the time of day.
#[derive(Clone)]
pub(crate) struct WallClock {
    system: Arc<dyn Fn() -> SystemTime + Send + Sync>,
    last_ms: u64,
}

impl Default for WallClock {
    fn default() -> Self {
        Self::reading(SystemTime::now)
    }
}

impl WallClock {
    pub(crate) fn reading(system: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self {
            system: Arc::new(system),
            last_ms: 0,
        }
    }

    /// An earlier process wrote at that time.
    pub(crate) fn resume(&mut self, last_ms: u64) {
        self.last_ms = self.last_ms.max(last_ms);
    }

    /// This moment, in milliseconds since the Unix epoch.
    pub(crate) fn now_ms(&mut self) -> u64 {
        let now_ms = unix_ms((self.system)());
        let set_back = Duration::from_millis(self.last_ms.saturating_sub(now_ms));
        if set_back.is_zero() || set_back > MOST_SET_BACK {
            self.last_ms = now_ms;
        }
        self.last_ms
    }
}

/// A time of day in milliseconds since the Unix epoch.
pub(crate) fn unix_ms(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn a_clock_that_is_set_back_stands_still_and_one_that_was_wrong_is_corrected() {
        let hours = Arc::new(AtomicU64::new(0));
        let set = hours.clone();
        let mut clock = WallClock::reading(move || {
            UNIX_EPOCH + Duration::from_secs(3600 * hours.load(Ordering::Relaxed))
        });
        for (system, expected) in [
            (1000, 1000),
            (999, 1000),
            (976, 1000),
            (1001, 1001),
            (5000, 5000),
            (1001, 1001),
            (1000, 1001),
        ] {
            set.store(system, Ordering::Relaxed);
            assert_eq!(clock.now_ms(), expected * 3_600_000, "at hour {system}");
        }
    }
}
