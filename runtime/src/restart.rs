//! When restarts are too many, and how long to wait between them: pure, told the time.

use std::collections::VecDeque;
use std::time::Duration;

use aimass_environment::Time;

/// When restarts are too many, and how long to wait between them.
#[derive(Debug, Clone)]
pub(crate) struct RestartSettings {
    pub(crate) max_restarts: u32,
    pub(crate) window: Duration,
    pub(crate) backoff_initial: Duration,
    pub(crate) backoff_max: Duration,
}

impl RestartSettings {
    pub(crate) fn of(supervision: &aimass_config::SupervisionConfig) -> Self {
        Self {
            max_restarts: supervision.max_restarts,
            window: supervision.window,
            backoff_initial: supervision.backoff_initial,
            backoff_max: supervision.backoff_max,
        }
    }
}

/// Counts the restarts within the window.
#[derive(Debug)]
pub(crate) struct RestartBudget {
    max_restarts: u32,
    window: Duration,
    restarts: VecDeque<Time>,
}

impl RestartBudget {
    pub(crate) fn new(settings: &RestartSettings) -> Self {
        Self {
            max_restarts: settings.max_restarts,
            window: settings.window,
            restarts: VecDeque::new(),
        }
    }

    /// Counts one restart. Returns `false` when the window has seen too many.
    pub(crate) fn spend(&mut self, now: Time) -> bool {
        self.restarts.push_back(now);
        while let Some(first) = self.restarts.front()
            && now.since(*first) > self.window
        {
            self.restarts.pop_front();
        }
        self.restarts.len() <= self.max_restarts as usize
    }

    /// How many restarts the window has seen.
    pub(crate) fn spent(&self) -> u32 {
        u32::try_from(self.restarts.len()).unwrap_or(u32::MAX)
    }
}

/// How long to wait before a restart: exponential, with up to half of it taken off at random so that workers do not come back in step.
#[derive(Debug)]
pub(crate) struct Backoff {
    initial: Duration,
    max: Duration,
    /// Xorshift, so that a run can be replayed by its seed.
    jitter: u64,
}

impl Backoff {
    pub(crate) fn new(settings: &RestartSettings, seed: u64) -> Self {
        Self {
            initial: settings.backoff_initial,
            max: settings.backoff_max,
            jitter: seed | 1,
        }
    }

    /// The wait after so many failures in a row.
    pub(crate) fn after(&mut self, failures: u32) -> Duration {
        let doubled = self
            .initial
            .saturating_mul(1_u32 << failures.saturating_sub(1).min(20));
        self.jitter ^= self.jitter << 13;
        self.jitter ^= self.jitter >> 7;
        self.jitter ^= self.jitter << 17;
        doubled
            .min(self.max)
            .mul_f64(1.0 - (self.jitter % 1024) as f64 / 2048.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> RestartSettings {
        RestartSettings {
            max_restarts: 2,
            window: Duration::from_secs(10),
            backoff_initial: Duration::from_secs(1),
            backoff_max: Duration::from_secs(5),
        }
    }

    #[test]
    fn restarts_of_long_ago_are_forgotten() {
        let mut budget = RestartBudget::new(&settings());
        let at = |seconds| Time::default() + Duration::from_secs(seconds);
        assert!(budget.spend(at(0)) && budget.spend(at(5)));
        assert!(!budget.spend(at(9)), "the third within the window");
        assert!(!budget.spend(at(11)), "the first has left the window");
        assert!(budget.spend(at(21)));
        assert_eq!(budget.spent(), 2);
    }

    #[test]
    fn waits_double_up_to_the_longest_and_lose_at_most_half() {
        let mut backoff = Backoff::new(&settings(), 7);
        for (failures, most) in [(1, 1), (2, 2), (3, 4), (4, 5), (u32::MAX, 5)] {
            let most = Duration::from_secs(most);
            let after = backoff.after(failures);
            assert!(after <= most && after >= most / 2, "{failures}: {after:?}");
        }
    }
}
