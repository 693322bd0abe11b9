//! A speech agent that tells of each window before it is recognized.

use std::sync::Arc;

use aimass_agents::speech::{
    DetectActivity, Recognize, RecognizeInput, RecognizedWindow, SileroSource, Transcribe,
    Translate, WhisperModel, WhisperSource,
};
use aimass_config::Config;
use aimass_models::Store;
use aimass_models::whisper::recognition::Recognition;
use aimass_runtime::{
    Agent, AgentDefinition, Fault, ModelSkill, Runtime, Skill, SkillSpec, Step, StepContext,
    WorkerGroup,
};

use super::transcribe::store;

/// Called with each window when it is about to be recognized, on the worker's thread.
type Watcher = Arc<dyn Fn(&RecognizeInput) + Send + Sync>;

/// `speech.recognize`, watched.
#[derive(Clone)]
struct Watched(Watcher);

impl Skill for Watched {
    const NAME: &'static str = Recognize::NAME;
    type Input = RecognizeInput;
    type Output = RecognizedWindow;

    fn spec(&self) -> SkillSpec {
        Recognize.spec()
    }
}

impl ModelSkill for Watched {
    type Model = WhisperModel;
    type Job = Recognition;

    fn begin(
        &self,
        model: &mut WhisperModel,
        inputs: Vec<Arc<RecognizeInput>>,
        context: &mut StepContext<'_>,
    ) -> Result<Recognition, Fault> {
        inputs.iter().for_each(|input| (self.0)(input));
        Recognize.begin(model, inputs, context)
    }

    fn step(
        &self,
        model: &mut WhisperModel,
        job: &mut Recognition,
        context: &mut StepContext<'_>,
    ) -> Result<Step<RecognizedWindow>, Fault> {
        Recognize.step(model, job, context)
    }
}

struct WatchedAgent(Store, Watched);

impl Agent for WatchedAgent {
    fn name(&self) -> &str {
        "speech"
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        let activity =
            WorkerGroup::new("activity", SileroSource::new(self.0.clone(), "silero-vad")?);
        let whisper = WhisperSource::new(self.0.clone(), "whisper-base")?;
        let whisper = WorkerGroup::new("whisper", whisper);
        Ok(definition
            .group(activity.skill(DetectActivity))
            .group(whisper.skill(self.1.clone()))
            .flow(Transcribe)
            .flow(Translate))
    }
}

/// A runtime with that agent.
pub(super) async fn start_watched(
    watcher: impl Fn(&RecognizeInput) + Send + Sync + 'static,
) -> Runtime {
    let agent = WatchedAgent(store().await, Watched(Arc::new(watcher)));
    let runtime = Runtime::builder(Config::default()).agent(agent);
    runtime.start().await.unwrap()
}
