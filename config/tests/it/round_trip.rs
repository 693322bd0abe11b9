//! What is shown loads again, and the template says what holds.

use std::path::PathBuf;
use std::time::Duration;

use aimass_config::{Config, ConfigError, Fsync, Problem};
use expect_test::expect;

use crate::parse;

const FULL: &str = r#"
[runtime]
shutdown_limit = "1500ms"
default_deadline = "2m"
memory_budget = "3GiB"
event_capacity = 7
supervision = { strategy = "rest_for_one", max_restarts = 0, window = "1h", backoff_initial = "0s", backoff_max = "7us" }

[environment]
fsync = "every 20ms"
namespace = "tenant-1"
max_fact_bytes = 1500
max_blob_bytes = "1GB"
max_reaction_depth = 2
max_reactions_per_episode = 0
retention = { max_facts = 9223372036854775807, max_age = "30d" }

[defaults]
enabled = false
placement = ["cuda:0", "metal:1", "auto", "cpu"]
capacity = 10

[agents.text]
enabled = true
replicas = 1024
max_wait = "1ns"
model = "minilm"

[agents.my_own]

[[reactions]]
name = "embed-notes"
kind = "note.short@12"
skill = "text.embed"
enabled = false

[models]
offline = true
hub_endpoint = "http://localhost:8080/hub"
hub_token_variable = "_TOKEN1"
catalogues = ["a.toml", "ö b.toml"]

[models.package_indexes]
pypi = "https://index.example/simple"
npm = "none"

[observers]
json_lines = "none.jsonl"
content = true

[observers.otlp]
metrics_interval = "none"
logs = true
"#;

#[test]
fn what_is_shown_loads_again_to_the_same_value() {
    for text in ["", FULL] {
        let config = parse(text).unwrap();
        let shown = config.to_toml().unwrap();
        assert_eq!(parse(&shown).unwrap(), config, "{shown}");
    }
}

#[test]
fn every_value_of_the_file_arrives() {
    let config = parse(FULL).unwrap();
    assert_eq!(
        config.runtime.default_deadline,
        Some(Duration::from_secs(120))
    );
    assert_eq!(config.runtime.memory_budget, Some(3 << 30));
    assert_eq!(
        config.runtime.supervision.backoff_max,
        Duration::from_micros(7)
    );
    let fsync = Fsync::Every(Duration::from_millis(20));
    assert_eq!(config.environment.fsync, fsync);
    assert_eq!(config.environment.max_fact_bytes, 1500);
    assert_eq!(config.environment.max_blob_bytes, 1_000_000_000);
    assert_eq!(
        config.environment.retention.max_facts,
        Some(i64::MAX as u64)
    );
    assert_eq!(config.agent("text").model.as_deref(), Some("minilm"));
    assert_eq!(config.reactions[0].kind, "note.short@12");
    assert!(!config.reactions[0].enabled);
    assert_eq!(config.models.catalogues[1], PathBuf::from("ö b.toml"));
    let indexes = config.models.package_indexes;
    assert_eq!(
        indexes.pypi.as_deref(),
        Some("https://index.example/simple")
    );
    assert_eq!(indexes.npm, None);
}

#[test]
fn an_agent_takes_from_the_defaults_what_it_does_not_say() {
    let config = parse(FULL).unwrap();
    let text = config.agent("text");
    assert_eq!(
        (text.enabled, text.capacity, text.replicas),
        (true, 10, 1024)
    );
    assert_eq!(config.agent("my_own"), config.defaults);
    assert_eq!(config.agent("never named"), config.defaults);
    assert_eq!(config.defaults.replicas, 1);
}

#[test]
fn an_agent_that_is_changed_in_code_begins_with_what_it_has() {
    let mut config = parse(FULL).unwrap();
    config.agent_mut("text").replicas = 3;
    config.agent_mut("unnamed").replicas = 4;
    let (text, unnamed) = (config.agent("text"), config.agent("unnamed"));
    assert_eq!((text.replicas, text.max_wait.as_nanos()), (3, 1));
    assert_eq!((unnamed.replicas, unnamed.capacity), (4, 10));
    assert_eq!(config.defaults.replicas, 1);
    assert_eq!(parse(&config.to_toml().unwrap()).unwrap(), config);
}

#[test]
fn the_defaults_keep_all_rules() {
    Config::default().validate().unwrap();
}

#[test]
fn values_built_in_code_keep_the_same_rules() {
    let mut config = Config::default();
    config.defaults.replicas = 0;
    config.defaults.placement.clear();
    config.defaults.step_limit = Duration::MAX;
    let error = config.validate().unwrap_err();
    expect![[r#"
        configuration built in code: `defaults.placement` must be a list of 1 to 64 devices: "cpu", "cuda:N", "metal:N" or "auto", found []
        configuration built in code: `defaults.replicas` must be a whole number from 1 to 1024, found 0
        configuration built in code: `defaults.step_limit` must be a duration from 1ms to 3650d such as "250ms" or "10s", found "18446744073709551615999999999ns""#]].assert_eq(&error.to_string());
    let ConfigError::Invalid { problems } = error else {
        panic!("expected problems");
    };
    assert!(matches!(&problems[0], Problem::BrokenRule { key, .. } if key == "defaults.placement"));
    assert!(config.to_toml().is_err());
}

#[test]
fn a_number_that_toml_cannot_hold_is_refused() {
    let mut config = Config::default();
    config.environment.retention.max_facts = Some(u64::MAX);
    assert!(matches!(config.to_toml(), Err(ConfigError::Write { .. })));
}

#[test]
fn the_template_sets_nothing() {
    assert_eq!(parse(&Config::template()).unwrap(), Config::default());
}

#[test]
fn the_template_without_its_marks_sets_every_key_to_its_default() {
    let template = Config::template();
    let all: String = template
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(setting) if !setting.starts_with(' ') && !setting.is_empty() => setting,
            _ => line,
        })
        .map(|line| format!("{line}\n"))
        .collect();
    assert_eq!(parse(&all).unwrap(), Config::default());
    let set: toml::Table = all.parse().unwrap();
    let shown: toml::Table = Config::default().to_toml().unwrap().parse().unwrap();
    assert_eq!(set, shown);
}

#[test]
fn the_examples_in_the_template_are_right() {
    let template = Config::template();
    let examples: Vec<&str> = template
        .lines()
        .filter_map(|line| line.strip_prefix("#     "))
        .collect();
    let config = parse(&examples.join("\n")).unwrap();
    assert_eq!(config.agent("text").replicas, 2);
    assert_eq!(config.reactions[0].name, "embed-notes");
}
