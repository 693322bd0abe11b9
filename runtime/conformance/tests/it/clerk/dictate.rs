//! `clerk.dictate`: a flow that sends the numbers up to its input, and whose stream goes on.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use aimass_runtime::{Fault, FlowContext, FlowSkill, ServerStreaming, Skill, SkillSpec};

use super::{Clerk, File, Flaw};

pub(super) struct Dictate(pub(super) Clerk);

impl Skill for Dictate {
    const NAME: &'static str = "clerk.dictate";
    type Input = u32;
    type Output = String;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Dictates numbers")
            .sends::<Self>()
            .continues()
    }
}

impl ServerStreaming for Dictate {
    type Item = u32;
}

impl FlowSkill for Dictate {
    async fn run(&self, input: Arc<u32>, context: FlowContext) -> Result<String, Fault> {
        let Clerk { flaw, count, .. } = &self.0;
        let first = match context.delivered::<u32>()?.len() as u32 {
            _ if *flaw == Flaw::DictatesAnew => 0,
            delivered => delivered,
        };
        let shift = match flaw {
            Flaw::DictatesByStart => count.load(Ordering::SeqCst),
            _ => 0,
        };
        for number in first..*input {
            context.emit(number + shift).await?;
        }
        Ok(context.ask::<File>(input.to_string()).await?)
    }
}
