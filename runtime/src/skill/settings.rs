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
    heard: Arc<Mutex<Heard>>,
}

/// What the agent's author said of its settings.
enum Heard {
    /// It has these; none where it was never asked.
    Known(&'static [&'static str]),
    /// It takes any key.
    Any,
    /// What was given is wrong, and these it has.
    Refused(ConfigError, &'static [&'static str]),
}

impl Default for Heard {
    fn default() -> Self {
        Self::Known(&[])
    }
}

impl OwnSettings {
    pub(crate) fn new(given: AgentSettings) -> Self {
        Self {
            given,
            heard: Arc::default(),
        }
    }

    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        let SettingsRead { value, known } = self.given.read();
        let (heard, value) = match (value, known) {
            (Err(error), known) => {
                let fault = Fault::rejected(error.to_string());
                (Heard::Refused(error, known.unwrap_or_default()), Err(fault))
            }
            (Ok(value), Some(known)) => (Heard::Known(known), Ok(value)),
            (Ok(value), None) => (Heard::Any, Ok(value)),
        };
        *self.heard.lock() = heard;
        value
    }

    /// The settings that the agent has, as far as it said.
    pub(crate) fn known(&self) -> &'static [&'static str] {
        match &*self.heard.lock() {
            Heard::Known(known) | Heard::Refused(_, known) => known,
            Heard::Any => &[],
        }
    }

    /// Returns what is wrong with what was given, if the agent was told so.
    pub(crate) fn refused(&self) -> Option<ConfigError> {
        let mut heard = self.heard.lock();
        match std::mem::take(&mut *heard) {
            Heard::Refused(error, _) => Some(error),
            other => {
                *heard = other;
                None
            }
        }
    }

    /// Returns what is odd about what was given to an agent that could work with it, and holds.
    ///
    /// # Errors
    /// Settings that the agent does not have: all of them, if it never asked for any.
    pub(crate) fn judge(&self) -> Result<Vec<Problem>, ConfigError> {
        let known = match &*self.heard.lock() {
            Heard::Any => return Ok(Vec::new()),
            Heard::Known(known) | Heard::Refused(_, known) => *known,
        };
        let problems = self.given.unknown(known);
        match problems.is_empty() {
            true => Ok(self.given.misplaced(known)),
            false => Err(ConfigError::Invalid { problems }),
        }
    }
}
