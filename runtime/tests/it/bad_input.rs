//! What an author or a user may bring by mistake: names that are taken, weights of no size or of every size, facts without end.

use std::sync::Arc;

use aimass_config::Config;
use aimass_runtime::{
    Agent, AgentDefinition, BatchIndex, BatchSkill, DeviceCapacity, DeviceName, Environment,
    EnvironmentOptions, Episode, FactDraft, FactFilter, FactKind, Fault, FlowContext, FlowSkill,
    Fresh, ModelSource, ModelVersion, Reaction, Runtime, RuntimeError, Skill, SkillSpec,
    StepContext, TaskError, WorkerGroup,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// An agent with as many groups as it has sizes, each of weights of that size, and a skill of that number.
struct Odd {
    name: &'static str,
    sizes: Vec<u64>,
}

/// Weights that say how large they are.
struct Claimed(u64);

impl ModelSource for Claimed {
    type Weights = ();
    type Model = ();

    fn version(&self) -> ModelVersion {
        ModelVersion::new("one")
    }

    fn memory_bytes(&self) -> u64 {
        self.0
    }

    fn load(&self, _: &DeviceName) -> Result<(), Fault> {
        Ok(())
    }

    fn build(&self, _: &Arc<()>, _: &DeviceName) -> Result<(), Fault> {
        Ok(())
    }
}

/// Says the same.
struct Echo<const N: usize>;

macro_rules! echo {
    ($($number:literal $name:literal)*) => {$(
        impl Skill for Echo<$number> {
            const NAME: &'static str = $name;
            type Input = u64;
            type Output = u64;

            fn spec(&self) -> SkillSpec {
                SkillSpec::of::<Self>("Says the same")
            }
        }

        impl BatchSkill for Echo<$number> {
            type Model = ();

            fn run(&self, (): &mut (), inputs: &[Arc<u64>], _: &mut StepContext<'_>) -> Vec<Result<u64, Fault>> {
                inputs.iter().map(|input| Ok(**input)).collect()
            }
        }
    )*};
}

echo!(0 "odd.zero" 1 "odd.one" 2 "odd.two");

impl Agent for Odd {
    fn name(&self) -> &str {
        self.name
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        let mut definition = definition;
        for (number, bytes) in self.sizes.iter().enumerate() {
            let group = WorkerGroup::new("group", Claimed(*bytes));
            definition = definition.group(match number {
                0 => group.skill(Echo::<0>),
                1 => group.skill(Echo::<1>),
                _ => group.skill(Echo::<2>),
            });
        }
        Ok(definition)
    }
}

fn odd(sizes: &[u64]) -> Odd {
    Odd {
        name: "odd",
        sizes: sizes.to_vec(),
    }
}

#[tokio::test]
async fn two_agents_of_one_name_and_two_skills_of_one_name_are_refused() {
    let agents = Runtime::builder(Config::default())
        .agent(odd(&[0]))
        .agent(odd(&[0]));
    // The third and the fourth group have the same skill.
    let skills = Runtime::builder(Config::default()).agent(odd(&[0; 4]));
    for (builder, name) in [(agents, "odd"), (skills, "odd.two")] {
        let error = builder.start().await.map(drop).unwrap_err();
        let RuntimeError::Duplicate {
            name: found,
            first,
            second,
        } = &error
        else {
            panic!("{error}");
        };
        assert_eq!((&**found, &**first, &**second), (name, "odd", "odd"));
        assert!(error.to_string().contains(name), "{error}");
    }
}

#[tokio::test]
async fn weights_of_no_size_and_of_half_of_all_there_is_are_served() {
    const HALF: u64 = 1 << 63;
    let team = |budget| {
        let mut config = Config::default();
        config.runtime.memory_budget = budget;
        config.defaults.replicas = 2;
        config.defaults.placement = vec!["auto".to_owned()];
        let device = DeviceCapacity {
            device: DeviceName::Cuda(0),
            memory_bytes: u64::MAX,
        };
        Runtime::builder(config).devices(vec![device])
    };
    let runtime = team(None).agent(odd(&[0, HALF, HALF]));
    let runtime = runtime.start().await.unwrap();
    for number in 0..3 {
        assert_eq!(runtime.ask::<Echo::<0>>(number).await.unwrap(), number);
        assert_eq!(runtime.ask::<Echo::<1>>(number).await.unwrap(), number);
        assert_eq!(runtime.ask::<Echo::<2>>(number).await.unwrap(), number);
    }
    runtime.shutdown().await;
    // Within a budget the first has room in any case, and the others in none.
    let tight = || team(Some(1 << 20));
    let runtime = tight().agent(odd(&[0])).start().await.unwrap();
    assert_eq!(runtime.ask::<Echo::<0>>(1).await.unwrap(), 1);
    runtime.shutdown().await;
    let refused = tight().agent(odd(&[0, HALF])).start().await;
    let error = refused.map(drop).unwrap_err();
    let RuntimeError::MemoryBudget { bytes, .. } = error else {
        panic!("{error}");
    };
    assert_eq!(bytes, HALF);
}

/// What a writer is to say.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
struct Wish {
    /// How many facts.
    facts: u64,
    /// Of how many bytes each.
    bytes: usize,
    /// The key of each.
    key: Option<String>,
    /// How many bytes it answers with.
    answer: usize,
}

const MODEST: Wish = Wish {
    facts: 1,
    bytes: 1,
    key: None,
    answer: 1,
};

fn kind(name: &str) -> FactKind {
    FactKind::new(name, 1).unwrap()
}

impl Wish {
    fn said(
        &self,
        mut publish: impl FnMut(FactDraft) -> Result<(), Fault>,
    ) -> Result<String, Fault> {
        for _ in 0..self.facts {
            publish(FactDraft {
                key: self.key.clone(),
                ..FactDraft::new(kind("word"), json!("x".repeat(self.bytes)))
            })?;
        }
        Ok("y".repeat(self.answer))
    }
}

/// `writer.write`: says what it is to say, on a worker.
struct Write;

/// `writer.flow`: the same as a flow.
struct Flow;

impl Skill for Write {
    const NAME: &'static str = "writer.write";
    type Input = Wish;
    type Output = String;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Says what it is to say")
    }
}

