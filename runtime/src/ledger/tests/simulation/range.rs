//! Which runs are played.

use std::fmt;

/// How many interleavings a test run plays when nothing else is asked for.
const RUNS: u64 = 1_000_000;

/// The seeds that are played.
#[derive(Debug, Clone, Copy)]
pub(super) struct Range {
    first: u64,
    runs: u64,
}

impl Range {
    /// A seed alone is played alone; so many runs are played from the seed on, or from 0.
    pub(super) fn from_environment() -> Self {
        let (first, runs) = (number("AIMASS_LEDGER_SEED"), number("AIMASS_LEDGER_RUNS"));
        Self {
            first: first.unwrap_or(0),
            runs: runs.unwrap_or(if first.is_some() { 1 } else { RUNS }),
        }
    }

    pub(super) fn seeds(self) -> impl Iterator<Item = u64> {
        (0..self.runs).map(move |at| self.first.wrapping_add(at))
    }

    pub(super) fn is_one(self) -> bool {
        self.runs == 1
    }

    /// Whether there are enough runs for all that a ledger can want.
    pub(super) fn is_wide(self) -> bool {
        self.runs >= RUNS / 10
    }
}

impl fmt::Display for Range {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { first, runs } = self;
        write!(
            formatter,
            "AIMASS_LEDGER_SEED={first} AIMASS_LEDGER_RUNS={runs}"
        )
    }
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    let number = text.parse();
    Some(number.unwrap_or_else(|_| panic!("expected a number in {name}, got `{text}`")))
}
