//! The configuration of this team: what `aimass-config` knows, and what only its agents know.

use std::fmt::Write;

use aimass_agents::{AgentManifest, KnownSetting};
use aimass_config::Config;

use crate::AgentSet;

/// A file with every key, its default, its unit and what it does, in which nothing is set: [`Config::template`], and the models and settings of
/// each agent.
pub fn template() -> String {
    AgentSet::default().template()
}

/// The configuration with every setting of every agent, those included that nobody set.
pub fn in_force(config: Config) -> Config {
    AgentSet::default().in_force(config)
}

impl AgentSet {
    /// As [`template`], for these agents.
    pub fn template(&self) -> String {
        let mut text = Config::template();
        for manifest in self.iter() {
            write_agent(&mut text, manifest);
        }
        text
    }

    /// As [`in_force`], for these agents.
    pub fn in_force(&self, mut config: Config) -> Config {
        for manifest in self.iter() {
            let known = (manifest.settings)();
            if known.keys.is_empty() {
                continue;
            }
            let mut agent = config.agent(manifest.name);
            agent.settings = agent.settings.over(&known.defaults);
            config.agents.insert(manifest.name.to_owned(), agent);
        }
        config
    }
}

fn write_agent(text: &mut String, manifest: &AgentManifest) {
    let name = manifest.name;
    let models = manifest.models.iter().map(|slot| match slot.key {
        Some(key) => format!("`{}` unless `{key}` names another", slot.default),
        None => format!("`{}`", slot.default),
    });
    let models = models.collect::<Vec<_>>().join(", ");
    // Writing to a String cannot fail.
    let _ = write!(text, "\n# The agent `{name}`. Its models: {models}.\n");
    let settings = (manifest.settings)();
    if settings.keys.is_empty() {
        return;
    }
    let _ = writeln!(text, "[agents.{name}.settings]");
    for KnownSetting { key, about, rule } in &settings.keys {
        let rule = match rule.is_empty() {
            true => String::new(),
            false => format!(" Value: {rule}."),
        };
        let default = settings.defaults.shown(key).unwrap_or_default();
        let _ = write!(text, "\n# {about}{rule}\n#{key} = {default}\n");
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn parse(text: &str) -> Config {
        Config::parse(text, "aimass.toml", &BTreeMap::new()).unwrap()
    }

    #[test]
    fn the_template_without_its_marks_sets_every_setting_to_its_default() {
        let unmarked = template().lines().fold(String::new(), |text, line| {
            let setting = line.strip_prefix('#').filter(|rest| !rest.starts_with(' '));
            text + setting.unwrap_or(line) + "\n"
        });
        let config = parse(&unmarked);
        assert_eq!(config, in_force(Config::default()));
        assert_eq!(in_force(parse(&template())), config);
    }

    #[test]
    fn what_is_in_force_is_shown_at_its_new_place() {
        let config = in_force(parse(
            "[defaults]\ncache_bytes = '3MiB'\n[agents.speech]\nprecision = 'q8_0'",
        ));
        let shown = config.to_toml().unwrap();
        let again = in_force(parse(&shown));
        for config in [config, again] {
            let speech = config.agent("speech").settings;
            assert_eq!(speech.text("precision"), Some("q8_0"));
            assert_eq!(speech.text("cache_bytes"), Some("3MiB"));
        }
    }
}
