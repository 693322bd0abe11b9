//! The speech agent's parts.

use aimass_models::{Precision, Store};
use aimass_runtime::{Agent, AgentDefinition, FactKind, Fault, Reaction, WorkerGroup};

use crate::speech::{
    Detect, DetectActivity, Listen, Recognize, SileroSource, Transcribe, Translate, WhisperSource,
};

/// The catalogue's name of the model that is used when the configuration names none.
const DEFAULT_MODEL: &str = "whisper-base";
/// The catalogue's name of the model that finds speech.
const ACTIVITY_MODEL: &str = "silero-vad";

/// The agent for speech.
#[derive(Debug, Clone)]
pub struct SpeechAgent {
    store: Store,
    model: String,
    limits: SpeechLimits,
}

/// What the model that transcribes may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpeechLimits {
    /// How its weights are kept.
    pub precision: Precision,
    /// Bytes of what its encoder made of windows, in each worker; further windows wait. One window
    /// may always be heard.
    pub cache_bytes: usize,
}

impl Default for SpeechLimits {
    fn default() -> Self {
        Self {
            precision: Precision::Exact,
            cache_bytes: 512 << 20,
        }
    }
}

impl SpeechAgent {
    /// An agent that finds its models in `store`; `model` is the catalogue's name of the one that
    /// transcribes, `whisper-base` when none is given.
    pub fn new(store: Store, model: Option<&str>) -> Self {
        Self {
            store,
            model: model.unwrap_or(DEFAULT_MODEL).to_owned(),
            limits: SpeechLimits::default(),
        }
    }

    /// Sets what the model that transcribes may take.
    #[must_use]
    pub fn limits(mut self, limits: SpeechLimits) -> Self {
        self.limits = limits;
        self
    }

    /// The catalogue's name of the model that transcribes.
    pub fn model(&self) -> &str {
        &self.model
    }
}

impl Agent for SpeechAgent {
    fn name(&self) -> &str {
        "speech"
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        let activity = SileroSource::new(self.store.clone(), ACTIVITY_MODEL)?;
        let activity = WorkerGroup::new("activity", activity);
        let whisper = WhisperSource::new(self.store.clone(), &self.model)?;
        let whisper = whisper.with(self.limits);
        let whisper = WorkerGroup::new("whisper", whisper);
        let recordings =
            FactKind::new("file.audio", 1).map_err(|error| Fault::bug(error.to_string()))?;
        Ok(definition
            .group(activity.skill(DetectActivity))
            .group(whisper.skill(Recognize))
            .flow(Detect)
            .flow(Transcribe)
            .flow(Translate)
            .flow(Listen::default())
            .reaction(Reaction::new(
                "speech-transcribe",
                recordings,
                "speech.transcribe",
            )))
    }
}
