//! Faults: what a skill or a model reports when it cannot do its work.

use std::time::Duration;

use aimass_environment::ParseKindError;
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
    /// How long the next attempt should wait, where there is one; `None` lets it come at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause: Option<Duration>,
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
        Self::new(FaultKind::Rejected, message)
    }

    /// Something that the work needs is missing.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(FaultKind::Unavailable, message)
    }

    /// A passing fault.
    pub fn retryable(message: impl Into<String>) -> Self {
        Self::new(FaultKind::Retryable, message)
    }

    /// The device cannot be used again in this process.
    pub fn device_lost(message: impl Into<String>) -> Self {
        Self::new(FaultKind::DeviceLost, message)
    }

    /// The agent broke its own contract.
    pub fn bug(message: impl Into<String>) -> Self {
        Self::new(FaultKind::Bug, message)
    }

    /// A fault of that kind.
    pub fn new(kind: FaultKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            pause: None,
        }
    }

    /// Asks for a pause before the next attempt. The task keeps its place in the agent meanwhile, and no worker.
    #[must_use]
    pub fn after(mut self, pause: Duration) -> Self {
        self.pause = Some(pause);
        self
    }
}

/// A kind that an agent spells itself is part of its contract.
impl From<ParseKindError> for Fault {
    fn from(error: ParseKindError) -> Self {
        Self::bug(error.to_string())
    }
}
