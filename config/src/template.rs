//! The file that `aimass config init` writes: every key, explained, and none of them set.

use crate::Config;
use crate::keys::{KEYS, Key, Shape};

const HEAD: &str = r##"# The configuration of AI Mass. Every setting is optional; what stands here are the defaults.
# To change a setting, remove the `#` directly before its name.
#
# Durations are a whole number with d, h, m, s, ms, us or ns; sizes are a whole number with TiB, GiB, MiB, KiB or B.
# An environment variable comes before this file: AIMASS_AGENTS__TEXT__REPLICAS=2 sets `replicas` of `[agents.text]`.
"##;

const AGENTS: &str = r#"# Each agent may have a table of its own with any key of `[defaults]`, for example:
#     [agents.text]
#     replicas = 2
#     placement = ["cuda:0", "cpu"]
# and a table of settings that it alone knows, `[agents.text.settings]`.
"#;

const REACTIONS: &str = r#"# Each reaction of your own is one table, for example:
#     [[reactions]]
#     name = "embed-notes"
#     kind = "note@1"
#     skill = "text.embed"
# Its keys:
"#;

/// Writes the template. A line that starts with `#` and a key holds a default; one that starts with `# ` is prose.
pub(crate) fn write() -> String {
    let defaults = toml::Value::try_from(Config::default())
        .unwrap_or_else(|_| toml::Value::Table(toml::Table::new()));
    let mut text = HEAD.to_owned();
    for key in KEYS {
        let default = defaults.get(key.name);
        match &key.shape {
            Shape::Table(keys) => write_table(&mut text, key.name, key.about, keys, default),
            Shape::Named(_) => text.push_str(&format!("\n# {}\n{AGENTS}", key.about)),
            Shape::List(keys) => {
                text.push_str(&format!("\n# {}\n{REACTIONS}", key.about));
                keys.iter().for_each(|key| write_prose(&mut text, key));
            }
            Shape::Value(_) | Shape::Required(_) | Shape::Settings | Shape::Moved => {}
        }
    }
    text
}

fn write_table(
    text: &mut String,
    path: &str,
    about: &str,
    keys: &[Key],
    defaults: Option<&toml::Value>,
) {
    text.push_str(&format!("\n# {about}\n[{path}]\n"));
    for key in keys {
        let default = defaults.and_then(|table| table.get(key.name));
        match (&key.shape, default) {
            (Shape::Table(keys), default) => {
                let path = format!("{path}.{}", key.name);
                write_table(text, &path, key.about, keys, default);
            }
            (Shape::Value(rule), Some(default)) => text.push_str(&format!(
                "\n# {} Value: {}.\n#{} = {default}\n",
                key.about,
                rule.describe().english,
                key.name
            )),
            _ => {}
        }
    }
}

fn write_prose(text: &mut String, key: &Key) {
    if let Shape::Value(rule) | Shape::Required(rule) = &key.shape {
        let (name, about, rule) = (key.name, key.about, rule.describe().english);
        text.push_str(&format!("# - `{name}`: {about} Value: {rule}.\n"));
    }
}
