//! A text whose worker dies again and again while it is written is the text of one that lives.

use aimass_agents::generation::{Chat, GenerationInput, LanguageModelSource, TextDelta};
use aimass_config::Config;
use aimass_models::Store;
use aimass_runtime::{Agent, AgentDefinition, Fault, Runtime, TaskStream, WorkerGroup};

use super::{tiny, warm};
use crate::mortal::{MAX_DEATHS, MortalModel, Reaper};

/// The agent of the tiny model, with one skill.
struct MortalAgent(Store, Reaper);

impl Agent for MortalAgent {
    fn name(&self) -> &str {
        "generation"
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        let source = LanguageModelSource::new(self.0.clone(), "tiny")?;
        let group = WorkerGroup::new("model", source);
        Ok(definition.group(group.skill(MortalModel(Chat, self.1.clone()))))
    }
}

/// All pieces and the text.
async fn read(mut stream: TaskStream<Chat>) -> (Vec<String>, String) {
    let mut pieces = Vec::new();
    while let Some(TextDelta(piece)) = stream.next().await.transpose().unwrap() {
        pieces.push(piece);
    }
    (pieces, stream.output().await.unwrap().text)
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_deaths_while_a_text_is_written_change_no_piece_of_it() {
    let tiny = tiny();
    let reaper = Reaper::default();
    let agent = MortalAgent(tiny.store.clone(), reaper.clone());
    let runtime = Runtime::builder(Config::default()).agent(agent);
    let runtime = runtime.start().await.unwrap();
    for seed in 0..3 {
        let input = GenerationInput {
            max_tokens: Some(200),
            ..warm(seed)
        };
        reaper.strike_every(0);
        let undisturbed = read(runtime.stream::<Chat>(input.clone()).unwrap()).await;
        assert_eq!(undisturbed.0.concat(), undisturbed.1);
        reaper.strike_every(8);
        let disturbed = read(runtime.stream::<Chat>(input).unwrap()).await;
        assert_eq!(disturbed, undisturbed, "seed {seed}");
        assert_eq!(reaper.deaths(), MAX_DEATHS, "seed {seed}");
    }
    runtime.shutdown().await;
}
