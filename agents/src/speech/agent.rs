//! The speech agent's parts.

use aimass_config::byte_size;
use aimass_locale::text;
use aimass_models::{Precision, Store};
use aimass_runtime::{Agent, AgentDefinition, Fault, Reaction, WorkerGroup, file_kind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::manifest::{AgentManifest, KnownSettings, ModelSlot};
use crate::speech::{
    Detect, DetectActivity, Listen, Recognize, SileroSource, Transcribe, Transcript, Translate,
    WhisperSource,
};

/// What is known of the agent before it is built.
pub const MANIFEST: AgentManifest = AgentManifest {
    name: "speech",
    subject: || text!("speech", "语音"),
    models: &[ACTIVITY, MODEL],
    settings: KnownSettings::of::<SpeechLimits>,
    build: |store, config| Box::new(SpeechAgent::new(store.clone(), Some(&MODEL.model(config)))),
};

/// The model that finds speech.
const ACTIVITY: ModelSlot = ModelSlot {
    key: None,
    default: "silero-vad",
    ..MODEL
};

/// The model that transcribes.
const MODEL: ModelSlot = ModelSlot {
    key: Some("model"),
    default: "whisper-base",
    inputs: &["file.audio"],
    switch: None,
    purpose: || text!("recordings are heard with it", "用于听录音"),
    without: None,
};

/// The agent for speech.
#[derive(Debug, Clone)]
pub struct SpeechAgent {
    store: Store,
    model: String,
    limits: Option<SpeechLimits>,
}

/// What the model that transcribes may take: the agent's settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct SpeechLimits {
    /// How its weights are kept: as their file has them, or rounded to 8 bits, which is faster on
    /// the processor and takes half of the memory.
    #[serde(with = "NamedPrecision")]
    #[schemars(with = "NamedPrecision")]
    pub precision: Precision,
    /// Memory for what its encoder made of windows, in each worker; further windows wait. One
    /// window may always be heard.
    #[serde(with = "byte_size")]
    #[schemars(with = "String", extend("x-rule" = byte_size::RULE))]
    pub cache_bytes: usize,
}

/// The names of precisions in the configuration.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Precision", rename_all = "lowercase")]
enum NamedPrecision {
    Exact,
    Q8_0,
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
    /// transcribes, that of its slot when none is given.
    pub fn new(store: Store, model: Option<&str>) -> Self {
        Self {
            store,
            model: model.unwrap_or(MODEL.default).to_owned(),
            limits: None,
        }
    }

    /// Sets what the model that transcribes may take, whatever the configuration says.
    #[must_use]
    pub fn limits(mut self, limits: SpeechLimits) -> Self {
        self.limits = Some(limits);
        self
    }

    /// The catalogue's name of the model that transcribes.
    pub fn model(&self) -> &str {
        &self.model
    }
}

impl Agent for SpeechAgent {
    fn name(&self) -> &str {
        MANIFEST.name
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        let settings = definition.settings()?;
        let activity = SileroSource::new(self.store.clone(), ACTIVITY.default)?;
        let activity = WorkerGroup::new("activity", activity);
        let whisper = WhisperSource::new(self.store.clone(), &self.model)?;
        let whisper = whisper.with(self.limits.unwrap_or(settings));
        let whisper = WorkerGroup::new("whisper", whisper);
        Ok(definition
            .view::<Transcribe>(Transcript::view)
            .group(activity.skill(DetectActivity))
            .group(whisper.skill(Recognize))
            .flow(Detect)
            .flow(Transcribe)
            .flow(Translate)
            .flow(Listen::default())
            .reaction(Reaction::new(
                "speech-transcribe",
                file_kind::AUDIO,
                "speech.transcribe",
            )))
    }
}
