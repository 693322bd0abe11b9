//! The table agrees with the fields of the configuration: what a rule accepts, serde reads.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::Config;
use crate::rule::LONGEST;
use crate::units::{format_duration, format_size};

/// TOML values at the bounds of a rule.
fn extremes(rule: &Rule) -> Vec<String> {
    let quoted = |text: &str| format!("{text:?}");
    let texts = |texts: &[&str]| texts.iter().map(|text| quoted(text)).collect();
    match rule {
        Rule::Switch => vec!["true".to_owned(), "false".to_owned()],
        Rule::Count { least, most } => vec![least.to_string(), most.to_string()],
        Rule::Size { least, most } => vec![
            least.to_string(),
            most.to_string(),
            quoted(&format_size(*least)),
            quoted(&format_size(*most)),
        ],
        Rule::Duration { least } => vec![
            quoted(&format_duration(*least)),
            quoted(&format_duration(LONGEST)),
        ],
        Rule::Choice(words) => texts(words),
        Rule::Fsync => texts(&["always", "never", "every 1ms", "every 3650d"]),
        Rule::Name => texts(&["a", "0", &"z".repeat(64)]),
        Rule::Text => texts(&["a", &"ö".repeat(2048)]),
        Rule::Address | Rule::OpenAddress => texts(&["http://a", "https://a.b:1/c"]),
        Rule::VariableName => texts(&["_", "HF_TOKEN2"]),
        Rule::FactKind => texts(&["a@1", "file.text@4294967295"]),
        Rule::Skill => texts(&["a.b", "a.b.c"]),
        Rule::Placement => vec![
            "['auto']".to_owned(),
            "['cuda:0', 'metal:4294967295', 'cpu']".to_owned(),
        ],
        Rule::Socket => texts(&["127.0.0.1:0", "[::1]:65535"]),
        Rule::Ratio => ["0", "1", "0.0", "1.0", "0.015625"]
            .map(str::to_owned)
            .into(),
        Rule::Headers => vec!["[]".to_owned(), "['x-token: a b', 'y:z']".to_owned()],
        Rule::Paths => vec!["[]".to_owned(), "['/a b/c.toml']".to_owned()],
        Rule::OrNone(rule) => {
            let mut values = extremes(rule);
            values.push(quoted("none"));
            values
        }
    }
}

/// One small document for each key and each extreme value.
fn documents(keys: &[Key], path: &str) -> Vec<String> {
    let document = |key: &Key, value: String| format!("[{path}]\n{} = {value}\n", key.name);
    keys.iter()
        .flat_map(|key| match &key.shape {
            Shape::Value(rule) | Shape::Required(rule) => extremes(rule)
                .into_iter()
                .map(|value| document(key, value))
                .collect(),
            Shape::Table(keys) => documents(keys, format!("{path}.{}", key.name).trim_matches('.')),
            Shape::Named(keys) => documents(keys, "agents.some-name_1"),
            Shape::List(_) | Shape::Settings | Shape::Moved => Vec::new(),
        })
        .collect()
}

#[test]
fn whatever_a_rule_accepts_is_read_and_shown_again() {
    let documents = documents(KEYS, "");
    assert!(documents.len() > 100, "{} documents", documents.len());
    for text in documents {
        // The two waits depend on each other: an extreme of one needs room in the other.
        let text = if text.contains("backoff_initial") {
            format!("{text}backoff_max = '3650d'")
        } else {
            text.replace("backoff_max = \"0s\"", "backoff_max = '10ms'")
        };
        let config = Config::parse(&text, "text", &BTreeMap::new())
            .unwrap_or_else(|error| panic!("{text}: {error}"));
        let shown = config.to_toml().unwrap();
        let again = Config::parse(&shown, "shown", &BTreeMap::new()).unwrap();
        assert_eq!(again, config, "{text}");
    }
}

#[test]
fn each_key_is_a_field_and_each_field_a_key() {
    fn check(keys: &[Key], fields: &toml::Value, path: &str) {
        let fields = fields.as_table().unwrap();
        let in_table = keys.iter().filter(|key| {
            // Kept as it was written, where it was.
            !matches!(key.shape, Shape::Settings | Shape::Moved)
        });
        let names: BTreeSet<&str> = in_table.map(|key| key.name).collect();
        let written: BTreeSet<&str> = fields.keys().map(String::as_str).collect();
        assert_eq!(names, written, "{path}");
        for key in keys {
            let path = format!("{path}.{}", key.name);
            let field = || &fields[key.name];
            match &key.shape {
                Shape::Table(keys) => check(keys, field(), &path),
                Shape::Named(keys) => check(keys, &field()["any"], &path),
                Shape::List(keys) => check(keys, &field()[0], &path),
                _ => {}
            }
        }
    }
    let text = "[agents.any]\n[[reactions]]\nname = 'a'\nkind = 'a@1'\nskill = 'a.b'";
    let config = Config::parse(text, "text", &BTreeMap::new()).unwrap();
    check(KEYS, &toml::Value::try_from(config).unwrap(), "");
}

#[test]
fn each_key_is_explained_in_one_sentence() {
    fn check(keys: &[Key]) {
        for key in keys {
            assert!(key.about.ends_with('.'), "{}", key.name);
            assert!(!key.about.contains('\n'), "{}", key.name);
            if let Shape::Table(keys) | Shape::Named(keys) | Shape::List(keys) = &key.shape {
                check(keys);
            }
        }
    }
    check(KEYS);
}
