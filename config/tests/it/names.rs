//! Names that stand for nothing in the team at hand: told with the line, and with the name that was meant.

use std::collections::BTreeMap;

use aimass_config::{Config, KnownNames, ReactionConfig};
use expect_test::{Expect, expect};

use crate::parse;

fn team() -> KnownNames {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    KnownNames {
        agents: names(&["text", "speech"]),
        skills: names(&["text.embed", "text.language", "speech.transcribe"]),
        rules: names(&["text-embed", "speech-transcribe"]),
    }
}

fn check(config: &Config, expected: Expect) {
    let refused = config.check_names(&team()).unwrap_err();
    expected.assert_eq(&refused.to_string());
}

fn check_text(text: &str, expected: Expect) {
    check(&parse(text).unwrap(), expected);
}

#[test]
fn an_agent_that_nobody_is_is_told_with_its_line() {
    check_text(
        "[agents.text]\n[agents.tezt]\nreplicas = 2",
        expect!["aimass.toml:2: no agent is named `tezt` (`agents.tezt`), did you mean `text`?"],
    );
    check_text(
        "[agents.zebra]",
        expect![
            "aimass.toml:1: no agent is named `zebra` (`agents.zebra`); there are `speech`, `text`"
        ],
    );
}

#[test]
fn an_agent_that_a_variable_names_is_told_with_the_variable() {
    let name = "AIMASS_AGENTS__TEZT__REPLICAS".to_owned();
    let variables = BTreeMap::from([(name, "2".to_owned())]);
    check(
        &Config::parse("", "", &variables).unwrap(),
        expect![
            "environment variable AIMASS_AGENTS__TEZT__REPLICAS: no agent is named `tezt` (`agents.tezt`), did you mean `text`?"
        ],
    );
}

#[test]
fn a_skill_that_nobody_offers_and_a_rule_that_nobody_brought_are_told_with_their_lines() {
    check_text(
        "[[reactions]]\nname = 'mine'\nkind = 'note@1'\nskill = 'text.embd'\n
[[reactions]]\nname = 'text-embde'\nkind = 'file.text@1'\nskill = 'text.embed'\nenabled = false",
        expect![[r#"
            aimass.toml:4: no agent offers `text.embd` (`reactions[0].skill`), did you mean `text.embed`?
            aimass.toml:7: no agent brought a rule to switch off that is named `text-embde` (`reactions[1].name`), did you mean `text-embed`?"#]],
    );
}

#[test]
fn a_configuration_that_was_built_in_code_is_told_as_that() {
    let mut config = Config::default();
    config.agent_mut("tezt");
    config.reactions.push(ReactionConfig {
        name: "mine".to_owned(),
        kind: "note@1".to_owned(),
        skill: "speech.transcrib".to_owned(),
        enabled: true,
    });
    check(
        &config,
        expect![[r#"
            configuration built in code: no agent is named `tezt` (`agents.tezt`), did you mean `text`?
            configuration built in code: no agent offers `speech.transcrib` (`reactions[0].skill`), did you mean `speech.transcribe`?"#]],
    );
}

#[test]
fn a_kind_of_fact_that_nobody_writes_is_odd_and_no_error() {
    let text = "[[reactions]]\nname = 'mine'\nkind = 'file.txt@1'\nskill = 'text.embed'\n
[[reactions]]\nname = 'other'\nkind = 'file.text@1'\nskill = 'text.embed'\n
[[reactions]]\nname = 'orders'\nkind = 'shop.order@1'\nskill = 'text.embed'";
    let config = parse(text).unwrap();
    assert!(config.check_names(&team()).is_ok());
    let written = ["file.text@1", "file.audio@1"];
    let odd = config.unwritten_kinds(&written.map(str::to_owned).into());
    let odd: Vec<String> = odd.iter().map(ToString::to_string).collect();
    expect![[r#"
        aimass.toml:3: nothing in the team is known to write facts of kind `file.txt@1` (`reactions[0].kind`), did you mean `file.text@1`?
        aimass.toml:13: nothing in the team is known to write facts of kind `shop.order@1` (`reactions[2].kind`)"#]]
    .assert_eq(&odd.join("\n"));
}

#[test]
fn names_that_there_are_pass() {
    let text = "[agents.text]\nenabled = false\n
[[reactions]]\nname = 'mine'\nkind = 'note@1'\nskill = 'text.embed'\n
[[reactions]]\nname = 'text-embed'\nkind = 'file.text@1'\nskill = 'whatever.it-was'\nenabled = false";
    assert!(parse(text).unwrap().check_names(&team()).is_ok());
}
