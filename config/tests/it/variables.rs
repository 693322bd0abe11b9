//! `AIMASS_SECTION__KEY` comes before the file and keeps the same rules.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use aimass_config::{Config, ConfigError, Fsync, Variables};
use expect_test::{Expect, expect};

fn parse(text: &str, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let variables: BTreeMap<String, String> = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    Config::parse(text, "aimass.toml", &variables)
}

fn check(name: &str, value: &str, expected: Expect) {
    let text = "[[reactions]]\nname = 'a'\nkind = 'note@1'\nskill = 'text.embed'\n";
    let error = parse(text, &[(name, value)]).unwrap_err();
    expected.assert_eq(&error.to_string());
}

#[test]
fn a_variable_of_each_type_is_read() {
    let config = parse(
        "",
        &[
            ("AIMASS_AGENTS__TEXT__REPLICAS", "2"),
            ("AIMASS_AGENTS__TEXT__LAZY", "false"),
            ("AIMASS_AGENTS__TEXT__MODEL", "7"),
            ("AIMASS_DEFAULTS__PLACEMENT", "cuda:0, cpu"),
            ("AIMASS_AGENTS__SPEECH__PLACEMENT", r#"["cuda:1", "cpu"]"#),
            ("AIMASS_DEFAULTS__CAPACITY_BYTES", "64MiB"),
            ("AIMASS_RUNTIME__MEMORY_BUDGET", "1048576"),
            ("AIMASS_RUNTIME__SUPERVISION__WINDOW", "90s"),
            ("AIMASS_ENVIRONMENT__FSYNC", "every 50ms"),
            ("AIMASS_MODELS__CATALOGUES", ""),
            ("AIMASS_OBSERVERS__JSON_LINES", "events.jsonl"),
        ],
    )
    .unwrap();
    let text = config.agent("text");
    assert_eq!((text.replicas, text.lazy), (2, false));
    assert_eq!(text.model.as_deref(), Some("7"));
    assert_eq!(text.placement, ["cuda:0", "cpu"]);
    assert_eq!(config.agent("speech").placement, ["cuda:1", "cpu"]);
    assert_eq!(config.defaults.capacity_bytes, 64 << 20);
    assert_eq!(config.runtime.memory_budget, Some(1 << 20));
    assert_eq!(config.runtime.supervision.window, Duration::from_secs(90));
    let fsync = Fsync::Every(Duration::from_millis(50));
    assert_eq!(config.environment.fsync, fsync);
    assert!(config.models.catalogues.is_empty());
    let recorder = Some(PathBuf::from("events.jsonl"));
    assert_eq!(config.observers.json_lines, recorder);
}

#[test]
fn a_variable_comes_before_the_file() {
    let text = "[agents.text]\nreplicas = 2\ngrace = '1s'\nidle_unload = '5m'";
    let variables = [
        ("AIMASS_AGENTS__TEXT__REPLICAS", "3"),
        ("AIMASS_AGENTS__TEXT__IDLE_UNLOAD", "none"),
    ];
    let agent = parse(text, &variables).unwrap().agent("text");
    assert_eq!((agent.replicas, agent.idle_unload), (3, None));
    assert_eq!(agent.grace, Duration::from_secs(1));
}

#[test]
fn a_variable_may_put_a_broken_value_of_the_file_right() {
    let text = "[agents.text]\nreplicas = 0";
    assert!(parse(text, &[("AIMASS_AGENTS__TEXT__REPLICAS", "1")]).is_ok());
}

#[test]
fn variables_without_a_section_are_not_settings() {
    let variables = [
        ("AIMASS_HOME", "/somewhere"),
        ("AIMASS_CACHE", "/elsewhere"),
        ("OTHER_RUNTIME__X", "1"),
    ];
    assert_eq!(parse("", &variables).unwrap(), Config::default());
}

#[test]
fn a_problem_names_the_variable() {
    check(
        "AIMASS_AGENTS__TEXT__REPLICSA",
        "2",
        expect![
            "environment variable AIMASS_AGENTS__TEXT__REPLICSA: unknown key `agents.text.replicsa`, did you mean `replicas`?"
        ],
    );
    check(
        "AIMASS_AGENTS__TEXT__REPLICAS",
        "two",
        expect![[
            r#"environment variable AIMASS_AGENTS__TEXT__REPLICAS: `agents.text.replicas` must be a whole number from 1 to 1024, found "two""#
        ]],
    );
    check(
        "AIMASS_RUNTIME__SHUTDOWN_LIMIT",
        "10",
        expect![[
            r#"environment variable AIMASS_RUNTIME__SHUTDOWN_LIMIT: `runtime.shutdown_limit` must be a duration from 0s to 3650d such as "250ms" or "10s", found "10""#
        ]],
    );
    check(
        "AIMASS_RUNTIME__SUPERVISION",
        "one_for_one",
        expect![[
            r#"environment variable AIMASS_RUNTIME__SUPERVISION: `runtime.supervision` must be a table, found "one_for_one""#
        ]],
    );
    check(
        "AIMASS_RUNTMIE__SHUTDOWN_LIMIT",
        "10s",
        expect![
            "environment variable AIMASS_RUNTMIE__SHUTDOWN_LIMIT: unknown key `runtmie`, did you mean `runtime`?"
        ],
    );
    check(
        "AIMASS_DEFAULTS__PLACEMENT",
        "gpu,cpu",
        expect![[
            r#"environment variable AIMASS_DEFAULTS__PLACEMENT: `defaults.placement` must be a list of 1 to 64 devices: "cpu", "cuda:N", "metal:N" or "auto", found ["gpu", "cpu"]"#
        ]],
    );
    check(
        "AIMASS_REACTIONS__0__NAME",
        "b",
        expect![
            "environment variable AIMASS_REACTIONS__0__NAME: `reactions.0.name` must be a key inside tables, found a list or a value above it"
        ],
    );
    check(
        "AIMASS_RUNTIME__",
        "1",
        expect![[r#"environment variable AIMASS_RUNTIME__: unknown key `runtime.""`"#]],
    );
    check(
        &format!("AIMASS_{}", "A__".repeat(40_000)),
        "1",
        expect![
            "environment variable AIMASS_A__A__A__A__A__A__A__A__A__A__A__A__A__A__A__A__A__A_…: unknown key `a`"
        ],
    );
}

#[cfg(unix)]
#[test]
fn a_value_that_is_not_text_is_refused() {
    struct Bytes;

    impl Variables for Bytes {
        fn starting_with(&self, _prefix: &str) -> Vec<(String, OsString)> {
            use std::os::unix::ffi::OsStringExt;
            let value = OsString::from_vec(vec![0xff]);
            vec![("AIMASS_MODELS__HUB_ENDPOINT".to_owned(), value)]
        }
    }

    let error = Config::parse("", "", &Bytes).unwrap_err();
    expect!["environment variable AIMASS_MODELS__HUB_ENDPOINT: `models.hub_endpoint` must be UTF-8 text, found other bytes"].assert_eq(&error.to_string());
}
