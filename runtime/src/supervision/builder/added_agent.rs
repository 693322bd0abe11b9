//! Agents as they were added to a runtime: their authors' code is called here only, and costs the start at most.

use aimass_environment::panics;

use crate::fault::Fault;
use crate::skill::definition::{Agent, AgentDefinition};

/// An agent with its name, which it is asked for once.
pub(super) struct AddedAgent {
    name: Result<String, Fault>,
    /// There until it is dropped.
    agent: Option<Box<dyn Agent>>,
}

impl AddedAgent {
    pub(super) fn new(agent: impl Agent) -> Self {
        let name = panics::caught(|| agent.name().to_owned());
        Self {
            name: name.map_err(|message| Fault::bug(format!("its name panicked: {message}"))),
            agent: Some(Box::new(agent)),
        }
    }

    /// Its name; a question mark for one that does not say it.
    pub(super) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or("?")
    }

    /// Returns what the agent says of itself.
    ///
    /// # Errors
    /// What the agent says, or that it panicked, which is a bug of the agent.
    pub(super) fn define(&self) -> Result<AgentDefinition, Fault> {
        if let Err(fault) = &self.name {
            return Err(fault.clone());
        }
        let Some(agent) = &self.agent else {
            return Err(Fault::bug("it is gone"));
        };
        let defined = panics::caught(|| agent.define(AgentDefinition::default()));
        defined.unwrap_or_else(|message| {
            Err(Fault::bug(format!("its definition panicked: {message}")))
        })
    }
}

impl Drop for AddedAgent {
    fn drop(&mut self) {
        panics::free(self.agent.take(), "an agent");
    }
}
