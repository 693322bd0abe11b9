//! The members of a team at one moment: its agents, and what they bring.

use std::sync::Arc;

use aimass_environment::panics;

use crate::core::AgentCore;
use crate::skill::idle_rule::IdleRule;
use crate::skill::reaction::Reaction;
use crate::skill::views::Views;

/// The agents of a runtime and their rules. Whoever joins or leaves brings a new value; who holds the old one goes on with it.
#[derive(Clone, Default)]
pub(crate) struct Members {
    pub(crate) cores: Vec<Arc<AgentCore>>,
    pub(crate) reactions: Vec<Arc<Reaction>>,
    pub(crate) idle_rules: Vec<Arc<IdleRule>>,
    pub(crate) views: Views,
}

impl Members {
    /// The core of the agent of that name.
    pub(crate) fn core(&self, agent: &str) -> Option<&Arc<AgentCore>> {
        self.cores.iter().find(|core| &*core.name == agent)
    }
}

impl Drop for Members {
    /// Rules hold closures of agents' authors, whose drop may panic.
    fn drop(&mut self) {
        for rule in self.reactions.drain(..) {
            panics::free(rule, "a reaction");
        }
        for rule in self.idle_rules.drain(..) {
            panics::free(rule, "a rule");
        }
    }
}
