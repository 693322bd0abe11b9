//! A configuration that does not fit its team is refused before anything starts, with the line that is wrong.

use std::collections::BTreeMap;

use aimass_config::Config;
use aimass_runtime::{FactKind, Reaction, Runtime, RuntimeBuilder, RuntimeError};

use crate::obedient::Obedient;

/// The test agent, which brings a rule, with a configuration of this text.
fn team(text: &str) -> RuntimeBuilder {
    let kind = FactKind::new("order", 1).unwrap();
    let rule = Reaction::new("orders", kind, "test.obey");
    let agent = Obedient {
        reactions: vec![rule],
        ..Obedient::default()
    };
    let config = Config::parse(text, "aimass.toml", &BTreeMap::new()).unwrap();
    Runtime::builder(config).agent(agent)
}

fn rule(name: &str, kind: &str, skill: &str) -> String {
    format!("[[reactions]]\nname = '{name}'\nkind = '{kind}'\nskill = '{skill}'\n")
}

#[tokio::test]
async fn a_name_that_stands_for_nothing_is_refused_with_its_line_and_the_one_that_was_meant() {
    for (text, line, words) in [
        (
            "\n[agents.tezt]\nreplicas = 2".to_owned(),
            2,
            "did you mean `test`?",
        ),
        (
            rule("mine", "note@1", "test.obei"),
            4,
            "did you mean `test.obey`?",
        ),
        (
            rule("order", "order@1", "test.obey") + "enabled = false",
            2,
            "did you mean `orders`?",
        ),
        // What a fact about a file gives is known before there is one.
        (
            rule("mine", "file.text@1", "test.obey"),
            4,
            "must be a skill that takes",
        ),
    ] {
        let place = format!("aimass.toml:{line}: ");
        for refused in [
            team(&text).check().map(drop),
            team(&text).start().await.map(drop),
        ] {
            let Err(RuntimeError::Config(error)) = refused else {
                panic!("{text}: {refused:?}");
            };
            let said = error.to_string();
            assert!(
                said.starts_with(&place) && said.contains(words),
                "{text}: {said}"
            );
        }
    }
}

#[tokio::test]
async fn what_fits_the_team_starts() {
    let off = "enabled = false\n";
    for text in [
        String::new(),
        "[agents.test]\nreplicas = 2".to_owned(),
        rule("mine", "order@1", "test.obey"),
        rule("orders", "order@1", "test.obey") + off,
        // The rule of an agent that is switched off itself.
        rule("orders", "order@1", "test.obey") + off + "[agents.test]\nenabled = false",
    ] {
        team(&text)
            .check()
            .unwrap_or_else(|error| panic!("{text}: {error}"));
        let runtime = team(&text).start().await;
        runtime
            .unwrap_or_else(|error| panic!("{text}: {error}"))
            .shutdown()
            .await;
    }
}

#[test]
fn a_rule_for_facts_that_nobody_is_known_to_write_is_odd() {
    let odd = |text: &str| -> Vec<String> {
        let odd = team(text).check().unwrap();
        odd.iter().map(ToString::to_string).collect()
    };
    let [said] = &odd(&rule("mine", "test.obeys@1", "test.obey"))[..] else {
        panic!("nothing was said");
    };
    assert!(
        said.contains("aimass.toml:3") && said.contains("`test.obey@1`?"),
        "{said}"
    );
    // What a rule's skill says becomes a fact, if the next one can read it.
    let chained = team(&rule("mine", "test.obey@1", "test.obey")).check();
    let Err(RuntimeError::Config(error)) = chained else {
        panic!("{chained:?}");
    };
    let said = error.to_string();
    assert!(said.contains(", got integer"), "{said}");
}
