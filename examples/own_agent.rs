//! Your own agent in the team: it counts the words that the speech agent hears. After `aimass models pull silero-vad whisper-base`.

use std::sync::Arc;

use aimass::{
    Agent, AgentDefinition, BatchSkill, Config, Episode, FactKind, Fault, Fresh, Reaction, Skill,
    SkillSpec, StepContext, WorkerGroup,
};

type Counts = Vec<Result<usize, Fault>>;

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
    type Model = ();

    fn run(&self, (): &mut (), texts: &[Arc<String>], _: &mut StepContext<'_>) -> Counts {
        let count = |text: &Arc<String>| Ok(text.split_whitespace().count());
        texts.iter().map(count).collect()
    }
}

const HEARD: FactKind = FactKind::constant("speech.transcribe", 1);

struct Words;

impl Agent for Words {
    fn name(&self) -> &str {
        "words"
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        let rule = Reaction::new("words", HEARD, "words.count");
        let rule = rule.input(|fact| fact.value["text"].clone());
        let group = WorkerGroup::new("counters", Fresh(|| ())).skill(CountWords);
        Ok(definition.group(group).reaction(rule))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let team = aimass::team(Config::default())?;
    let runtime = team.agent(Words).start().await?;
    let recording = Episode::from_files(["examples/inbox/reading.flac"]);
    let facts = runtime.run(recording).await?.facts;
    assert!(facts.iter().any(|fact| fact.value == 41), "{facts:?}");
    runtime.shutdown().await;
    Ok(())
}
