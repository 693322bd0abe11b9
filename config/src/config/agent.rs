//! The settings of one agent.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Settings;
use crate::form::{Bytes, Form, OrNone, Plain, Span};

/// How one agent is placed, bounded and watched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AgentConfig {
    /// Whether the agent is started at all.
    pub enabled: bool,
    /// Devices: the first is the wish, the others are fallbacks in order.
    /// Each is `cpu`, `cuda:N`, `metal:N` or `auto`; there is at least one.
    pub placement: Vec<String>,
    /// Workers that hold the agent's model side by side; at least 1.
    pub replicas: u32,
    /// Accepted tasks that are not settled yet; one more is refused.
    pub capacity: u64,
    /// Input of the accepted tasks that are not settled yet, in bytes; more is refused.
    #[serde(with = "Bytes")]
    pub capacity_bytes: u64,
    /// Attempts before a task is dead-lettered; at least 1.
    pub max_attempts: u32,
    /// Tasks in one batch; at least 1.
    pub max_batch: u32,
    /// How long a free worker waits for a batch to fill; zero takes what is queued.
    #[serde(with = "Span")]
    pub max_wait: Duration,
    /// How long one step may take before the watchdog calls its worker hung.
    #[serde(with = "Span")]
    pub step_limit: Duration,
    /// How long a worker may read its model, or build it, before the watchdog calls it hung.
    #[serde(with = "Span")]
    pub load_limit: Duration,
    /// How long a cancelled worker may take to stop before its thread is abandoned.
    #[serde(with = "Span")]
    pub grace: Duration,
    /// Abandoned threads that are borne before the agent has failed.
    pub max_abandoned: u32,
    /// Unload the model after this time without work; `None` keeps it.
    #[serde(with = "OrNone::<Span>")]
    pub idle_unload: Option<Duration>,
    /// Whether the model is loaded by the first task rather than at start.
    pub lazy: bool,
    /// The model's name in the catalogue; `None` means the agent's own choice.
    #[serde(with = "OrNone::<Plain>")]
    pub model: Option<String>,
    /// What it alone knows, as it was written.
    #[serde(flatten)]
    pub settings: Settings,
}

impl Default for AgentConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            placement: vec!["cpu".to_owned()],
            replicas: 1,
            capacity: 1024,
            capacity_bytes: 256 * 1024 * 1024,
            max_attempts: 3,
            max_batch: 32,
            max_wait: Duration::ZERO,
            step_limit: Duration::from_secs(30),
            load_limit: Duration::from_secs(600),
            grace: Duration::from_secs(2),
            max_abandoned: 1,
            idle_unload: None,
            lazy: true,
            model: None,
            settings: Settings::default(),
        }
    }
}
