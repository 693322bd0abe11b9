//! What the configuration says to one agent alone, on its way to the agent's author and back.

use std::sync::Arc;

use aimass_config::{AgentSettings, ConfigError, Problem, SettingsRead};
use parking_lot::Mutex;
use serde::de::DeserializeOwned;

use crate::fault::Fault;

/// The settings that a definition hands to its agent, and what became of them.
#[derive(Clone, Default)]
pub(crate) struct OwnSettings {
    given: AgentSettings,
    /// Shared with who asks for the definition: a definition that fails is gone, and what is wrong should be told with its place all the same.
    received: Arc<Mutex<Received>>,
}

/// What the agent's author said of its settings.
enum Received {
    /// It has these; none where it was never asked.
    Known(&'static [&'static str]),
    /// It takes any key.
    Any,
    /// What was given is wrong, and these it has.
    Refused(ConfigError, &'static [&'static str]),
}

impl Default for Received {
    fn default() -> Self {
        Self::Known(&[])
    }
}

impl OwnSettings {
    pub(crate) fn new(given: AgentSettings) -> Self {
        Self {
            given,
            received: Arc::default(),
        }
    }

    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        let SettingsRead { value, known } = self.given.read();
        let (received, value) = match (value, known) {
            (Err(error), known) => {
                let fault = Fault::rejected(error.to_string());
                (
                    Received::Refused(error, known.unwrap_or_default()),
                    Err(fault),
                )
            }
            (Ok(value), Some(known)) => (Received::Known(known), Ok(value)),
            (Ok(value), None) => (Received::Any, Ok(value)),
        };
        *self.received.lock() = received;
        value
    }

    /// The settings that the agent has, as far as it said.
    pub(crate) fn known(&self) -> &'static [&'static str] {
        match &*self.received.lock() {
            Received::Known(known) | Received::Refused(_, known) => known,
            Received::Any => &[],
        }
    }

    /// Returns what is wrong with what was given, if the agent was told so.
    pub(crate) fn refused(&self) -> Option<ConfigError> {
        let mut received = self.received.lock();
        match std::mem::take(&mut *received) {
            Received::Refused(error, _) => Some(error),
            other => {
                *received = other;
                None
            }
        }
    }

    /// Returns what is odd about what was given to an agent that could work with it, and holds.
    ///
    /// # Errors
    /// Settings that the agent does not have: all of them, if it never asked for any.
    pub(crate) fn judge(&self) -> Result<Vec<Problem>, ConfigError> {
        let known = match &*self.received.lock() {
            Received::Any => return Ok(Vec::new()),
            Received::Known(known) | Received::Refused(_, known) => *known,
        };
        let problems = self.given.unknown(known);
        match problems.is_empty() {
            true => Ok(self.given.misplaced(known)),
            false => Err(ConfigError::Invalid { problems }),
        }
    }
}
