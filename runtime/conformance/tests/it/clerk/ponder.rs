//! `clerk.ponder`: takes as many steps as its input says and sends nothing, so that only the kernel can end it between two of them.

use std::sync::Arc;

use aimass_runtime::{BatchIndex, Fault, ModelSkill, Skill, SkillSpec, Step, StepContext};

use super::Desk;

pub(super) struct Ponder;

impl Skill for Ponder {
    const NAME: &'static str = "clerk.ponder";
    type Input = u32;
    type Output = u32;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Ponders in silence")
    }
}

impl ModelSkill for Ponder {
    type Model = Desk;
    /// Of each member, the steps that are left and those that it was to take.
    type Job = Vec<(u32, u32)>;

    fn begin(
        &self,
        _: &mut Desk,
        inputs: Vec<Arc<u32>>,
        _: &mut StepContext<'_>,
    ) -> Result<Self::Job, Fault> {
        Ok(inputs.iter().map(|steps| (**steps, **steps)).collect())
    }

    fn step(
        &self,
        _: &mut Desk,
        job: &mut Self::Job,
        _: &mut StepContext<'_>,
    ) -> Result<Step<u32>, Fault> {
        let mut settled = Vec::new();
        for (member, (left, steps)) in job.iter_mut().enumerate() {
            *left = left.saturating_sub(1);
            if *left == 0 {
                settled.push((BatchIndex(member as u32), Ok(*steps)));
            }
        }
        Ok(match settled.is_empty() {
            true => Step::Continue,
            false => Step::Settled(settled),
        })
    }
}
