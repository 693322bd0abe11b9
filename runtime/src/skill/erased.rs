//! Skills with their types erased: what the router, the cores and the workers hold.

use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use aimass_environment::panics;
use schemars::Schema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

use crate::batch::{BatchIndex, BatchKey};
use crate::error::TaskError;
use crate::fault::Fault;
use crate::payload::{Data, Payload};
use crate::skill::context::{FlowContext, StepContext};
use crate::skill::given;
use crate::skill::{FlowSkill, ModelSkill, Skill, SkillSpec, Step};

/// What callers need of a skill: its spec, and how to read and measure an input.
pub(crate) trait DynSkill: Send + Sync {
    fn spec(&self) -> &SkillSpec;
    /// The JSON schema of its output as it is written, not as it would be read.
    fn written(&self) -> Schema;
    fn decode(&self, input: Value) -> Result<Payload, TaskError>;
    fn decode_chunk(&self, chunk: Value) -> Result<Payload, TaskError>;
    fn chunk_bytes(&self, chunk: &Payload) -> Result<u64, TaskError>;
    fn bytes(&self, input: &Payload) -> Result<u64, TaskError>;
    fn batch_key(&self, input: &Payload) -> Result<BatchKey, TaskError>;
}

/// What an author's function gives that is called beside the workers; its panic is a bug of the skill.
pub(crate) fn guarded<T>(
    skill: &str,
    name: &str,
    work: impl FnOnce() -> T,
) -> Result<T, TaskError> {
    panics::caught(work).map_err(|message| TaskError::Bug {
        skill: skill.to_owned(),
        message: format!("its `{name}` panicked: {message}"),
    })
}

/// A model skill with the types of model, input, output and job erased.
pub(crate) trait DynModelSkill: Send + Sync {
    fn begin(
        &self,
        model: &mut dyn Any,
        inputs: &[Payload],
        context: &mut StepContext<'_>,
    ) -> Result<Box<dyn Any>, Fault>;
    fn join(
        &self,
        model: &mut dyn Any,
        job: &mut dyn Any,
        inputs: &[Payload],
        context: &mut StepContext<'_>,
    ) -> bool;
    fn step(
        &self,
        model: &mut dyn Any,
        job: &mut dyn Any,
        context: &mut StepContext<'_>,
    ) -> Result<Step<Payload>, Fault>;
    fn finish(
        &self,
        model: &mut dyn Any,
        job: Box<dyn Any>,
        context: &mut StepContext<'_>,
    ) -> Vec<(BatchIndex, Result<Payload, Fault>)>;
}

/// A flow with input and output erased.
pub(crate) trait DynFlow: Send + Sync {
    fn run(&self, input: &Payload, context: FlowContext) -> BoxedRun;
}

/// A flow's work.
pub(crate) type BoxedRun = Pin<Box<dyn Future<Output = Result<Payload, Fault>> + Send>>;

/// A skill of a worker group: typed, and as the kernel holds it.
pub(crate) struct SkillEntry {
    pub(crate) dyn_skill: Arc<dyn DynSkill>,
    pub(crate) model_face: Arc<dyn DynModelSkill>,
}

impl SkillEntry {
    pub(crate) fn new<K: ModelSkill>(skill: K) -> Self {
        let entry = Arc::new(Erased {
            spec: skill.spec(),
            skill,
            batch_key: K::batch_key,
        });
        Self {
            dyn_skill: entry.clone(),
            model_face: entry,
        }
    }
}

/// A flow: typed, and as the kernel holds it.
pub(crate) struct FlowEntry {
    pub(crate) dyn_skill: Arc<dyn DynSkill>,
    pub(crate) dyn_flow: Arc<dyn DynFlow>,
}

impl FlowEntry {
    pub(crate) fn new<F: FlowSkill>(flow: F) -> Self {
        let entry = Arc::new(ErasedFlow(Arc::new(Erased {
            spec: flow.spec(),
            skill: flow,
            batch_key: |_, _| BatchKey::default(),
        })));
        Self {
            dyn_skill: entry.0.clone(),
            dyn_flow: entry,
        }
    }
}

struct Erased<K: Skill> {
    spec: SkillSpec,
    skill: K,
    batch_key: fn(&K, &K::Input) -> BatchKey,
}

struct ErasedFlow<K: Skill>(Arc<Erased<K>>);

impl<K: Skill> DynSkill for Erased<K> {
    fn spec(&self) -> &SkillSpec {
        &self.spec
    }

    fn written(&self) -> Schema {
        let settings = SchemaSettings::draft2020_12().for_serialize();
        settings
            .into_generator()
            .into_root_schema_for::<K::Output>()
    }

    fn decode(&self, input: Value) -> Result<Payload, TaskError> {
        let read = || given::read::<K::Input>(input).map(Payload::new);
        guarded(K::NAME, "Deserialize", read)?.map_err(unreadable::<K>)
    }

