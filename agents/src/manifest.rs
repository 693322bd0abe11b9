//! What is known of an agent before it is built: for who puts a team together, and for who fetches or explains what one needs.

use aimass_config::{AgentConfig, Settings};
use aimass_locale::Text;
use aimass_models::Store;
use aimass_runtime::Agent;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// What a program knows of an agent. Its skills, rules and views come from its definition.
#[derive(Clone, Copy)]
pub struct AgentManifest {
    /// Its name: the first part of its skills' names, and its section in the configuration.
    pub name: &'static str,
    /// What it works on, for people: `text`.
    pub subject: fn() -> Text,
    /// The models that it works with.
    pub models: &'static [ModelSlot],
    /// What can be set below `[agents.NAME.settings]`.
    pub settings: fn() -> KnownSettings,
    /// Makes the agent. What it cannot work with is told by its definition.
    pub build: fn(&Store, &AgentConfig) -> Box<dyn Agent>,
}

/// A place for one model of an agent.
pub struct ModelSlot {
    /// The key that names another one: `model` of `[agents.NAME]`, or a key of its settings. `None` where there is no other.
    pub key: Option<&'static str>,
    /// The name of the usual one in the catalogue.
    pub default: &'static str,
    /// The kinds of facts about files of which any gives it something to do, without their versions.
    pub inputs: &'static [&'static str],
    /// The setting that has to be `true` for that; none where it always is so.
    pub switch: Option<&'static str>,
    /// What it is for, for people: half a sentence.
    pub purpose: fn() -> Text,
    /// What becomes of the work without it, where more is to be said than that the task fails.
    pub without: Option<fn() -> Text>,
}

impl ModelSlot {
    /// Returns the name of the model that is configured for it, else of the usual one.
    pub fn model(&self, config: &AgentConfig) -> String {
        let chosen = match self.key {
            Some("model") => config.model.as_deref(),
            Some(key) => config.settings.text(key),
            None => None,
        };
        chosen.unwrap_or(self.default).to_owned()
    }

    /// Returns whether a run that is given files of that kind works with it.
    pub fn serves(&self, kind: &str, config: &AgentConfig) -> bool {
        let is_on = |switch| config.settings.flag(switch).unwrap_or(false);
        self.inputs.contains(&kind) && self.switch.is_none_or(is_on)
    }
}

/// The settings that an agent has.
#[derive(Debug, Clone, Default)]
pub struct KnownSettings {
    /// Each of them, in the order of the agent.
    pub keys: Vec<KnownSetting>,
    /// What holds where nothing is set.
    pub defaults: Settings,
}

/// One setting.
#[derive(Debug, Clone)]
pub struct KnownSetting {
    /// Its key.
    pub key: String,
    /// What it does: one or two sentences.
    pub about: String,
    /// What its value must be, in words; empty where `about` says it.
    pub rule: String,
}

impl KnownSettings {
    /// The fields of a settings type. What they do is said by their documentation, what they must be by their schema: `enum`, a range, or `x-rule`.
    pub fn of<T: JsonSchema + Serialize + Default>() -> Self {
        let schema = schemars::schema_for!(T);
        let fields = schema.get("properties").and_then(Value::as_object);
        let fields = fields.into_iter().flatten();
        let setting = |(key, field): (&String, &Value)| {
            let about = field.get("description").and_then(Value::as_str);
            let words = about.unwrap_or_default().split_whitespace();
            KnownSetting {
                key: key.clone(),
                about: words.collect::<Vec<_>>().join(" "),
                rule: rule(schema.as_value(), field),
            }
        };
        Self {
            keys: fields.map(setting).collect(),
            // A type that TOML cannot write has no defaults to show; the tests write those of each agent.
            defaults: Settings::of(&T::default()).unwrap_or_default(),
        }
    }
}

/// What a field must be, as far as its schema says.
fn rule(root: &Value, field: &Value) -> String {
    let reference = field.get("$ref").and_then(Value::as_str);
    let referred = reference.and_then(|path| root.pointer(path.trim_start_matches('#')));
    let field = match (field.get("x-rule"), referred) {
        (Some(rule), _) => return rule.as_str().unwrap_or_default().to_owned(),
        (None, Some(referred)) => referred,
        (None, None) => field,
    };
    if field.get("type").is_some_and(|named| named == "boolean") {
        return "`true` or `false`".to_owned();
    }
    let choices = field.get("enum").and_then(Value::as_array).cloned();
    let variants = field.get("oneOf").and_then(Value::as_array);
    let variants = variants.map(|all| all.iter().filter_map(|one| one.get("const").cloned()));
    if let Some(choices) = choices.or_else(|| Some(variants?.collect())) {
        let choices: Vec<String> = choices.iter().map(Value::to_string).collect();
        return format!("one of {}", choices.join(", "));
    }
    match (field.get("minimum"), field.get("maximum")) {
        (Some(least), Some(most)) => format!("a whole number from {least} to {most}"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use aimass_models::Catalogue;

    use super::*;
    use crate::AGENTS;

    #[test]
    fn agents_differ_by_name_and_their_usual_models_are_in_the_catalogue() {
        let names: BTreeSet<&str> = AGENTS.iter().map(|manifest| manifest.name).collect();
        assert_eq!(names.len(), AGENTS.len());
        let catalogue = Catalogue::with(&[]).unwrap();
        for slot in AGENTS.iter().flat_map(|manifest| manifest.models) {
            catalogue.find(slot.default).unwrap();
            // What no input asks for is fetched by hand, so its lack is bearable.
            let is_optional = slot.without.is_some();
            assert!(is_optional || !slot.inputs.is_empty(), "{}", slot.default);
        }
    }

    #[test]
    fn each_setting_is_explained_and_has_a_rule_and_a_default() {
        for manifest in AGENTS {
            let settings = (manifest.settings)();
            for KnownSetting { key, about, rule } in &settings.keys {
                let name = format!("{}.{key}", manifest.name);
                assert!(about.ends_with('.'), "{name}: {about}");
                assert!(!rule.is_empty(), "{name}");
                assert!(settings.defaults.shown(key).is_some(), "{name}");
            }
        }
    }

    #[test]
    fn a_slot_takes_its_model_from_its_key() {
        let slot = |key| ModelSlot {
            key,
            default: "usual",
            inputs: &["file.image"],
            switch: None,
            purpose: Text::default,
            without: None,
        };
        let mut config = AgentConfig {
            model: Some("mine".to_owned()),
            ..AgentConfig::default()
        };
        config.settings.set("reader", "sharp");
        assert_eq!(slot(Some("model")).model(&config), "mine");
        assert_eq!(slot(Some("reader")).model(&config), "sharp");
        assert_eq!(slot(Some("faces")).model(&config), "usual");
        assert_eq!(slot(None).model(&config), "usual");
    }
}
