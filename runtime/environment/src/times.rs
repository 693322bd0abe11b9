//! How long the environment takes to commit: counted here, looked at by observers.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds of the times that are told apart, in seconds: three to a decade.
const BOUNDS: [f64; COUNT - 1] = [
    1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0,
];
const COUNT: usize = 18;

/// How long commits have taken since the environment was opened.
#[derive(Debug, Clone, PartialEq)]
pub struct CommitTimes {
    /// How many took at most each bound, in seconds, and more than the one before; the last has no bound.
    pub counts: Vec<u64>,
    /// The bounds, in seconds; one fewer than there are counts.
    pub bounds: &'static [f64],
    /// All of them together.
    pub sum: Duration,
}

/// Counts times. Reading and counting never wait for each other.
#[derive(Debug, Default)]
pub(crate) struct Times {
    counts: [AtomicU64; COUNT],
    sum_ns: AtomicU64,
}

impl Times {
    pub(crate) fn count(&self, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let at = BOUNDS.partition_point(|bound| *bound < took.as_secs_f64());
        self.counts[at].fetch_add(1, Ordering::Relaxed);
        self.sum_ns.fetch_add(nanos, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> CommitTimes {
        let counts = self.counts.iter();
        CommitTimes {
            counts: counts.map(|count| count.load(Ordering::Relaxed)).collect(),
            bounds: &BOUNDS,
            sum: Duration::from_nanos(self.sum_ns.load(Ordering::Relaxed)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_falls_below_its_bound_and_above_the_one_before() {
        let times = Times::default();
        for nanos in [0, 100_000, 100_001, 20_000_000_000, 20_000_000_001] {
            times.count(Duration::from_nanos(nanos));
        }
        let read = times.read();
        assert_eq!(read.counts.len(), read.bounds.len() + 1);
        assert_eq!((read.counts[0], read.counts[1]), (2, 1));
        assert_eq!((read.counts[COUNT - 2], read.counts[COUNT - 1]), (1, 1));
        assert_eq!(read.sum, Duration::from_nanos(40_000_200_002));
        assert!(read.bounds.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
