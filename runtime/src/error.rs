//! What can become of a task besides its output.

use std::time::Duration;

use aimass_environment::TaskId;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::fault::{Fault, FaultKind};

/// Why a task has no output. One enum for all transports, so it can be matched on and sent.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(tag = "error", rename_all = "snake_case")]
#[non_exhaustive]
pub enum TaskError {
    /// The agent is full and took nothing; the task was never accepted.
    #[error(
        "agent `{agent}` is full: {queued} tasks of {capacity} ({queued_bytes} bytes of {capacity_bytes}); try again in {retry_after:?}"
    )]
    Overloaded {
        /// Who refused.
        agent: String,
        /// Tasks that it holds.
        queued: u64,
        /// Tasks that it may hold.
        capacity: u64,
        /// Bytes of input that it holds.
        queued_bytes: u64,
        /// Bytes of input that it may hold.
        capacity_bytes: u64,
        /// When a place is likely to be free.
        retry_after: Duration,
    },
    /// The deadline came first.
    #[error("`{skill}` did not answer within its deadline")]
    DeadlineExceeded {
        /// What was asked.
        skill: String,
    },
    /// The caller stopped waiting.
    #[error("the call of `{skill}` was cancelled")]
    Cancelled {
        /// What was asked.
        skill: String,
    },
    /// The input cannot be served.
    #[error("`{skill}` refused the input: {message}")]
    Rejected {
        /// What was asked.
        skill: String,
        /// What was expected, what came, what to do.
        message: String,
    },
    /// Something that the skill needs is not to be had.
    #[error("`{skill}` is not available: {message}")]
    Unavailable {
        /// What was asked.
        skill: String,
        /// What is missing, and what to do.
        message: String,
    },
    /// The work failed for good and will not be tried again.
    #[error("`{skill}` failed after {attempts} attempts: {message}")]
    Failed {
        /// What was asked.
        skill: String,
        /// How many attempts were made.
        attempts: u32,
        /// The last attempt's fault.
        message: String,
    },
    /// The task brought its worker down, or hung, and is kept among the dead letters.
    #[error(
        "`{skill}` was given up after {attempts} attempts and kept as dead letter {task}: {cause}"
    )]
    DeadLettered {
        /// What was asked.
        skill: String,
        /// The dead letter's id, for `redrive`.
        task: TaskId,
        /// How many attempts were made.
        attempts: u32,
        /// The panic's message, or that it hung.
        cause: String,
    },
    /// A stream broke off after its first item.
    #[error("the stream of `{skill}` broke off after {delivered} items: {message}")]
    Interrupted {
        /// What was asked.
        skill: String,
        /// How many items were delivered.
        delivered: u64,
        /// The fault.
        message: String,
    },
    /// No agent offers the skill.
    #[error("no agent offers `{skill}`{}", did_you_mean(.nearest))]
    UnknownSkill {
        /// What was asked.
        skill: String,
        /// The nearest skill that there is.
        nearest: Option<String>,
    },
    /// The input is not of the skill's form.
    #[error("`{skill}` cannot read its input: {message}")]
    InvalidInput {
        /// What was asked.
        skill: String,
        /// The reader's message.
        message: String,
    },
    /// A flow asked, directly or through others, for itself.
    #[error("the flow asks itself: {}", .path.join(" -> "))]
    Cycle {
        /// The skills on the way, the repeated one last.
        path: Vec<String>,
    },
    /// The runtime takes no new work, or cut this task off.
    #[error("the runtime is shutting down; `{skill}` was not done")]
    ShuttingDown {
        /// What was asked.
        skill: String,
    },
    /// The agent's workers could not be kept alive.
    #[error("agent `{agent}` has failed and serves nothing until it is restarted: {message}")]
    AgentFailed {
        /// The agent.
        agent: String,
        /// The last cause.
        message: String,
    },
    /// The environment could not take the task's facts or its settlement.
    #[error("the environment did not take the outcome of `{skill}`: {message}")]
    Environment {
        /// What was asked.
        skill: String,
        /// The store's message.
        message: String,
    },
    /// The other side of a transport is gone or broke its protocol.
    #[error("the node did not answer: {message}")]
    Transport {
        /// What happened.
        message: String,
    },
    /// A request that is no task (for facts, for dead letters) could not be served.
    #[error("{message}")]
    Refused {
        /// Whose fault it is.
        kind: FaultKind,
        /// What was expected, what came, what to do.
        message: String,
    },
    /// The runtime or an agent broke its own contract.
    #[error("this is a bug in `{skill}`: {message}")]
    Bug {
        /// What was asked.
        skill: String,
        /// What was expected, what came.
        message: String,
    },
}

fn did_you_mean(nearest: &Option<String>) -> String {
    nearest
        .as_ref()
        .map(|name| format!("; did you mean `{name}`?"))
        .unwrap_or_default()
}

