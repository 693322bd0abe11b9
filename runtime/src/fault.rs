//! Faults: what a skill or a model reports when it cannot do its work.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why an attempt failed, as the skill or the model says it.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
#[error("{message}")]
pub struct Fault {
    /// What the runtime may do about it.
    pub kind: FaultKind,
    /// One line: what was expected, what came, what to do.
    pub message: String,
}

/// What the runtime may do about a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// The input is at fault: no further attempt can help.
    Rejected,
    /// Something outside was not to be had (a file, a model, a peer): no further attempt now, the user can mend it.
    Unavailable,
    /// It may work the next time.
    Retryable,
    /// The device is lost for this process, or not there: go to the fallback placement, do not try here again. Where a model is read, there is no
    /// fallback, and the last device never worked, it counts as `Unavailable`.
    DeviceLost,
    /// The agent broke its own contract.
    Bug,
}

impl Fault {
    /// The input is at fault.
    pub fn rejected(message: impl Into<String>) -> Self {
        Self {
            kind: FaultKind::Rejected,
            message: message.into(),
        }
    }

    /// Something that the work needs is missing.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self {
            kind: FaultKind::Unavailable,
            message: message.into(),
        }
    }

    /// A passing fault.
    pub fn retryable(message: impl Into<String>) -> Self {
        Self {
            kind: FaultKind::Retryable,
            message: message.into(),
        }
    }

    /// The device cannot be used again in this process.
    pub fn device_lost(message: impl Into<String>) -> Self {
        Self {
            kind: FaultKind::DeviceLost,
            message: message.into(),
        }
    }

    /// The agent broke its own contract.
    pub fn bug(message: impl Into<String>) -> Self {
        Self {
            kind: FaultKind::Bug,
            message: message.into(),
        }
    }
}
