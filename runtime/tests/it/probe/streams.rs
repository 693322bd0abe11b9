//! The probe's skills that send items, or take chunks.

use std::sync::Arc;

use aimass_runtime::{
    BatchIndex, Chunk, ClientStreaming, Fault, ModelSkill, ServerStreaming, Skill, SkillSpec, Step,
    StepContext,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::desk::{Desk, Entry};
use crate::probe::Model;

/// What `probe.count` is to do.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Counting {
    pub(crate) id: u32,
    pub(crate) items: u32,
    /// Panics instead of sending this item, in its first run.
    pub(crate) panic_at: Option<u32>,
    /// Reports a passing fault instead of sending this item, in its first run.
    pub(crate) falter_at: Option<u32>,
}

/// `probe.count`: sends the numbers from 0, one a step; its output is how many there were.
pub(crate) struct Count(pub(crate) Desk);

impl Skill for Count {
    const NAME: &'static str = "probe.count";
    type Input = Counting;
    type Output = u32;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Sends numbers").sends::<Self>()
    }
}

impl ServerStreaming for Count {
    type Item = u32;
}

impl ModelSkill for Count {
    type Model = Model;
    /// What each member wants, and its next number; none when it is done.
    type Job = Vec<(Arc<Counting>, Option<u32>)>;

    fn begin(
        &self,
        _: &mut Model,
        inputs: Vec<Arc<Counting>>,
        _: &mut StepContext<'_>,
    ) -> Result<Self::Job, Fault> {
        self.0
            .note(Entry::Began(inputs.iter().map(|input| input.id).collect()));
        Ok(inputs.into_iter().map(|input| (input, Some(0))).collect())
    }

    fn step(
        &self,
        _: &mut Model,
        job: &mut Self::Job,
        context: &mut StepContext<'_>,
    ) -> Result<Step<u32>, Fault> {
        let mut settled = Vec::new();
        for (member, (input, next)) in job.iter_mut().enumerate() {
            let member = BatchIndex(member as u32);
            let Some(at) = *next else { continue };
            let first_run = self.0.runs(input.id) == 1;
            if first_run && input.panic_at == Some(at) {
                panic!("stream {} panics at {at}", input.id);
            }
            if first_run && input.falter_at == Some(at) {
                return Err(Fault::retryable(format!("falters at {at}")));
            }
            if at == input.items {
                *next = None;
                settled.push((member, Ok(input.items)));
            } else if context.has_room(member) {
                *next = Some(at + 1);
                context.emit(member, at)?;
            }
        }
        Ok(if settled.is_empty() {
            Step::Continue
        } else {
            Step::Settled(settled)
        })
    }
}

/// `probe.sum`: sends the sum so far after each chunk; its output is the sum of all.
pub(crate) struct Sum;

impl Skill for Sum {
    const NAME: &'static str = "probe.sum";
    type Input = u32;
    type Output = u32;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Adds up chunks")
            .sends::<Self>()
            .takes::<Self>()
    }
}

impl ServerStreaming for Sum {
    type Item = u32;
}

impl ClientStreaming for Sum {
    type Chunk = u32;
}

impl ModelSkill for Sum {
    type Model = Model;
    type Job = Vec<Option<u32>>;

    fn begin(
        &self,
        _: &mut Model,
        inputs: Vec<Arc<u32>>,
        _: &mut StepContext<'_>,
    ) -> Result<Self::Job, Fault> {
        Ok(inputs.iter().map(|start| Some(**start)).collect())
    }

    fn step(
        &self,
        _: &mut Model,
        sums: &mut Self::Job,
        context: &mut StepContext<'_>,
    ) -> Result<Step<u32>, Fault> {
        let mut settled = Vec::new();
        let mut moved = false;
        for (at, sum) in sums.iter_mut().enumerate() {
            let member = BatchIndex(at as u32);
            let Some(so_far) = *sum else { continue };
            match context.next_chunk::<u32>(member)? {
                Chunk::Pending => {}
                Chunk::Item(chunk) => {
                    moved = true;
                    *sum = Some(so_far + chunk);
                    context.emit(member, so_far + chunk)?;
                }
                Chunk::End => {
                    *sum = None;
                    settled.push((member, Ok(so_far)));
                }
            }
        }
        Ok(match (settled.is_empty(), moved) {
            (false, _) => Step::Settled(settled),
            (true, true) => Step::Continue,
            (true, false) => Step::Waiting,
        })
    }
}