impl BatchSkill for Write {
    type Model = ();

    fn run(
        &self,
        (): &mut (),
        inputs: &[Arc<Wish>],
        context: &mut StepContext<'_>,
    ) -> Vec<Result<String, Fault>> {
        let members = (0..).map(BatchIndex);
        let said = inputs
            .iter()
            .zip(members)
            .map(|(wish, member)| wish.said(|fact| context.publish(member, fact)));
        said.collect()
    }
}

impl Skill for Flow {
    const NAME: &'static str = "writer.flow";
    type Input = Wish;
    type Output = String;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Says what it is to say, as a flow")
    }
}

impl FlowSkill for Flow {
    async fn run(&self, wish: Arc<Wish>, context: FlowContext) -> Result<String, Fault> {
        wish.said(|fact| context.publish(fact))
    }
}

struct Writer;

impl Agent for Writer {
    fn name(&self) -> &str {
        "writer"
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        let group = WorkerGroup::new("pens", Fresh(|| ())).skill(Write);
        let write = Reaction::new("write", kind("wish"), Write::NAME).produces(kind("written"));
        Ok(definition.group(group).flow(Flow).reaction(write))
    }
}

/// A team in which a fact may have so many bytes.
async fn writers(max_fact_bytes: u64) -> (Runtime, Environment) {
    let options = EnvironmentOptions {
        max_fact_bytes,
        ..EnvironmentOptions::default()
    };
    let environment = Environment::in_memory(options).unwrap();
    let builder = Runtime::builder(Config::default())
        .agent(Writer)
        .environment(environment.clone());
    (builder.start().await.unwrap(), environment)
}

