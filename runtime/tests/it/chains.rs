//! A rule whose skill can never read what another rule's skill writes is refused at start; one that could work never is.

use std::collections::BTreeMap;
use std::sync::Arc;

use aimass_config::Config;
use aimass_runtime::{
    Agent, AgentDefinition, BatchSkill, Data, FactKind, Fault, Fresh, Reaction, Runtime,
    RuntimeBuilder, RuntimeError, Skill, SkillSpec, StepContext, WorkerGroup,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What the first skill writes.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename(serialize = "Written", deserialize = "Read"))]
struct Words {
    #[serde(rename(serialize = "text", deserialize = "said"))]
    text: String,
    count: Option<u32>,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
struct Text {
    text: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
struct Title {
    title: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
struct Alias {
    #[serde(alias = "text")]
    title: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
struct Number {
    text: u32,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Either {
    Number(u32),
    Text(Text),
}

/// Skills that take what their type says, and give the same words.
macro_rules! takers {
    ($($skill:ident, $name:literal, $input:ty;)*) => {
        $(struct $skill;

        impl Skill for $skill {
            const NAME: &'static str = $name;
            type Input = $input;
            type Output = Words;

            fn spec(&self) -> SkillSpec {
                SkillSpec::of::<Self>("Takes something.")
            }
        }

        impl BatchSkill for $skill {
            type Model = ();

            fn run(
                &self,
                (): &mut (),
                inputs: &[Arc<$input>],
                _: &mut StepContext<'_>,
            ) -> Vec<Result<Words, Fault>> {
                words(inputs)
            }
        })*
    };
}

fn words<T: Data>(inputs: &[Arc<T>]) -> Vec<Result<Words, Fault>> {
    let word = |_| {
        Ok(Words {
            text: String::new(),
            count: None,
        })
    };
    inputs.iter().map(word).collect()
}

takers! {
    Give, "chain.give", Value;
    TakeText, "chain.text", Text;
    TakeTitle, "chain.title", Title;
    TakeAlias, "chain.alias", Alias;
    TakeNumber, "chain.number", Number;
    TakePlain, "chain.plain", String;
    TakeEither, "chain.either", Either;
}

/// An agent with all of these, and these rules.
#[derive(Default)]
struct Chain(Vec<Reaction>);

impl Agent for Chain {
    fn name(&self) -> &str {
        "chain"
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        let group = WorkerGroup::new("takers", Fresh(|| ()))
            .skill(Give)
            .skill(TakeText)
            .skill(TakeTitle)
            .skill(TakeAlias)
            .skill(TakeNumber)
            .skill(TakePlain)
            .skill(TakeEither);
        let definition = definition.group(group);
        Ok(self
            .0
            .iter()
            .cloned()
            .fold(definition, |all, rule| all.reaction(rule)))
    }
}

fn team(text: &str, rules: Vec<Reaction>) -> RuntimeBuilder {
    let config = Config::parse(text, "aimass.toml", &BTreeMap::new()).unwrap();
    Runtime::builder(config).agent(Chain(rules))
}

fn kind(name: &str) -> FactKind {
    FactKind::new(name, 1).unwrap()
}

fn giving() -> Reaction {
    Reaction::new("giving", kind("begin"), "chain.give").produces(kind("words"))
}

fn taking(skill: &str) -> Reaction {
    Reaction::new("taking", kind("words"), skill)
}

/// What is said against a chain of these two rules.
fn said(rules: Vec<Reaction>) -> Option<String> {
    match team("", rules).check() {
        Ok(_) => None,
        Err(RuntimeError::Reaction(error)) => Some(error.to_string()),
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_rule_whose_skill_can_never_read_what_another_writes_is_refused() {
    for (skill, why) in [
        (
            "chain.title",
            "expected the field `title`, which is never there",
        ),
        ("chain.number", "`text`: expected integer, got string"),
        ("chain.plain", "expected string, got object"),
    ] {
        let said = said(vec![giving(), taking(skill)]).unwrap();
        for words in [why, skill, "`taking`", "`words@1`", "`chain.give`"] {
            assert!(said.contains(words), "{words} is not in {said}");
        }
        let started = team("", vec![giving(), taking(skill)]).start().await;
        assert!(matches!(started, Err(RuntimeError::Reaction(_))));
    }
}

#[test]
fn one_of_the_configuration_is_refused_with_its_line() {
    let text = "[[reactions]]\nname = 'a'\nkind = 'begin@1'\nskill = 'chain.give'\n\
                [[reactions]]\nname = 'b'\nkind = 'chain.give@1'\nskill = 'chain.title'\n";
    let refused = team(text, Vec::new()).check();
    let Err(RuntimeError::Config(error)) = refused else {
        panic!("{refused:?}");
    };
    let said = error.to_string();
    assert!(said.starts_with("aimass.toml:8: "), "{said}");
    assert!(said.contains("`title`, which is never there"), "{said}");
    let fitting = text.replace("chain.title", "chain.text");
    assert_eq!(team(&fitting, Vec::new()).check().unwrap().len(), 1);
}

#[test]
fn what_could_work_is_never_refused() {
    for skill in ["chain.text", "chain.alias", "chain.either", "chain.give"] {
        assert_eq!(said(vec![giving(), taking(skill)]), None, "{skill}");
    }
    // Nobody is known to write such facts, or another does.
    assert_eq!(said(vec![taking("chain.title")]), None);
    let made = taking("chain.plain").input(|fact| fact.value["text"].clone());
    assert_eq!(said(vec![giving(), made]), None);
}
