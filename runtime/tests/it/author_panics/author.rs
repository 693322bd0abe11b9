//! The agent `author`, each of whose functions passes a fuse.

use std::future::Future;
use std::sync::Arc;

use aimass_runtime::{
    Agent, AgentDefinition, BatchIndex, BatchKey, Chunk, ClientStreaming, DeviceName, Fault,
    FlowContext, FlowSkill, ModelSkill, ModelSource, ModelVersion, ServerStreaming, Skill,
    SkillSpec, Step, StepContext, WorkerGroup,
};

use super::fuse::{Fuse, Place, Trace};
use super::parcel::{Parcel, Trap};

/// The agent.
pub(super) struct Author(pub(super) Fuse);

impl Agent for Author {
    fn name(&self) -> &str {
        self.0.pass(Place::Name);
        "author"
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        let fuse = &self.0;
        fuse.pass(Place::Define);
        let trace = |place| Trace(fuse.clone(), place);
        let group = WorkerGroup::new(
            "model",
            Source(fuse.clone(), Some(trace(Place::DropSource))),
        )
        .skill(Work(fuse.clone(), Some(trace(Place::DropSkill))))
        .skill(Add(fuse.clone()));
        Ok(definition.group(group).flow(Errand(fuse.clone())))
    }
}

impl Drop for Author {
    fn drop(&mut self) {
        self.0.pass(Place::DropAgent);
    }
}

/// Where its model comes from.
/// What the agent defines leaves a trace when it goes.
pub(super) struct Source(
    pub(super) Fuse,
    #[expect(dead_code, reason = "it is there to be dropped")] pub(super) Option<Trace>,
);

impl ModelSource for Source {
    type Weights = Trace;
    type Model = Trace;

    fn version(&self) -> ModelVersion {
        self.0.pass(Place::Version);
        ModelVersion::new("one")
    }

    fn memory_bytes(&self) -> u64 {
        self.0.pass(Place::MemoryBytes);
        1
    }

    fn weights_bytes(&self, _: &Trace) -> Option<u64> {
        self.0.pass(Place::WeightsBytes);
        Some(1)
    }

    fn load(&self, _: &DeviceName) -> Result<Trace, Fault> {
        self.0.pass(Place::Load);
        Ok(Trace(self.0.clone(), Place::DropWeights))
    }

    fn build(&self, _: &Arc<Trace>, _: &DeviceName) -> Result<Trace, Fault> {
        self.0.pass(Place::Build);
        Ok(Trace(self.0.clone(), Place::DropModel))
    }
}

/// `author.work`: sends an item for each of its members, and lets others join.
///
/// What the agent defines leaves a trace when it goes; what a caller names does not.
pub(super) struct Work(
    pub(super) Fuse,
    #[expect(dead_code, reason = "it is there to be dropped")] pub(super) Option<Trace>,
);

/// The work on a batch.
pub(super) struct Shift {
    parcels: Vec<Arc<Parcel>>,
    /// To how many of its members an item was sent.
    sent: usize,
}

impl Skill for Work {
    const NAME: &'static str = "author.work";
    type Input = Parcel;
    type Output = Parcel;

    fn spec(&self) -> SkillSpec {
        self.0.pass(Place::Spec);
        SkillSpec::of::<Self>("Works").sends::<Self>()
    }

    fn input_bytes(&self, input: &Parcel) -> u64 {
        input.spring(Trap::Measure);
        self.0.pass(Place::InputBytes);
        1
    }
}

impl ServerStreaming for Work {
    type Item = Parcel;
}

impl ModelSkill for Work {
    type Model = Trace;
    type Job = Shift;

    fn batch_key(&self, _: &Parcel) -> BatchKey {
        self.0.pass(Place::BatchKey);
        BatchKey::default()
    }

    fn begin(
        &self,
        _: &mut Trace,
        parcels: Vec<Arc<Parcel>>,
        _: &mut StepContext<'_>,
    ) -> Result<Shift, Fault> {
        self.0.pass(Place::Begin);
        Ok(Shift { parcels, sent: 0 })
    }

    fn join(
        &self,
        _: &mut Trace,
        shift: &mut Shift,
        parcels: Vec<Arc<Parcel>>,
        _: &mut StepContext<'_>,
    ) -> Result<(), Vec<Arc<Parcel>>> {
        self.0.pass(Place::Join);
        shift.parcels.extend(parcels);
        Ok(())
    }