async fn both(runtime: &Runtime, wish: &Wish) -> [Result<String, TaskError>; 2] {
    [
        runtime.ask::<Write>(wish.clone()).await,
        runtime.ask::<Flow>(wish.clone()).await,
    ]
}

fn words(environment: &Environment) -> usize {
    let filter = FactFilter {
        kind: Some("word".to_owned()),
        ..FactFilter::default()
    };
    environment
        .snapshot()
        .unwrap()
        .facts(filter)
        .unwrap()
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fact_that_is_too_large_is_a_fault_of_whoever_says_it_and_names_it() {
    let (runtime, environment) = writers(1000).await;
    let large = Wish {
        bytes: 2000,
        ..MODEST
    };
    for answer in both(&runtime, &large).await {
        let error = answer.unwrap_err();
        assert!(matches!(error, TaskError::Rejected { .. }), "{error:?}");
        let said = error.to_string();
        for words in ["`word@1`", "at most 1000 bytes", "got 2", "blob"] {
            assert!(said.contains(words), "`{words}` is not said: {said}");
        }
    }
    assert_eq!(words(&environment), 0);
    for answer in both(&runtime, &MODEST).await {
        answer.unwrap();
    }
    assert_eq!(words(&environment), 2);
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fact_whose_key_is_none_is_a_bug_of_whoever_says_it() {
    let (runtime, environment) = writers(1000).await;
    let bad = Wish {
        key: Some("a\0b".to_owned()),
        ..MODEST
    };
    for answer in both(&runtime, &bad).await {
        let error = answer.unwrap_err();
        assert!(matches!(error, TaskError::Bug { .. }), "{error:?}");
        assert!(error.to_string().contains("`word@1`"), "{error}");
    }
    assert_eq!(words(&environment), 0);
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_output_that_is_too_large_to_become_a_fact_fails_its_task_and_names_it() {
    let (runtime, environment) = writers(1000).await;
    let wish = Wish {
        answer: 2000,
        ..MODEST
    };
    let wish = FactDraft::new(kind("wish"), serde_json::to_value(wish).unwrap());
    let report = runtime.run(Episode::new().fact(wish)).await.unwrap();
    let [failure] = &report.failures[..] else {
        panic!("{:?}", report.failures);
    };
    assert_eq!(failure.error["error"], "rejected");
    let said = failure.error.to_string();
    assert!(said.contains("`written@1`"), "{said}");
    assert!(said.contains("at most 1000 bytes"), "{said}");
    assert_eq!(words(&environment), 0, "all of it, or nothing");
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_whose_skill_says_a_million_facts_fails_and_takes_bounded_memory() {
    let options = EnvironmentOptions {
        max_queued_bytes: 4 << 20,
        ..EnvironmentOptions::default()
    };
    let environment = Environment::in_memory(options).unwrap();
    let builder = Runtime::builder(Config::default())
        .agent(Writer)
        .environment(environment.clone());
    let runtime = builder.start().await.unwrap();
    let million = Wish {
        facts: 1_000_000,
        ..MODEST
    };
    for answer in both(&runtime, &million).await {
        let error = answer.unwrap_err();
        assert!(matches!(error, TaskError::Rejected { .. }), "{error:?}");
        let said = error.to_string();
        assert!(said.contains("4194304 bytes of facts"), "{said}");
    }
    let wish = FactDraft::new(kind("wish"), serde_json::to_value(million).unwrap());
    let report = runtime.run(Episode::new().fact(wish)).await.unwrap();
    assert_eq!(report.failures.len(), 1, "{:?}", report.failures);
    assert_eq!(report.failures[0].error["error"], json!("rejected"));
    assert_eq!(words(&environment), 0);
    // The agent serves the next one.
    for answer in both(&runtime, &MODEST).await {
        answer.unwrap();
    }
    let letters: Vec<Value> = runtime
        .dead_letters()
        .unwrap()
        .into_iter()
        .map(|one| one.cause)
        .collect();
    assert_eq!(letters, [] as [Value; 0]);
    runtime.shutdown().await;
}
