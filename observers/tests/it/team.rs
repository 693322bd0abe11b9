//! A team of two agents: `ear` hears sounds, and panics once when it is told to; `mind` reads what was heard, and can ask `ear` itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aimass_config::Config;
use aimass_observers::{Otlp, OtlpLosses};
use aimass_runtime::{
    Agent, AgentDefinition, BatchSkill, FactKind, Fault, FlowContext, FlowSkill, Fresh, Reaction,
    Recorder, Runtime, RuntimeBuilder, Skill, SkillSpec, StepContext, WorkerGroup,
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

/// `ear.hear`. The text `panic` panics while the fuse is lit, `secret` is refused.
#[derive(Clone, Default)]
pub(crate) struct Hear(Arc<AtomicBool>);

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
        _: &mut StepContext<'_>,
    ) -> Vec<Result<Sound, Fault>> {
        let hear = |sound: &Arc<Sound>| match sound.text.as_str() {
            "panic" => {
                assert!(!self.0.swap(false, Ordering::SeqCst), "too loud");
                Ok((**sound).clone())
            }
            "secret" => Err(Fault::rejected("cannot hear `secret`")),
            _ => Ok((**sound).clone()),
        };
        inputs.iter().map(hear).collect()
    }
}

struct Ear(Hear);

impl Agent for Ear {
    fn name(&self) -> &str {
        "ear"
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        let group = WorkerGroup::new("hearing", Fresh(|| ())).skill(self.0.clone());
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
        Ok(context.ask(Hear::default(), (*input).clone()).await?)
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
    let hear = Hear(Arc::new(AtomicBool::new(true)));
    Runtime::builder(config.clone())
        .agent(Ear(hear))
        .agent(Mind)
}

/// The team with an exporter, and a recorder of what really happened.
pub(crate) async fn start(config: &Config) -> (Runtime, Recorder, OtlpLosses) {
    let recorder = Recorder::default();
    let otlp = Otlp::start(&config.observers).unwrap().unwrap();
    let losses = otlp.losses();
    let builder = builder(config).observer(recorder.clone()).observer(otlp);
    (builder.start().await.unwrap(), recorder, losses)
}
