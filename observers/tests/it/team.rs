//! A team of two agents: `ear` hears sounds, and panics once when it is told to; `mind` reads what was heard, and can ask `ear` itself.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use aimass_config::Config;
use aimass_observers::{Otlp, SpanLosses};
use aimass_runtime::{
    Agent, AgentDefinition, BatchIndex, BatchSkill, DeviceName, FactKind, Fault, FlowContext,
    FlowSkill, Fresh, ModelSource, ModelVersion, Reaction, Recorder, Runtime, RuntimeBuilder,
    ServerStreaming, Skill, SkillSpec, StepContext, Usage, WorkerGroup,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Something to hear, or what was heard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Sound {
    pub(crate) text: String,
}

impl Sound {
    pub(crate) fn new(text: &str) -> Self {
        let text = text.to_owned();
        Self { text }
    }
}

/// What a test holds of an ear at work.
#[derive(Default)]
pub(crate) struct Stage {
    /// The next `panic` is one.
    fuse: AtomicBool,
    /// Whether `hang` has begun, and whether it may end.
    hanging: Mutex<(bool, bool)>,
    changed: Condvar,
}

impl Stage {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            fuse: AtomicBool::new(true),
            ..Self::default()
        })
    }

    /// Returns once a task hangs.
    pub(crate) fn wait_for_hang(&self) {
        let mut hanging = self.hanging.lock().unwrap();
        while !hanging.0 {
            hanging = self.changed.wait(hanging).unwrap();
        }
    }

    /// Lets it go on.
    pub(crate) fn end_hang(&self) {
        self.hanging.lock().unwrap().1 = true;
        self.changed.notify_all();
    }

    fn hang(&self) {
        let mut hanging = self.hanging.lock().unwrap();
        hanging.0 = true;
        self.changed.notify_all();
        while !hanging.1 {
            hanging = self.changed.wait(hanging).unwrap();
        }
    }
}

/// `ear.hear`. The text `panic` panics once, `secret` is refused, `hang` hangs until the test ends it, and `say` is said through `tracing`.
#[derive(Clone, Default)]
pub(crate) struct Hear(Arc<Stage>);

impl Skill for Hear {
    const NAME: &'static str = "ear.hear";
    type Input = Sound;
    type Output = Sound;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Hears")
    }
}

impl BatchSkill for Hear {
    type Model = ();

    fn run(
        &self,
        (): &mut (),
        inputs: &[Arc<Sound>],
        context: &mut StepContext<'_>,
    ) -> Vec<Result<Sound, Fault>> {
        let hear = |(at, sound): (usize, &Arc<Sound>)| {
            let letters = Usage {
                input_tokens: sound.text.len() as u64,
                output_tokens: 1,
            };
            context.count(BatchIndex(at as u32), letters);
            match sound.text.as_str() {
                "panic" => {
                    assert!(!self.0.fuse.swap(false, Ordering::SeqCst), "too loud");
                }
                "secret" => return Err(Fault::rejected("cannot hear `secret`")),
                "hang" => self.0.hang(),
                "say" => tracing::warn!(words = 3, "an ear says something"),
                _ => {}
            }
            Ok((**sound).clone())
        };
        inputs.iter().enumerate().map(hear).collect()
    }
}

/// `ear.listen`: sends each letter.
pub(crate) struct Listen;

impl Skill for Listen {
    const NAME: &'static str = "ear.listen";
    type Input = Sound;
    type Output = Sound;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Hears letter by letter").sends::<Self>()
    }
}

impl ServerStreaming for Listen {
    type Item = String;
}

impl BatchSkill for Listen {
    type Model = ();

    fn run(
        &self,
        (): &mut (),
        inputs: &[Arc<Sound>],
        context: &mut StepContext<'_>,
    ) -> Vec<Result<Sound, Fault>> {
        let listen = |(at, sound): (usize, &Arc<Sound>)| {
            for letter in sound.text.chars() {
                context.emit(BatchIndex(at as u32), letter.to_string())?;
            }
            Ok((**sound).clone())
        };
        inputs.iter().enumerate().map(listen).collect()
    }
}

