//! Agents as they were added to a runtime: their authors' code is called here only, and costs the start at most.

use aimass_config::{AgentSettings, Config, Problem};
use aimass_environment::panics;

use crate::fault::Fault;
use crate::runtime::RuntimeError;
use crate::skill::definition::{Agent, AgentDefinition};
use crate::skill::settings::OwnSettings;
use crate::supervision::builder::settings::with_owners;

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

    /// Returns what the agent says of itself, given these settings.
    ///
    /// # Errors
    /// What the agent says, or that it panicked, which is a bug of the agent.
    pub(super) fn define(&self, settings: AgentSettings) -> Result<AgentDefinition, Fault> {
        self.define_with(OwnSettings::new(settings))
    }

    /// Returns what the agent says of itself, and what is odd about its settings and holds.
    ///
    /// # Errors
    /// [`RuntimeError::Config`] where its settings are wrong, else [`RuntimeError::Agent`].
    pub(super) fn configured(
        &self,
        config: &Config,
        agents: &[Self],
    ) -> Result<(AgentDefinition, Vec<Problem>), RuntimeError> {
        let settings = OwnSettings::new(config.settings(self.name()));
        let defined = self.define_with(settings.clone());
        let wrong = |error| RuntimeError::from(with_owners(error, agents));
        match (defined, settings.refused()) {
            (_, Some(error)) => Err(wrong(error)),
            (Ok(definition), None) => Ok((definition, settings.judge().map_err(wrong)?)),
            (Err(fault), None) => Err(RuntimeError::Agent {
                agent: self.name().to_owned(),
                fault,
            }),
        }
    }

    fn define_with(&self, settings: OwnSettings) -> Result<AgentDefinition, Fault> {
        if let Err(fault) = &self.name {
            return Err(fault.clone());
        }
        let Some(agent) = &self.agent else {
            return Err(Fault::bug("it is gone"));
        };
        let defined = panics::caught(|| agent.define(AgentDefinition::with_settings(settings)));
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
