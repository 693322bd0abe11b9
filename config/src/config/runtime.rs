//! The settings of the runtime itself.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::form::{Bytes, Form, OrNone, Span};

/// Limits that hold for the whole runtime.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RuntimeConfig {
    /// How long a shutdown may take: accepted work is drained, and what is left is cut off so long before its end as the agents' `grace` says.
    #[serde(with = "Span")]
    pub shutdown_limit: Duration,
    /// The deadline of a task that brings none; `None` leaves it without one.
    #[serde(with = "OrNone::<Span>")]
    pub default_deadline: Option<Duration>,
    /// Memory for loaded models, in bytes; `None` is no limit.
    #[serde(with = "OrNone::<Bytes>")]
    pub memory_budget: Option<u64>,
    /// When and how agents are started again.
    pub supervision: SupervisionConfig,
    /// Events that wait for the observers; beyond it they are dropped and counted.
    pub event_capacity: usize,
}

/// The restart policy, as data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SupervisionConfig {
    /// Which agents restart together.
    pub strategy: Strategy,
    /// Restarts within `window`; one more escalates.
    pub max_restarts: u32,
    /// The span of time in which restarts are counted.
    #[serde(with = "Span")]
    pub window: Duration,
    /// The wait before the first restart; it doubles with each one that follows.
    #[serde(with = "Span")]
    pub backoff_initial: Duration,
    /// The longest wait before a restart.
    #[serde(with = "Span")]
    pub backoff_max: Duration,
}

/// Which agents restart together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// Only the one that failed.
    OneForOne,
    /// All of them.
    OneForAll,
    /// The one that failed and those that were started after it.
    RestForOne,
}

impl Default for RuntimeConfig {
    fn default() -> Self {
        Self {
            shutdown_limit: Duration::from_secs(10),
            default_deadline: None,
            memory_budget: None,
            supervision: SupervisionConfig::default(),
            event_capacity: 65_536,
        }
    }
}

impl Default for SupervisionConfig {
    fn default() -> Self {
        Self {
            strategy: Strategy::OneForOne,
            max_restarts: 5,
            window: Duration::from_secs(60),
            backoff_initial: Duration::from_millis(10),
            backoff_max: Duration::from_secs(5),
        }
    }
}
