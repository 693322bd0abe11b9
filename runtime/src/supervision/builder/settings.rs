//! A setting of one agent that was given to another.

use aimass_config::{AgentSettings, ConfigError, Problem};

use super::added_agent::AddedAgent;

/// Names the agent that has a setting which was given to one that does not.
pub(super) fn with_owners(error: ConfigError, agents: &[AddedAgent]) -> ConfigError {
    let ConfigError::Invalid { mut problems } = error else {
        return error;
    };
    for problem in &mut problems {
        let Problem::UnknownKey { key, nearest, .. } = problem else {
            continue;
        };
        let Some((_, name)) = key.split_once(".settings.") else {
            continue;
        };
        let owner = agents.iter().find(|agent| {
            let defined = agent.define(AgentSettings::default());
            defined.is_ok_and(|definition| definition.settings.known().contains(&name))
        });
        if let Some(owner) = owner {
            *nearest = Some(format!("agents.{}.settings.{name}", owner.name()));
        }
    }
    ConfigError::Invalid { problems }
}