    fn decode_chunk(&self, chunk: Value) -> Result<Payload, TaskError> {
        let read = || match self.spec.decode_chunk {
            Some(decode) => decode(chunk),
            None => Err(format!("`{}` takes no chunks", K::NAME)),
        };
        guarded(K::NAME, "Deserialize", read)?.map_err(unreadable::<K>)
    }

    fn chunk_bytes(&self, chunk: &Payload) -> Result<u64, TaskError> {
        let bytes = || self.spec.chunk_bytes.map_or(0, |bytes| bytes(chunk));
        guarded(K::NAME, "chunk_bytes", bytes)
    }

    fn bytes(&self, input: &Payload) -> Result<u64, TaskError> {
        let input = input.get::<K::Input>();
        let bytes = || input.map_or(0, |input| self.skill.input_bytes(&input));
        guarded(K::NAME, "input_bytes", bytes)
    }

    fn batch_key(&self, input: &Payload) -> Result<BatchKey, TaskError> {
        let input = input.get::<K::Input>();
        let batch_key = || {
            input.map_or(BatchKey::default(), |input| {
                (self.batch_key)(&self.skill, &input)
            })
        };
        guarded(K::NAME, "batch_key", batch_key)
    }
}

impl<K: ModelSkill> DynModelSkill for Erased<K> {
    fn begin(
        &self,
        model: &mut dyn Any,
        inputs: &[Payload],
        context: &mut StepContext<'_>,
    ) -> Result<Box<dyn Any>, Fault> {
        let model = model_of::<K>(model)?;
        let inputs = typed::<K::Input>(inputs)?;
        let job = self.skill.begin(model, inputs, context)?;
        Ok(Box::new(job))
    }

    fn join(
        &self,
        model: &mut dyn Any,
        job: &mut dyn Any,
        inputs: &[Payload],
        context: &mut StepContext<'_>,
    ) -> bool {
        let job = job.downcast_mut::<K::Job>();
        let (Ok(model), Some(job), Ok(inputs)) =
            (model_of::<K>(model), job, typed::<K::Input>(inputs))
        else {
            return false;
        };
        self.skill.join(model, job, inputs, context).is_ok()
    }

    fn step(
        &self,
        model: &mut dyn Any,
        job: &mut dyn Any,
        context: &mut StepContext<'_>,
    ) -> Result<Step<Payload>, Fault> {
        let model = model_of::<K>(model)?;
        let job = job
            .downcast_mut::<K::Job>()
            .ok_or_else(|| foreign(K::NAME))?;
        Ok(match self.skill.step(model, job, context)? {
            Step::Continue => Step::Continue,
            Step::Waiting => Step::Waiting,
            Step::Finished => Step::Finished,
            Step::Settled(outcomes) => Step::Settled(erased(outcomes)),
        })
    }

    fn finish(
        &self,
        model: &mut dyn Any,
        job: Box<dyn Any>,
        context: &mut StepContext<'_>,
    ) -> Vec<(BatchIndex, Result<Payload, Fault>)> {
        match (model_of::<K>(model), job.downcast::<K::Job>()) {
            (Ok(model), Ok(job)) => erased(self.skill.finish(model, *job, context)),
            _ => Vec::new(),
        }
    }
}

impl<K: FlowSkill> DynFlow for ErasedFlow<K> {
    fn run(&self, input: &Payload, context: FlowContext) -> BoxedRun {
        let entry = self.0.clone();
        let input = input.get::<K::Input>();
        Box::pin(async move {
            let input = input.ok_or_else(|| foreign(K::NAME))?;
            entry.skill.run(input, context).await.map(Payload::new)
        })
    }
}

fn unreadable<K: Skill>(message: String) -> TaskError {
    TaskError::InvalidInput {
        skill: K::NAME.to_owned(),
        message,
    }
}

fn model_of<K: ModelSkill>(model: &mut dyn Any) -> Result<&mut K::Model, Fault> {
    model.downcast_mut().ok_or_else(|| foreign(K::NAME))
}

fn typed<T: Data>(inputs: &[Payload]) -> Result<Vec<Arc<T>>, Fault> {
    inputs
        .iter()
        .map(|input| input.get().ok_or_else(|| foreign(input.type_name())))
        .collect()
}

fn erased<T: Data>(
    outcomes: Vec<(BatchIndex, Result<T, Fault>)>,
) -> Vec<(BatchIndex, Result<Payload, Fault>)> {
    outcomes
        .into_iter()
        .map(|(member, outcome)| (member, outcome.map(Payload::new)))
        .collect()
}

fn foreign(name: &str) -> Fault {
    Fault::bug(format!("a value of another skill reached `{name}`"))
}
