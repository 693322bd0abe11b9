//! How many tasks ended in each of the last seconds.

use std::ops::AddAssign;

use super::view::PerSecond;

const SECOND_NS: u64 = 1_000_000_000;
/// How many whole seconds can be looked back on.
pub(super) const LOOK_BACK: u64 = 60;
/// More than are looked back on, so that no second that is still looked at can lose its place to a newer one.
const SLOTS: usize = 64;

/// Tasks that ended, and how many of them failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Ended {
    pub(super) tasks: u64,
    pub(super) errors: u64,
}

impl AddAssign for Ended {
    fn add_assign(&mut self, other: Self) {
        self.tasks += other.tasks;
        self.errors += other.errors;
    }
}

/// Counts by seconds. The order in which tasks are told makes no difference.
#[derive(Debug, Clone)]
pub(super) struct Rates {
    slots: Box<[Slot; SLOTS]>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    second: u64,
    ended: Ended,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            slots: Box::new([Slot::default(); SLOTS]),
        }
    }
}

impl Rates {
    /// Counts what ended at that time. What is too old for the window is left out.
    pub(super) fn add(&mut self, at_ns: u64, ended: Ended) {
        let second = at_ns / SECOND_NS;
        let slot = &mut self.slots[place(second)];
        if slot.second < second {
            *slot = Slot {
                second,
                ended: Ended::default(),
            };
        }
        if slot.second == second {
            slot.ended += ended;
        }
    }

    /// Means over the last 1, 10 and 60 seconds and the second under way: of all that ended, and of what failed.
    pub(super) fn per_second(&self, now_ns: u64) -> (PerSecond, PerSecond) {
        let over = |seconds: u64| {
            let mut sum = Ended::default();
            let now = now_ns / SECOND_NS;
            for second in now.saturating_sub(seconds)..=now {
                sum += self.at(second);
            }
            let took = seconds as f64 + (now_ns % SECOND_NS) as f64 / SECOND_NS as f64;
            (rounded(sum.tasks, took), rounded(sum.errors, took))
        };
        let (one, ten, sixty) = (over(1), over(10), over(LOOK_BACK));
        let tasks = PerSecond {
            last_1_s: one.0,
            last_10_s: ten.0,
            last_60_s: sixty.0,
        };
        let errors = PerSecond {
            last_1_s: one.1,
            last_10_s: ten.1,
            last_60_s: sixty.1,
        };
        (tasks, errors)
    }

    /// Tasks that ended in each of the last whole seconds, the oldest first.
    pub(super) fn history(&self, now_ns: u64) -> Vec<u64> {
        let now = now_ns / SECOND_NS;
        (1..=LOOK_BACK)
            .rev()
            .map(|back| self.at(now.saturating_sub(back)).tasks)
            .collect()
    }

    fn at(&self, second: u64) -> Ended {
        let slot = &self.slots[place(second)];
        if slot.second == second {
            slot.ended
        } else {
            Ended::default()
        }
    }
}

fn place(second: u64) -> usize {
    (second % SLOTS as u64) as usize
}

/// To a thousandth, so that a view is short as JSON.
fn rounded(count: u64, seconds: f64) -> f64 {
    (count as f64 / seconds * 1e3).round() / 1e3
}