/// Weights that are larger than they are declared.
struct Ears;

/// How many bytes they really take.
pub(crate) const EARS_BYTES: u64 = 4096;

impl ModelSource for Ears {
    type Weights = Vec<u8>;
    type Model = ();

    fn version(&self) -> ModelVersion {
        ModelVersion::new("ears-1")
    }

    fn memory_bytes(&self) -> u64 {
        EARS_BYTES / 2
    }

    fn weights_bytes(&self, weights: &Vec<u8>) -> Option<u64> {
        Some(weights.len() as u64)
    }

    fn load(&self, _: &DeviceName) -> Result<Vec<u8>, Fault> {
        Ok(vec![0; EARS_BYTES as usize])
    }

    fn build(&self, _: &Arc<Vec<u8>>, _: &DeviceName) -> Result<(), Fault> {
        Ok(())
    }
}

struct Ear(Hear);

impl Agent for Ear {
    fn name(&self) -> &str {
        "ear"
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        let group = WorkerGroup::new("hearing", Ears)
            .skill(self.0.clone())
            .skill(Listen);
        Ok(definition
            .group(group)
            .reaction(Reaction::new("hear", kind("sound"), Hear::NAME)))
    }
}

/// `mind.read`.
struct Read;

impl Skill for Read {
    const NAME: &'static str = "mind.read";
    type Input = Sound;
    type Output = Sound;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Reads")
    }
}

impl BatchSkill for Read {
    type Model = ();

    fn run(
        &self,
        (): &mut (),
        inputs: &[Arc<Sound>],
        _: &mut StepContext<'_>,
    ) -> Vec<Result<Sound, Fault>> {
        inputs.iter().map(|sound| Ok((**sound).clone())).collect()
    }
}

/// `mind.think`: asks the ear.
pub(crate) struct Think;

impl Skill for Think {
    const NAME: &'static str = "mind.think";
    type Input = Sound;
    type Output = Sound;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Asks the ear")
    }
}

impl FlowSkill for Think {
    async fn run(&self, input: Arc<Sound>, context: FlowContext) -> Result<Sound, Fault> {
        Ok(context.ask::<Hear>((*input).clone()).await?)
    }
}

struct Mind;

impl Agent for Mind {
    fn name(&self) -> &str {
        "mind"
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        let group = WorkerGroup::new("reading", Fresh(|| ())).skill(Read);
        let reaction = Reaction::new("read", kind(Hear::NAME), Read::NAME);
        Ok(definition.group(group).flow(Think).reaction(reaction))
    }
}

pub(crate) fn kind(name: &str) -> FactKind {
    FactKind::new(name, 1).unwrap()
}

/// A configuration whose batches wait for company, so that there are some, and whose restarts do not wait.
pub(crate) fn config(endpoint: &str) -> Config {
    let mut config = Config::default();
    config.observers.otlp.endpoint = Some(endpoint.to_owned());
    config.observers.otlp.service_name = "desk".to_owned();
    config.runtime.supervision.backoff_initial = Duration::ZERO;
    config.runtime.supervision.backoff_max = Duration::ZERO;
    config.defaults.max_batch = 8;
    config.defaults.max_wait = Duration::from_millis(20);
    config
}

/// The team, about to start.
pub(crate) fn builder(config: &Config) -> RuntimeBuilder {
    builder_on(config, Stage::new())
}

/// The team, whose ear the test holds.
pub(crate) fn builder_on(config: &Config, stage: Arc<Stage>) -> RuntimeBuilder {
    Runtime::builder(config.clone())
        .agent(Ear(Hear(stage)))
        .agent(Mind)
}

/// The team with an exporter, and a recorder of what really happened.
pub(crate) async fn start(config: &Config) -> (Runtime, Recorder, SpanLosses) {
    let recorder = Recorder::default();
    let otlp = Otlp::start(&config.observers).unwrap().unwrap();
    let losses = otlp.losses();
    let builder = builder(config).observer(recorder.clone()).observer(otlp);
    (builder.start().await.unwrap(), recorder, losses)
}
