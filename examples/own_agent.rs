//! Your own agent: one type for its skill, one for itself. `cargo run --example own_agent`

use std::sync::Arc;

use aimass::{
    Agent, AgentDefinition, BatchSkill, Config, Fault, Fresh, Runtime, Skill, SkillSpec,
    StepContext, WorkerGroup,
};

/// Counts words, and how many texts its worker has seen.
struct CountWords;

impl Skill for CountWords {
    const NAME: &'static str = "words.count";
    type Input = String;
    type Output = usize;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Counts the words of a text.")
    }
}

impl BatchSkill for CountWords {
    /// What each worker owns; a model, when there is one.
    type Model = u64;

    fn run(
        &self,
        seen: &mut u64,
        texts: &[Arc<String>],
        _: &mut StepContext<'_>,
    ) -> Vec<Result<usize, Fault>> {
        *seen += texts.len() as u64;
        let count = |text: &Arc<String>| Ok(text.split_whitespace().count());
        texts.iter().map(count).collect()
    }
}

struct Words;

impl Agent for Words {
    fn name(&self) -> &str {
        "words"
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        Ok(definition.group(WorkerGroup::new("counters", Fresh(|| 0)).skill(CountWords)))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = Runtime::builder(Config::default())
        .agent(Words)
        .start()
        .await?;
    let words = runtime
        .ask(CountWords, "to be or not to be".to_owned())
        .await?;
    assert_eq!(words, 6);
    runtime.shutdown().await;
    Ok(())
}
