//! The final configuration: every value present and within its rules.

pub(crate) mod agent;
pub(crate) mod environment;
pub(crate) mod models;
pub(crate) mod observers;
pub(crate) mod reaction;
pub(crate) mod runtime;

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::document::Node;
use crate::{
    AgentConfig, ConfigError, EnvironmentConfig, ModelsConfig, ObserversConfig, Place, Places,
    Problem, ProcessVariables, ReactionConfig, RuntimeConfig, Variables, check, file, template,
    variables,
};

/// What the program means: every value is present.
///
/// ```
/// use aimass_config::Config;
///
/// let config = Config::default();
/// assert_eq!(config.agent("text").replicas, 1);
/// ```
///
/// Serde alone reads and writes the values only: it neither holds them against the rules, nor gives agents what the defaults say.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The runtime's own limits and its supervision.
    pub runtime: RuntimeConfig,
    /// The shared, durable environment.
    pub environment: EnvironmentConfig,
    /// What holds for each agent that `agents` does not name.
    pub defaults: AgentConfig,
    /// The agents that the user named, already merged with `defaults`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub agents: BTreeMap<String, AgentConfig>,
    /// The user's own reactions, in the order of the file.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reactions: Vec<ReactionConfig>,
    /// Where models come from.
    pub models: ModelsConfig,
    /// What the observers write.
    pub observers: ObserversConfig,
    /// Where names were written, so that one that there is not is told with its line.
    #[serde(skip)]
    pub places: Places,
}

impl Config {
    /// Reads a file, and the `AIMASS_SECTION__KEY` variables of this process, which come before it.
    ///
    /// # Errors
    /// The file cannot be read, is too large or not text, or has problems, which the error lists.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        Self::resolve(Some(path.as_ref()), &ProcessVariables)
    }

    /// Reads a file, if there is one, and the variables, which come before it.
    ///
    /// # Errors
    /// The same as those of [`Config::load`].
    pub fn resolve(file: Option<&Path>, variables: &dyn Variables) -> Result<Self, ConfigError> {
        match file {
            Some(path) => {
                let text = file::read(path)?;
                Self::parse(&text, &path.display().to_string(), variables)
            }
            None => Self::parse("", "", variables),
        }
    }

    /// Reads a text that `origin` names in errors, and the variables, which come before it.
    ///
    /// ```
    /// use std::collections::BTreeMap;
    ///
    /// use aimass_config::Config;
    ///
    /// let text = "[agents.text]\nreplicas = 2";
    /// let config = Config::parse(text, "aimass.toml", &BTreeMap::new())?;
    /// assert_eq!(config.agent("text").replicas, 2);
    ///
    /// let typo = "[agents.text]\nreplcas = 2";
    /// let error = Config::parse(typo, "aimass.toml", &BTreeMap::new()).unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "aimass.toml:2: unknown key `agents.text.replcas`, did you mean `replicas`?",
    /// );
    /// # Ok::<(), aimass_config::ConfigError>(())
    /// ```
    ///
    /// # Errors
    /// The text is too large or has problems, which the error lists.
    pub fn parse(text: &str, origin: &str, variables: &dyn Variables) -> Result<Self, ConfigError> {
        file::bound(text, origin)?;
        let mut document = Node::parse(text, origin).map_err(|problem| invalid(vec![*problem]))?;
        let mut problems = variables::overlay(&mut document, variables);
        problems.extend(check::problems_of(&document, origin));
        if !problems.is_empty() {
            problems.sort_by(|one, other| one.place().cmp(other.place()));
            return Err(invalid(problems));
        }
        let places = Places::of(&document, origin);
        Ok(Self {
            places,
            ..Self::of(document)?
        })
    }

    /// Holds values that were built in code against the same rules as a file.
    ///
    /// # Errors
    /// A value breaks its rule, or has no form in TOML.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let value = toml::Value::try_from(self).map_err(|source| ConfigError::Write { source })?;
        let problems = check::problems_of(&Node::from_value(value), "");
        if !problems.is_empty() {
            return Err(invalid(problems));
        }
        Ok(())
    }

    /// All values as TOML, which loads again to the same configuration.
    ///
    /// # Errors
    /// A value that was built in code breaks its rule, or has no form in TOML.
    pub fn to_toml(&self) -> Result<String, ConfigError> {
        self.validate()?;
        toml::to_string(self).map_err(|source| ConfigError::Write { source })
    }

    /// A file with every key, its default, its unit and what it does, in which nothing is set.
    pub fn template() -> String {
        template::write()
    }

    /// The settings of the agent `name`: its own where the user named it, else the defaults.
    pub fn agent(&self, name: &str) -> AgentConfig {
        self.agents.get(name).unwrap_or(&self.defaults).clone()
    }

    /// Returns the settings of the agent `name` to be changed; where the user did not name it, they begin as the defaults.
    ///
    /// ```
    /// use aimass_config::Config;
    ///
    /// let mut config = Config::default();
    /// config.agent_mut("text").replicas = 2;
    /// assert_eq!(config.agent("text").replicas, 2);
    /// assert_eq!(config.agent("speech").replicas, 1);
    /// ```
    pub fn agent_mut(&mut self, name: &str) -> &mut AgentConfig {
        let agent = self.agents.entry(name.to_owned());
        agent.or_insert_with(|| self.defaults.clone())
    }

    /// Reads a document that passed the check, which knows every rule that serde enforces here again.
    fn of(document: Node) -> Result<Self, ConfigError> {
        let mut values = document.into_value();
        inherit(&mut values);
        Self::deserialize(values).map_err(|error| {
            invalid(vec![Problem::Syntax {
                place: Place::Code,
                message: error.message().to_owned(),
            }])
        })
    }
}

/// Gives each agent that is named what the defaults say and it does not.
fn inherit(values: &mut toml::Value) {
    let Some(defaults) = values
        .get("defaults")
        .and_then(toml::Value::as_table)
        .cloned()
    else {
        return;
    };
    let agents = values.get_mut("agents").and_then(toml::Value::as_table_mut);
    let agents = agents.into_iter().flat_map(toml::Table::iter_mut);
    for agent in agents.filter_map(|(_, agent)| agent.as_table_mut()) {
        for (key, value) in &defaults {
            agent.entry(key).or_insert_with(|| value.clone());
        }
    }
}

fn invalid(problems: Vec<Problem>) -> ConfigError {
    ConfigError::Invalid { problems }
}