    fn step(
        &self,
        _: &mut Trace,
        shift: &mut Shift,
        context: &mut StepContext<'_>,
    ) -> Result<Step<Parcel>, Fault> {
        self.0.pass(Place::Step);
        let is_held = shift.parcels.iter().any(|parcel| parcel.0.is_held);
        if is_held && !self.0.is_open() {
            std::thread::yield_now();
            return Ok(Step::Continue);
        }
        let new = shift.parcels.iter().enumerate().skip(shift.sent);
        for (at, parcel) in new {
            context.emit(BatchIndex(at as u32), Parcel::with(parcel.0.item))?;
        }
        let is_done = shift.sent == shift.parcels.len();
        shift.sent = shift.parcels.len();
        Ok(match is_done {
            true => Step::Finished,
            false => Step::Continue,
        })
    }

    fn finish(
        &self,
        _: &mut Trace,
        shift: Shift,
        _: &mut StepContext<'_>,
    ) -> Vec<(BatchIndex, Result<Parcel, Fault>)> {
        self.0.pass(Place::Finish);
        let outcome = |(at, parcel): (usize, &Arc<Parcel>)| {
            (BatchIndex(at as u32), Ok(Parcel::with(parcel.0.output)))
        };
        shift.parcels.iter().enumerate().map(outcome).collect()
    }
}

/// `author.add`: takes parcels until all is said; its job is left to the kernel to free.
pub(super) struct Add(Fuse);

impl Skill for Add {
    const NAME: &'static str = "author.add";
    type Input = Parcel;
    type Output = Parcel;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Adds").takes::<Self>()
    }
}

impl ClientStreaming for Add {
    type Chunk = Parcel;

    fn chunk_bytes(chunk: &Parcel) -> u64 {
        chunk.spring(Trap::Measure);
        1
    }
}

impl ModelSkill for Add {
    type Model = Trace;
    /// Of each member, the trap of its output; none once it is answered.
    type Job = (Vec<Option<Option<Trap>>>, Trace);

    fn begin(
        &self,
        _: &mut Trace,
        parcels: Vec<Arc<Parcel>>,
        _: &mut StepContext<'_>,
    ) -> Result<Self::Job, Fault> {
        let members = parcels.iter().map(|parcel| Some(parcel.0.output));
        let trace = Trace(self.0.clone(), Place::DropJob);
        Ok((members.collect(), trace))
    }

    fn step(
        &self,
        _: &mut Trace,
        (members, _): &mut Self::Job,
        context: &mut StepContext<'_>,
    ) -> Result<Step<Parcel>, Fault> {
        let (mut settled, mut moved) = (Vec::new(), false);
        for (at, output) in members.iter_mut().enumerate() {
            let member = BatchIndex(at as u32);
            let Some(trap) = *output else { continue };
            match context.next_chunk::<Parcel>(member)? {
                Chunk::Pending => {}
                Chunk::Item(chunk) => {
                    // What an author drops is the author's own; the kernel keeps the chunk for another attempt.
                    std::mem::forget(chunk);
                    moved = true;
                }
                Chunk::End => {
                    *output = None;
                    settled.push((member, Ok(Parcel::with(trap))));
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

/// `author.errand`: a flow that asks `author.work`; one that is held waits until it is dropped.
pub(super) struct Errand(pub(super) Fuse);

impl Skill for Errand {
    const NAME: &'static str = "author.errand";
    type Input = Parcel;
    type Output = Parcel;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Runs an errand")
    }
}

impl FlowSkill for Errand {
    fn run(
        &self,
        input: Arc<Parcel>,
        context: FlowContext,
    ) -> impl Future<Output = Result<Parcel, Fault>> + Send {
        let fuse = self.0.clone();
        fuse.pass(Place::Run);
        async move {
            fuse.pass(Place::Poll);
            if input.0.is_held {
                let _trace = Trace(fuse.clone(), Place::DropFuture);
                std::future::pending::<()>().await;
            }
            let worked = context.ask::<Work>(Parcel::default()).await?;
            drop(worked);
            Ok(Parcel::with(input.0.output))
        }
    }
}
