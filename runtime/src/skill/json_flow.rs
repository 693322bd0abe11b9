//! Flows whose skill is known at run time only: by its spec, in JSON. What another process offers becomes a skill of this one so.

use std::future::Future;
use std::sync::Arc;

use schemars::Schema;
use serde_json::Value;

use crate::batch::BatchKey;
use crate::error::TaskError;
use crate::fault::Fault;
use crate::payload::Payload;
use crate::skill::SkillSpec;
use crate::skill::context::FlowContext;
use crate::skill::erased::{BoxedRun, DynFlow, DynSkill, FlowEntry, guarded};

/// A flow by its spec and its work.
struct JsonFlow<F> {
    spec: SkillSpec,
    run: F,
}

impl FlowEntry {
    /// The flow of that spec.
    pub(crate) fn json<F, W>(mut spec: SkillSpec, run: F) -> Self
    where
        F: Fn(Value, FlowContext) -> W + Send + Sync + 'static,
        W: Future<Output = Result<Value, Fault>> + Send + 'static,
    {
        // Functions do not travel with a spec that comes from elsewhere.
        if spec.chunk.is_some() {
            spec.decode_chunk = Some(|chunk| Ok(Payload::new(chunk)));
            spec.chunk_bytes = Some(Payload::json_bytes);
        }
        let flow = Arc::new(JsonFlow { spec, run });
        Self {
            dyn_skill: flow.clone(),
            dyn_flow: flow,
        }
    }
}

impl<F: Send + Sync> DynSkill for JsonFlow<F> {
    fn spec(&self) -> &SkillSpec {
        &self.spec
    }

    fn written(&self) -> Schema {
        self.spec.output.clone()
    }

    /// Takes any JSON: whoever does the work knows what it reads.
    fn decode(&self, input: Value) -> Result<Payload, TaskError> {
        Ok(Payload::new(input))
    }

    fn decode_chunk(&self, chunk: Value) -> Result<Payload, TaskError> {
        match self.spec.chunk {
            Some(_) => Ok(Payload::new(chunk)),
            None => Err(TaskError::InvalidInput {
                skill: self.spec.name.clone(),
                message: format!("`{}` takes no chunks", self.spec.name),
            }),
        }
    }

    fn chunk_bytes(&self, chunk: &Payload) -> Result<u64, TaskError> {
        Ok(chunk.json_bytes())
    }

    fn bytes(&self, input: &Payload) -> Result<u64, TaskError> {
        Ok(input.json_bytes())
    }

    fn batch_key(&self, _: &Payload) -> Result<BatchKey, TaskError> {
        Ok(BatchKey::default())
    }
}

impl<F, W> DynFlow for JsonFlow<F>
where
    F: Fn(Value, FlowContext) -> W + Send + Sync + 'static,
    W: Future<Output = Result<Value, Fault>> + Send + 'static,
{
    fn run(&self, input: &Payload, context: FlowContext) -> BoxedRun {
        // A caller in this process may have asked with the type that it knows.
        let run = input.to_json().map_err(Fault::rejected).and_then(|input| {
            let run = guarded(&self.spec.name, "run", || (self.run)(input, context));
            run.map_err(|error| Fault::bug(error.to_string()))
        });
        Box::pin(async move { run?.await.map(Payload::new) })
    }
}
