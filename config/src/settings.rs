//! What one agent alone knows: kept as it was written, and read by the agent itself.

pub mod byte_size;
mod reader;

use std::cell::Cell;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::check::{near, quoted};
use crate::error::Problem;
use crate::{Config, ConfigError, Places};
use reader::Reader;

/// What the user wrote below `[agents.NAME.settings]`. What it means is known to the agent only.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Written where all agents had them once: `[agents.NAME]` and `[defaults]`. The check lets no other unknown key pass.
    #[serde(flatten)]
    pub(crate) moved: Table,
    #[serde(rename = "settings", default, skip_serializing_if = "Table::is_empty")]
    pub(crate) own: Table,
}

impl Settings {
    /// Sets what `[agents.NAME.settings]` sets.
    pub fn set(&mut self, key: &str, value: impl Into<Value>) {
        self.own.insert(key.to_owned(), value.into());
    }

    /// Values as an agent has them, such as its defaults.
    ///
    /// # Errors
    /// They are no table, or have no form in TOML.
    pub fn of(values: &impl Serialize) -> Result<Self, ConfigError> {
        let own = Table::try_from(values).map_err(|source| ConfigError::Write { source })?;
        Ok(Self {
            own,
            moved: Table::new(),
        })
    }

    /// Returns these settings with those of `base` where they set nothing.
    #[must_use]
    pub fn over(mut self, base: &Self) -> Self {
        for (key, value) in &base.own {
            let value = self.in_force(key).unwrap_or(value).clone();
            self.moved.remove(key);
            self.own.insert(key.clone(), value);
        }
        self
    }

    /// Returns the value of a setting as TOML writes it.
    pub fn shown(&self, key: &str) -> Option<String> {
        self.in_force(key).map(Value::to_string)
    }

    /// Returns a setting that is text.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.in_force(key)?.as_str()
    }

    /// Returns a setting that is `true` or `false`.
    pub fn flag(&self, key: &str) -> Option<bool> {
        self.in_force(key)?.as_bool()
    }

    /// Returns what is in force: what was set, else what was set at the key's old place.
    fn in_force(&self, key: &str) -> Option<&Value> {
        let moved = self.moved.get(key).filter(|value| !is_none(value));
        self.own.get(key).or(moved)
    }
}

/// At the old places, this word took away what the defaults said.
fn is_none(value: &Value) -> bool {
    value.as_str() == Some("none")
}

/// The settings of one agent, with the places where they were written.
#[derive(Debug, Clone, Default)]
pub struct AgentSettings {
    agent: String,
    settings: Settings,
    /// What of the moved ones was said for all agents.
    defaults: Table,
    places: Places,
}

/// What reading the settings gave.
#[derive(Debug)]
pub struct SettingsRead<T> {
    /// The settings, or all that is wrong with them.
    pub value: Result<T, ConfigError>,
    /// The keys that there are; `None` where any may be.
    pub known: Option<&'static [&'static str]>,
}

impl Config {
    /// The settings of the agent `name`, for it to read.
    pub fn settings(&self, name: &str) -> AgentSettings {
        AgentSettings {
            agent: name.to_owned(),
            settings: self.agent(name).settings,
            defaults: self.defaults.settings.moved.clone(),
            places: self.places.clone(),
        }
    }
}

impl AgentSettings {
    /// Reads all of them. A key that `T` does not have is refused, whether `T` says so or not; text that is a number or a switch may stand for one,
    /// since that is how a variable says it.
    ///
    /// ```
    /// use std::collections::BTreeMap;
    ///
    /// use aimass_config::Config;
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Limits {
    ///     pages: u32,
    /// }
    ///
    /// let text = "[agents.mine.settings]\npages = 3";
    /// let config = Config::parse(text, "aimass.toml", &BTreeMap::new())?;
    /// let limits: Limits = config.settings("mine").read().value?;
    /// assert_eq!(limits.pages, 3);
    ///
    /// let text = "[agents.mine.settings]\npages = 'many'";
    /// let config = Config::parse(text, "aimass.toml", &BTreeMap::new())?;
    /// let refused = config.settings("mine").read::<Limits>().value.err();
    /// assert_eq!(
    ///     refused.map(|error| error.to_string()).as_deref(),
    ///     Some("aimass.toml:2: `agents.mine.settings.pages` must be a whole number from 0 to 4294967295, found \"many\""),
    /// );
    /// # Ok::<(), aimass_config::ConfigError>(())
    /// ```
    pub fn read<T: DeserializeOwned>(&self) -> SettingsRead<T> {
        let known = Cell::new(None);
        let value = T::deserialize(Reader::of(self, &known));
        let value = value.map_err(|refusal| {
            let mut problems = refusal.problems(&self.key(""), &self.places);
            problems.sort_by(|one, other| one.place().cmp(other.place()));
            ConfigError::Invalid { problems }
        });
        SettingsRead {
            value,
            known: known.get(),
        }
    }

    /// Returns a problem for each setting that is not among those which the agent has.
    pub fn unknown(&self, known: &[&str]) -> Vec<Problem> {
        let keys = self.settings.own.keys();
        let unknown = keys.filter(|key| !known.contains(&key.as_str()));
        let problem = |key: &String| {
            let nearest = near(known.iter().copied(), key);
            let key = self.key(key);
            Problem::UnknownKey {
                place: self.places.of_key(&key),
                key,
                nearest,
            }
        };
        unknown.map(problem).collect()
    }

    /// Returns what is said at places where settings no longer belong, of an agent that has the settings `known`.
    pub fn misplaced(&self, known: &[&str]) -> Vec<Problem> {
        let moved = self.settings.moved.keys();
        let problem = |name: &String| {
            let key = self.old_key(name);
            let place = self.places.of_key(&key);
            match known.contains(&name.as_str()) {
                true => Some(Problem::Moved {
                    now: self.key(name),
                    key,
                    place,
                }),
                // Said to all agents, it is meant for others.
                false if self.is_said_to_all(name) => None,
                false => Some(Problem::Idle { key, place }),
            }
        };
        moved.filter_map(problem).collect()
    }

    /// The name of a setting with its sections; of all of them where it is empty.
    fn key(&self, name: &str) -> String {
        match name {
            "" => format!("agents.{}.settings", self.agent),
            name => format!("agents.{}.settings.{}", self.agent, quoted(name)),
        }
    }

    fn old_key(&self, name: &str) -> String {
        match self.is_said_to_all(name) {
            true => format!("defaults.{name}"),
            false => format!("agents.{}.{name}", self.agent),
        }
    }

    fn is_said_to_all(&self, name: &str) -> bool {
        self.defaults.get(name) == self.settings.moved.get(name)
    }

    /// Where a setting in force was written: its name with its sections.
    fn key_in_force(&self, name: &str) -> String {
        match self.settings.own.contains_key(name) {
            true => self.key(name),
            false => self.old_key(name),
        }
    }
}