/// What a flow reports when a skill that it asked did not answer, unless it knows better. What may pass stays so: a full agent is asked again after
/// the pause that it named.
impl From<TaskError> for Fault {
    fn from(error: TaskError) -> Self {
        match error {
            TaskError::Rejected { message, .. } | TaskError::InvalidInput { message, .. } => {
                Self::rejected(message)
            }
            TaskError::Unavailable { message, .. } => Self::unavailable(message),
            TaskError::Refused { kind, message } => Self::new(kind, message),
            TaskError::Overloaded { retry_after, .. } => {
                Self::retryable(error.to_string()).after(retry_after)
            }
            TaskError::Transport { .. } => Self::retryable(error.to_string()),
            TaskError::Bug { .. } | TaskError::Cycle { .. } | TaskError::DeadLettered { .. } => {
                Self::bug(error.to_string())
            }
            other => Self::unavailable(other.to_string()),
        }
    }
}

impl TaskError {
    /// What a fault means to the caller, once no further attempt is made.
    pub fn from_fault(skill: &str, attempts: u32, fault: Fault) -> Self {
        let skill = skill.to_owned();
        let message = fault.message;
        match fault.kind {
            FaultKind::Rejected => Self::Rejected { skill, message },
            FaultKind::Unavailable => Self::Unavailable { skill, message },
            FaultKind::Retryable | FaultKind::DeviceLost => Self::Failed {
                skill,
                attempts,
                message,
            },
            FaultKind::Bug => Self::Bug { skill, message },
        }
    }

    /// What it gives, its output or an item, is of another type than was declared.
    pub(crate) fn unexpected_type<T>(skill: &str, what: &str, found: &str) -> Self {
        let expected = std::any::type_name::<T>();
        Self::Bug {
            skill: skill.to_owned(),
            message: format!("expected {what} of the type {expected}, got {found}"),
        }
    }

    /// The name of its kind, as in its JSON form.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Overloaded { .. } => "overloaded",
            Self::DeadlineExceeded { .. } => "deadline_exceeded",
            Self::Cancelled { .. } => "cancelled",
            Self::Rejected { .. } => "rejected",
            Self::Unavailable { .. } => "unavailable",
            Self::Failed { .. } => "failed",
            Self::DeadLettered { .. } => "dead_lettered",
            Self::Interrupted { .. } => "interrupted",
            Self::UnknownSkill { .. } => "unknown_skill",
            Self::InvalidInput { .. } => "invalid_input",
            Self::Cycle { .. } => "cycle",
            Self::ShuttingDown { .. } => "shutting_down",
            Self::AgentFailed { .. } => "agent_failed",
            Self::Environment { .. } => "environment",
            Self::Transport { .. } => "transport",
            Self::Refused { .. } => "refused",
            Self::Bug { .. } => "bug",
        }
    }

    /// The exit code of a program that ends with this error: 65 bad input, 69 unavailable, 70 a bug.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Rejected { .. }
            | Self::InvalidInput { .. }
            | Self::Refused {
                kind: FaultKind::Rejected,
                ..
            } => 65,
            Self::UnknownSkill { .. } => 64,
            Self::Cycle { .. }
            | Self::Bug { .. }
            | Self::DeadLettered { .. }
            | Self::AgentFailed { .. }
            | Self::Refused {
                kind: FaultKind::Bug,
                ..
            } => 70,
            _ => 69,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_agent_is_asked_again_after_the_pause_that_it_named() {
        let retry_after = Duration::from_millis(30);
        let full = TaskError::Overloaded {
            agent: "text".to_owned(),
            queued: 8,
            capacity: 8,
            queued_bytes: 1,
            capacity_bytes: 2,
            retry_after,
        };
        let fault = Fault::from(full);
        assert_eq!(fault.kind, FaultKind::Retryable);
        assert_eq!(fault.pause, Some(retry_after));
    }

    #[test]
    fn a_fault_of_what_was_asked_keeps_its_kind() {
        let (skill, message) = ("text.embed".to_owned(), "why".to_owned());
        for (error, kind) in [
            (
                TaskError::Transport {
                    message: message.clone(),
                },
                FaultKind::Retryable,
            ),
            (
                TaskError::Refused {
                    kind: FaultKind::Rejected,
                    message: message.clone(),
                },
                FaultKind::Rejected,
            ),
            (
                TaskError::Rejected {
                    skill: skill.clone(),
                    message: message.clone(),
                },
                FaultKind::Rejected,
            ),
            // Its attempts were made already.
            (
                TaskError::Failed {
                    skill,
                    attempts: 3,
                    message,
                },
                FaultKind::Unavailable,
            ),
        ] {
            let told = error.to_string();
            assert_eq!(Fault::from(error).kind, kind, "{told}");
        }
    }
}
