//! Settings of one agent: kept as they were written, read by the agent, and told like our own keys where they are wrong.

use std::collections::BTreeMap;

use aimass_config::{Config, Problem, byte_size};
use expect_test::{Expect, expect};
use serde::Deserialize;

use crate::parse;

#[derive(Debug, PartialEq, Default, Deserialize)]
#[serde(default)]
struct Limits {
    context: u32,
    #[serde(with = "byte_size")]
    cache_bytes: usize,
    precision: Option<Precision>,
    fast: bool,
    share: f64,
    words: Vec<String>,
    gate: Gate,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Precision {
    Exact,
    Rounded { bits: u8 },
}

#[derive(Debug, PartialEq, Default, Deserialize)]
struct Gate {
    least: f32,
}

const ALL: &str = "[agents.mine.settings]\ncontext = 4096\ncache_bytes = '1MiB'\n\
    precision = { rounded = { bits = 8 } }\nfast = true\nshare = 0.5\nwords = ['a', 'b']\n\
    gate = { least = 1 }";

fn read(config: &Config) -> Result<Limits, String> {
    let read = config.settings("mine").read();
    read.value.map_err(|error| error.to_string())
}

fn check(text: &str, expected: Expect) {
    expected.assert_eq(&read(&parse(text).unwrap()).unwrap_err());
}

#[test]
fn every_form_of_value_arrives() {
    let config = parse(ALL).unwrap();
    let limits = read(&config).unwrap();
    assert_eq!(limits.context, 4096);
    assert_eq!(limits.cache_bytes, 1 << 20);
    assert_eq!(limits.precision, Some(Precision::Rounded { bits: 8 }));
    assert_eq!((limits.fast, limits.share), (true, 0.5));
    assert_eq!(limits.words, ["a", "b"]);
    assert_eq!(limits.gate, Gate { least: 1.0 });
    assert_eq!(read(&Config::default()).unwrap(), Limits::default());
}

#[test]
fn variables_come_first_and_say_numbers_and_switches_as_text() {
    let set = [
        ("CONTEXT", "7"),
        ("CACHE_BYTES", "2048"),
        ("FAST", "false"),
        ("SHARE", "0.25"),
        ("PRECISION", "exact"),
        ("GATE__LEAST", "2.5"),
    ];
    let variable = |(key, value): (&str, &str)| {
        (
            format!("AIMASS_AGENTS__MINE__SETTINGS__{key}"),
            value.into(),
        )
    };
    let variables: BTreeMap<String, String> = set.map(variable).into();
    let config = Config::parse(ALL, "aimass.toml", &variables).unwrap();
    let limits = read(&config).unwrap();
    assert_eq!((limits.context, limits.cache_bytes), (7, 2048));
    assert_eq!((limits.fast, limits.share), (false, 0.25));
    assert_eq!(limits.precision, Some(Precision::Exact));
    assert_eq!(limits.gate, Gate { least: 2.5 });
    let shown = parse(&config.to_toml().unwrap()).unwrap();
    assert_eq!(shown, config);
    assert_eq!(read(&shown).unwrap(), limits);
}

#[test]
fn a_wrong_setting_is_told_with_place_key_rule_and_value() {
    check(
        "[agents.mine.settings]\n\ncontext = 'lots'",
        expect![[
            r#"aimass.toml:3: `agents.mine.settings.context` must be a whole number from 0 to 4294967295, found "lots""#
        ]],
    );
    check(
        "[agents.mine.settings]\ncache_bytes = 7",
        expect![[
            r#"aimass.toml:2: `agents.mine.settings.cache_bytes` must be a size from 1KiB to 1024TiB such as "256MiB", or a whole number of bytes, found 7"#
        ]],
    );
    check(
        "[agents.mine.settings]\nprecision = 'q4'",
        expect![[
            r#"aimass.toml:2: `agents.mine.settings.precision` must be one of "exact", "rounded", found "q4""#
        ]],
    );
    check(
        "[agents.mine.settings]\nwords = ['a', 2]",
        expect!["aimass.toml:2: `agents.mine.settings.words[1]` must be text, found 2"],
    );
    check(
        "[agents.mine.settings.gate]\nleast = 'low'",
        expect![[
            r#"aimass.toml:2: `agents.mine.settings.gate.least` must be a number, found "low""#
        ]],
    );
    check(
        "[agents.mine.settings.gate]",
        expect!["aimass.toml:1: `agents.mine.settings.gate.least` is missing: it must be set"],
    );
    check(
        "[agents.mine.settings]\ngate = 2",
        expect!["aimass.toml:2: `agents.mine.settings.gate` must be a table, found 2"],
    );
}

#[test]
fn every_key_that_the_agent_does_not_know_is_refused_with_the_nearest_one() {
    check(
        "[agents.mine.settings]\nzebra = 1\ncontxt = 7\ngate = { least = 1, lest = 2 }",
        expect![[r#"
            aimass.toml:2: unknown key `agents.mine.settings.zebra`
            aimass.toml:3: unknown key `agents.mine.settings.contxt`, did you mean `context`?"#]],
    );
    check(
        "[agents.mine.settings]\ngate = { least = 1, lest = 2 }",
        expect![
            "aimass.toml:2: unknown key `agents.mine.settings.gate.lest`, did you mean `least`?"
        ],
    );
    let name = "AIMASS_AGENTS__MINE__SETTINGS__CONTXT".to_owned();
    let variables = BTreeMap::from([(name, "2".to_owned())]);
    let config = Config::parse("", "", &variables).unwrap();
    expect!["environment variable AIMASS_AGENTS__MINE__SETTINGS__CONTXT: unknown key `agents.mine.settings.contxt`, did you mean `context`?"]
        .assert_eq(&read(&config).unwrap_err());
}

#[test]
fn what_no_setting_can_be_is_refused_with_the_file() {
    let refused = |text: &str| parse(text).unwrap_err().to_string();
    expect!["aimass.toml:1: `agents.mine.settings` must be a table, found 5"]
        .assert_eq(&refused("agents.mine.settings = 5"));
    expect!["aimass.toml:2: `agents.mine.settings.a` must be text, a number, a switch, a list or a table, found 1979-05-27"]
        .assert_eq(&refused("[agents.mine.settings]\na = 1979-05-27"));
    expect!["aimass.toml:2: unknown key `defaults.settings`"]
        .assert_eq(&refused("[defaults]\nsettings = { a = 1 }"));
}

#[test]
fn settings_at_their_old_places_hold_and_are_told() {
    let text = "[defaults]\ncache_bytes = '2KiB'\nprecision = 'exact'\n[agents.mine]\ncontext = 9\nprecision = 'none'\n
[agents.other]\ncontext = 9\n[agents.third]\ncache_bytes = 'none'";
    let config = parse(text).unwrap();
    let limits = read(&config).unwrap();
    assert_eq!((limits.context, limits.cache_bytes), (9, 2048));
    assert_eq!(limits.precision, None);
    let told = |agent, known: &[&str]| -> Vec<String> {
        let misplaced = config.settings(agent).misplaced(known);
        misplaced.iter().map(Problem::to_string).collect()
    };
    expect![[r#"
        aimass.toml:2: `defaults.cache_bytes` holds, and is written `agents.mine.settings.cache_bytes` now
        aimass.toml:5: `agents.mine.context` holds, and is written `agents.mine.settings.context` now
        aimass.toml:6: `agents.mine.precision` holds, and is written `agents.mine.settings.precision` now"#]]
    .assert_eq(&told("mine", &["context", "cache_bytes", "precision"]).join("\n"));
    expect!["aimass.toml:9: `agents.other.context` says nothing to this agent; take it away"]
        .assert_eq(&told("other", &[]).join("\n"));
    assert_eq!(told("fourth", &[]), Vec::<String>::new());
    let shown = parse(&config.to_toml().unwrap()).unwrap();
    assert_eq!(shown, config);
    assert_eq!(read(&shown).unwrap(), limits);
}

#[test]
fn the_new_place_comes_before_the_old_one() {
    let text = "[agents.mine]\ncontext = 9\n[agents.mine.settings]\ncontext = 10";
    assert_eq!(read(&parse(text).unwrap()).unwrap().context, 10);
}

#[test]
fn a_wrong_value_at_an_old_place_is_told_with_that_place() {
    check(
        "[defaults]\ncontext = 'lots'",
        expect![[
            r#"aimass.toml:2: `defaults.context` must be a whole number from 0 to 4294967295, found "lots""#
        ]],
    );
}

#[test]
fn settings_can_be_set_in_code() {
    let mut config = Config::default();
    let settings = &mut config.agent_mut("mine").settings;
    settings.set("cache_bytes", "1KiB");
    settings.set("context", 3);
    config.validate().unwrap();
    let limits = read(&config).unwrap();
    assert_eq!((limits.context, limits.cache_bytes), (3, 1024));
}
