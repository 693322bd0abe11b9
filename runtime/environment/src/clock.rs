//! Time as a dependency: the runtime reads one clock, which tests pause.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// A moment on a runtime's own monotonic clock: nanoseconds since it started.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Time(pub u64);

impl Time {
    /// The last moment there is: a deadline that never comes.
    pub const NEVER: Self = Self(u64::MAX);

    /// How long it is from `earlier` to this moment; zero when `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Time {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(
            self.0
                .saturating_add(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)),
        )
    }
}

impl Sub for Time {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.since(earlier)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}", Duration::from_nanos(self.0))
    }
}

/// The clock of one runtime. It follows tokio's clock, so a test that pauses that one pauses this one.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: tokio::time::Instant,
    start_unix: Duration,
}

impl Clock {
    /// A clock that starts now.
    pub fn start() -> Self {
        Self {
            start: tokio::time::Instant::now(),
            start_unix: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default(),
        }
    }

    /// This moment.
    pub fn now(&self) -> Time {
        Time::default() + self.start.elapsed()
    }

    /// The moment as tokio's timers take it.
    pub fn instant(&self, time: Time) -> tokio::time::Instant {
        self.start + Duration::from_nanos(time.0.min(NEVER_FOR_TIMERS))
    }

    /// The moment in nanoseconds since the Unix epoch, as telemetry takes it.
    pub fn unix_nanos(&self, time: Time) -> u64 {
        u64::try_from(self.start_unix.as_nanos())
            .unwrap_or(u64::MAX)
            .saturating_add(time.0)
    }
}

/// Thirty years: what tokio's timers take for "never" without an overflow.
const NEVER_FOR_TIMERS: u64 = 30 * 365 * 24 * 3600 * 1_000_000_000;
