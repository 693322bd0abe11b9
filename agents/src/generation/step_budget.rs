//! How much of a prompt is read in one step: as much as takes half a second on the machine as it is
//! now.
//!
//! An agent's `step_limit` tells a hang from work, so a step must stay far below it on a slow or
//! busy machine too. Short steps also keep those waiting for a short time that are being written
//! meanwhile, and let a caller who goes away be noticed.

use std::time::Duration;

use aimass_models::llama::MAX_STEP_TOKENS;

/// How long a step should take.
const STEP: Duration = Duration::from_millis(500);
/// A first step, of which nothing is known.
const INITIAL_WORK: usize = 32;
/// The most work of a step: far on in a long text, a few tokens come to it.
const MAX_WORK: usize = 16 * MAX_STEP_TOKENS;

/// What one worker knows of its speed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StepBudget {
    portion: usize,
}

impl Default for StepBudget {
    fn default() -> Self {
        Self {
            portion: INITIAL_WORK,
        }
    }
}

impl StepBudget {
    /// How much the next step may read, as so many tokens that nothing is before.
    pub(super) fn portion(self) -> usize {
        self.portion
    }

    /// Learns how long a step took that came to so much work. It slows down at once, and speeds up
    /// by as much again from step to step.
    pub(super) fn learn(&mut self, work: usize, took: Duration) {
        let is_slow = took > STEP;
        // A step that had less to do than it might says nothing of how much could be done.
        if work == 0 || (2 * work < self.portion && !is_slow) {
            return;
        }
        let share = STEP.as_secs_f64() / took.as_secs_f64().max(f64::EPSILON);
        let fits = (work as f64 * share) as usize;
        let most = match is_slow {
            true => self.portion,
            false => MAX_WORK.min(2 * self.portion),
        };
        self.portion = fits.clamp(1, most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Steps on a machine that does so much work in a second; gives the longest of them, and how
    /// many there were.
    fn steps(
        budget: &mut StepBudget,
        speed: impl Fn(usize) -> f64,
        mut work: usize,
    ) -> (Duration, usize) {
        let (mut longest, mut count) = (Duration::ZERO, 0);
        while work > 0 {
            let done = budget.portion().min(work);
            let took = Duration::from_secs_f64(done as f64 / speed(count));
            budget.learn(done, took);
            longest = longest.max(took);
            work -= done;
            count += 1;
        }
        (longest, count)
    }

    #[test]
    fn a_fast_machine_soon_takes_the_most_at_once() {
        let mut budget = StepBudget::default();
        let (longest, count) = steps(&mut budget, |_| 5000.0, 8192);
        assert!(longest <= STEP, "{longest:?}");
        assert!(count <= 12, "{count}");
        steps(&mut budget, |_| 50_000.0, 8192);
        assert_eq!(budget.portion(), MAX_WORK);
    }

    #[test]
    fn a_slow_machine_takes_little_at_once() {
        for speed in [4.0, 10.0, 50.0] {
            let mut budget = StepBudget::default();
            steps(&mut budget, |_| speed, INITIAL_WORK);
            let (longest, _) = steps(&mut budget, |_| speed, 1000);
            assert!(longest <= STEP, "{longest:?} at {speed}");
        }
    }

    #[test]
    fn a_machine_that_becomes_busy_is_followed_at_once_and_forgiven_later() {
        let mut budget = StepBudget::default();
        let (longest, _) = steps(&mut budget, |_| 300.0, 4096);
        assert!(longest <= STEP, "{longest:?}");
        // The step that is under way when it becomes twenty times as slow takes twenty times as
        // long, and no other.
        let (longest, _) = steps(&mut budget, |step| if step == 0 { 15.0 } else { 14.0 }, 400);
        assert!(longest <= 20 * STEP, "{longest:?}");
        let (longest, _) = steps(&mut budget, |_| 14.0, 256);
        assert!(longest <= STEP, "{longest:?}");
        steps(&mut budget, |_| 3000.0, 8192);
        assert!((1400..=1500).contains(&budget.portion()), "{budget:?}");
    }

    #[test]
    fn steps_that_had_little_to_do_teach_only_that_they_were_slow() {
        let mut budget = StepBudget::default();
        budget.learn(1, Duration::from_millis(400));
        budget.learn(0, Duration::from_secs(9));
        assert_eq!(budget, StepBudget::default());
        budget.learn(1, Duration::from_secs(2));
        assert_eq!(budget.portion(), 1);
        budget.learn(1, Duration::ZERO);
        assert_eq!(budget.portion(), 2);
    }
}
