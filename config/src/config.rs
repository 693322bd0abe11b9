//! The final configuration: every value present and within its rules.

pub(crate) mod agent;
pub(crate) mod environment;
pub(crate) mod models;
pub(crate) mod observers;
pub(crate) mod reaction;
pub(crate) mod runtime;

use std::collections::BTreeMap;

use crate::{
    AgentConfig, EnvironmentConfig, ModelsConfig, ObserversConfig, ReactionConfig, RuntimeConfig,
};

/// What the program means: every value is present.
///
/// ```
/// use aimass_config::Config;
///
/// let config = Config::default();
/// assert_eq!(config.agent("text").replicas, 1);
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Config {
    /// The runtime's own limits and its supervision.
    pub runtime: RuntimeConfig,
    /// The shared, durable environment.
    pub environment: EnvironmentConfig,
    /// What holds for each agent that `agents` does not name.
    pub defaults: AgentConfig,
    /// The agents that the user named, already merged with `defaults`.
    pub agents: BTreeMap<String, AgentConfig>,
    /// The user's own reactions, in the order of the file.
    pub reactions: Vec<ReactionConfig>,
    /// Where models come from.
    pub models: ModelsConfig,
    /// What the observers write.
    pub observers: ObserversConfig,
}

impl Config {
    /// The settings of the agent `name`: its own where the user named it, else the defaults.
    pub fn agent(&self, name: &str) -> AgentConfig {
        self.agents.get(name).unwrap_or(&self.defaults).clone()
    }
}
