//! What doing a task twice would mean.

use serde::{Deserialize, Serialize};

/// What doing a task twice would mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Nothing but its output: it may run again.
    Pure,
    /// It changes something outside, but twice is as good as once.
    Idempotent,
    /// It changes something outside each time: the runtime never runs it a second time.
    Once,
}
