//! Settings of agents: read by the agent's definition, refused with file and line, whoever brought the agent.

use std::collections::BTreeMap;

use aimass_config::Config;
use aimass_runtime::{Agent, AgentDefinition, Fault, Runtime, RuntimeBuilder, RuntimeError};
use serde::Deserialize;

/// An agent without skills that asks for its settings, or does not.
struct Settled {
    name: &'static str,
    asks: Asks,
}

enum Asks {
    Pages,
    Map,
    Nothing,
    /// It cannot work for another reason, before it asks.
    Broken,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Limits {
    pages: u8,
}

impl Agent for Settled {
    fn name(&self) -> &str {
        self.name
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        match self.asks {
            Asks::Pages => drop(definition.settings::<Limits>()?.pages),
            Asks::Map => drop(definition.settings::<BTreeMap<String, u8>>()?),
            Asks::Nothing => {}
            Asks::Broken => return Err(Fault::rejected("no table of letters")),
        }
        Ok(definition)
    }
}

fn team(text: &str) -> RuntimeBuilder {
    let config = Config::parse(text, "aimass.toml", &BTreeMap::new()).unwrap();
    let agents = [
        ("reader", Asks::Pages),
        ("any", Asks::Map),
        ("plain", Asks::Nothing),
    ];
    let builder = Runtime::builder(config);
    let agents = agents.map(|(name, asks)| Settled { name, asks });
    agents.into_iter().fold(builder, RuntimeBuilder::agent)
}

#[tokio::test]
async fn a_wrong_setting_is_refused_with_its_line() {
    for (text, said) in [
        (
            "[agents.reader.settings]\npages = 300",
            "aimass.toml:2: `agents.reader.settings.pages` must be a whole number from 0 to 255, found 300",
        ),
        (
            "[agents.reader.settings]\npagse = 3",
            "aimass.toml:2: unknown key `agents.reader.settings.pagse`, did you mean `pages`?",
        ),
        // Of an agent that has no settings at all, the one that has it is named.
        (
            "[agents.plain.settings]\npages = 3",
            "aimass.toml:2: unknown key `agents.plain.settings.pages`, did you mean `agents.reader.settings.pages`?",
        ),
        (
            "[agents.plain.settings]\nother = 3",
            "aimass.toml:2: unknown key `agents.plain.settings.other`",
        ),
        (
            "[agents.any.settings]\nother = 'a'",
            "aimass.toml:2: `agents.any.settings.other` must be a whole number from 0 to 255, found \"a\"",
        ),
    ] {
        for refused in [
            team(text).check().map(drop),
            team(text).start().await.map(drop),
        ] {
            let Err(RuntimeError::Config(error)) = refused else {
                panic!("{text}: {refused:?}");
            };
            assert_eq!(error.to_string(), said, "{text}");
        }
    }
}

#[tokio::test]
async fn settings_that_fit_start() {
    let text = "[agents.reader.settings]\npages = 3\n[agents.any.settings]\nother = 3";
    assert!(team(text).check().unwrap().is_empty());
    team(text).start().await.unwrap().shutdown().await;
}

#[test]
fn an_agent_that_cannot_work_says_why_before_its_settings_are_judged() {
    let text = "[agents.broken.settings]\npages = 3";
    let config = Config::parse(text, "aimass.toml", &BTreeMap::new()).unwrap();
    let broken = Settled {
        name: "broken",
        asks: Asks::Broken,
    };
    let refused = Runtime::builder(config).agent(broken).check();
    let Err(RuntimeError::Agent { fault, .. }) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(fault.message, "no table of letters");
}

#[test]
fn a_key_that_agents_no_longer_share_holds_and_is_odd() {
    let odd = |text: &str| -> Vec<String> {
        let odd = team(text).check().unwrap();
        odd.iter().map(ToString::to_string).collect()
    };
    // No agent of this team has the setting.
    assert_eq!(odd("[defaults]\ncontext = 7"), [""; 0]);
    assert_eq!(
        odd("[agents.plain]\ncontext = 7"),
        ["aimass.toml:2: `agents.plain.context` says nothing to this agent; take it away"]
    );
}
