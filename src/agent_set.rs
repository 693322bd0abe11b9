//! The agents of a program: those of this build, and those that it adds.

use aimass_agents::{AGENTS, AgentManifest};

/// The agents of a program, by their manifests. Those of this build by default.
#[derive(Clone)]
pub struct AgentSet {
    manifests: Vec<AgentManifest>,
}

impl AgentSet {
    /// Adds an agent. One of the same name takes the place of the one before.
    #[must_use]
    pub fn with(mut self, manifest: AgentManifest) -> Self {
        self.manifests.retain(|known| known.name != manifest.name);
        self.manifests.push(manifest);
        self
    }

    /// Returns the manifests, in the order in which the agents start.
    pub fn iter(&self) -> impl Iterator<Item = &AgentManifest> {
        self.manifests.iter()
    }
}

impl Default for AgentSet {
    fn default() -> Self {
        Self {
            manifests: AGENTS.to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_is_added_or_takes_the_place_of_its_namesake() {
        let first = AGENTS[0];
        let other = AgentManifest {
            name: "other",
            ..first
        };
        let set = AgentSet::default().with(first).with(other).with(other);
        let names: Vec<&str> = set.iter().map(|manifest| manifest.name).collect();
        let mut expected: Vec<&str> = AGENTS[1..].iter().map(|one| one.name).collect();
        expected.extend([first.name, "other"]);
        assert_eq!(names, expected);
    }
}
