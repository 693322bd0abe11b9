//! How urgent a task is.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How urgent a task is. A class is served more often, never exclusively: background work does not starve.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Learning, rebuilding, prefetching.
    Background,
    /// Whatever nobody has classed otherwise.
    #[default]
    Normal,
    /// Somebody waits at a screen or on the line.
    Interactive,
}

impl Priority {
    /// All classes, the most urgent first.
    pub const ALL: [Self; 3] = [Self::Interactive, Self::Normal, Self::Background];

    /// How many turns of a round a class gets while all have work.
    pub fn weight(self) -> u32 {
        match self {
            Self::Interactive => 16,
            Self::Normal => 4,
            Self::Background => 1,
        }
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Background => "background",
            Self::Normal => "normal",
            Self::Interactive => "interactive",
        })
    }
}
