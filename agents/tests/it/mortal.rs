//! Skills that die when a test says so.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use aimass_runtime::{
    BatchIndex, Fault, FlowContext, FlowSkill, ModelSkill, Skill, SkillSpec, Step, StepContext,
};

/// After so many deaths by steps, a skill lives.
pub(crate) const MAX_DEATHS: u32 = 20;

/// Says when a skill dies. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Reaper {
    strikes: Arc<AtomicBool>,
    deaths: Arc<AtomicU32>,
    /// Steps of the present attempt, on a worker.
    steps: Arc<AtomicU32>,
    /// An attempt dies after so many steps more than the one before it; 0 means that it lives.
    every: Arc<AtomicU32>,
}

impl Reaper {
    /// The skill dies as soon as it does anything more.
    pub(crate) fn strike(&self) {
        self.strikes.store(true, Ordering::SeqCst);
    }

    /// From now on attempts die, each after so many steps more than the one before it, [`MAX_DEATHS`] times.
    pub(crate) fn strike_every(&self, steps: u32) {
        self.deaths.store(0, Ordering::SeqCst);
        self.every.store(steps, Ordering::SeqCst);
    }

    /// An attempt begins.
    fn begin(&self) {
        self.steps.store(0, Ordering::SeqCst);
    }

    /// A step begins.
    fn step(&self) {
        let steps = self.steps.fetch_add(1, Ordering::SeqCst) + 1;
        let every = self.every.load(Ordering::SeqCst);
        if every > 0 && self.deaths() < MAX_DEATHS && steps == every * (self.deaths() + 1) {
            self.strike();
        }
        self.pass();
    }

    pub(crate) fn deaths(&self) -> u32 {
        self.deaths.load(Ordering::SeqCst)
    }

    fn pass(&self) {
        if self.strikes.swap(false, Ordering::SeqCst) {
            self.deaths.fetch_add(1, Ordering::SeqCst);
            panic!("a test lets it die");
        }
    }
}

/// A flow that a reaper knows.
pub(crate) struct Mortal<F>(pub(crate) F, pub(crate) Reaper);

impl<S: Skill> Skill for Mortal<S> {
    const NAME: &'static str = S::NAME;
    type Input = S::Input;
    type Output = S::Output;

    fn spec(&self) -> SkillSpec {
        self.0.spec()
    }

    fn input_bytes(&self, input: &S::Input) -> u64 {
        self.0.input_bytes(input)
    }
}

/// A skill of a worker that a reaper knows.
pub(crate) struct MortalModel<S>(pub(crate) S, pub(crate) Reaper);

impl<S: Skill> Skill for MortalModel<S> {
    const NAME: &'static str = S::NAME;
    type Input = S::Input;
    type Output = S::Output;

    fn spec(&self) -> SkillSpec {
        self.0.spec()
    }

    fn input_bytes(&self, input: &S::Input) -> u64 {
        self.0.input_bytes(input)
    }
}

impl<S: ModelSkill> ModelSkill for MortalModel<S> {
    type Model = S::Model;
    type Job = S::Job;

    fn begin(
        &self,
        model: &mut S::Model,
        inputs: Vec<Arc<S::Input>>,
        context: &mut StepContext<'_>,
    ) -> Result<S::Job, Fault> {
        self.1.begin();
        self.0.begin(model, inputs, context)
    }

    fn step(
        &self,
        model: &mut S::Model,
        job: &mut S::Job,
        context: &mut StepContext<'_>,
    ) -> Result<Step<S::Output>, Fault> {
        self.1.step();
        self.0.step(model, job, context)
    }

    fn finish(
        &self,
        model: &mut S::Model,
        job: S::Job,
        context: &mut StepContext<'_>,
    ) -> Vec<(BatchIndex, Result<S::Output, Fault>)> {
        self.0.finish(model, job, context)
    }
}

impl<F: FlowSkill> FlowSkill for Mortal<F> {
    async fn run(&self, input: Arc<F::Input>, context: FlowContext) -> Result<F::Output, Fault> {
        let mut work = pin!(self.0.run(input, context));
        poll_fn(|waker| {
            self.1.pass();
            work.as_mut().poll(waker)
        })
        .await
    }
}
