//! What a skill sees of its job.

use aimass_environment::{FactDraft, Time};

use super::JobMember;
use crate::batch::BatchIndex;
use crate::core::ticket::ReplayBuffer;
use crate::core::worker_context::WorkerContext;
use crate::fault::Fault;
use crate::model::DeviceName;
use crate::observer::Note;
use crate::payload::Payload;
use crate::skill::context::{Chunk, JobHost};
use crate::usage::Usage;
use aimass_environment::ModelVersion;

/// What an attempt is told that sends other items than the one before it.
pub(in crate::worker) fn different() -> Fault {
    Fault::bug(
        "expected the items that were delivered before once more, got others; a skill whose stream continues must give the same items for the same input",
    )
}

/// What a skill sees of the runtime during one call.
pub(super) struct Host<'a> {
    pub(super) worker_context: &'a WorkerContext,
    pub(super) members: &'a mut Vec<JobMember>,
    pub(super) version: &'a ModelVersion,
}

impl Host<'_> {
    fn member(&mut self, member: BatchIndex) -> Result<&mut JobMember, Fault> {
        let count = self.members.len();
        self.members
            .get_mut(member.0 as usize)
            .ok_or_else(|| Fault::bug(format!("expected a member below {count}, got {}", member.0)))
    }
}

impl JobHost for Host<'_> {
    fn now(&self) -> Time {
        self.worker_context.core.clock.now()
    }

    fn device(&self) -> DeviceName {
        self.worker_context.device()
    }

    fn model_version(&self) -> &ModelVersion {
        self.version
    }

    fn members(&self) -> u32 {
        self.members.len() as u32
    }

    fn is_cancelled(&self, member: BatchIndex) -> bool {
        self.members
            .get(member.0 as usize)
            .is_none_or(|member| member.ticket.is_cancelled())
    }

    fn deadline(&self, member: BatchIndex) -> Option<Time> {
        let deadline = self.members.get(member.0 as usize)?.ticket.deadline;
        (deadline != Time::NEVER).then_some(deadline)
    }

    fn has_room(&self, member: BatchIndex) -> bool {
        self.members
            .get(member.0 as usize)
            .is_some_and(|member| member.overflow.is_empty())
    }

    fn emit(&mut self, member: BatchIndex, item: Payload) -> Result<(), Fault> {
        let worker_context = self.worker_context;
        let member = self.member(member)?;
        // A thread that was given up may wake while its task runs anew: its items are refused.
        if worker_context.is_stopped() || member.ticket.is_cancelled() {
            return Err(Fault::rejected("nobody waits for this task any more"));
        }
        let Some(items) = member.ticket.items.clone() else {
            // Asked without a stream: the items are not wanted.
            return Ok(());
        };
        if !member.has_sent && items.is_at_its_end() {
            // Told before it leaves: from now on a fault interrupts, and never repeats an item, unless the stream can go on.
            worker_context.item_sent(member.ticket.id);
            member.ticket.chunks.iter().for_each(ReplayBuffer::forget);
            member.has_sent = true;
        }
        let could_go_on = items.can_go_on();
        member.overflow.push_back(item);
        member.send_overflow();
        if could_go_on && !items.can_go_on() {
            worker_context.cannot_start_over(member.ticket.id);
        }
        match member.is_different {
            true => Err(different()),
            false => Ok(()),
        }
    }

    fn delivered(&mut self, member: BatchIndex) -> Result<Vec<Payload>, Fault> {
        let member = self.member(member)?;
        let items = member.ticket.items.as_ref();
        Ok(items.map_or_else(Vec::new, |items| items.delivered(member.by)))
    }

    fn publish(&mut self, member: BatchIndex, fact: FactDraft) -> Result<(), Fault> {
        let core = &self.worker_context.core;
        let JobMember { facts, ticket, .. } = self.member(member)?;
        facts.add(fact, core, ticket)
    }

    fn next_chunk(&mut self, member: BatchIndex) -> Chunk<Payload> {
        let worker_context = self.worker_context;
        let Some(member) = self.members.get_mut(member.0 as usize) else {
            return Chunk::End;
        };
        let Some(chunks) = &member.ticket.chunks else {
            return Chunk::End;
        };
        let could_start_over = chunks.can_rewind();
        let chunk = chunks.next(member.received);
        member.received += usize::from(matches!(chunk, Chunk::Item(_)));
        if could_start_over && !chunks.can_rewind() {
            worker_context.cannot_start_over(member.ticket.id);
        }
        chunk
    }

    fn count(&mut self, member: BatchIndex, usage: Usage) {
        if let Ok(member) = self.member(member) {
            let counted = &mut member.usage;
            counted.input_tokens = counted.input_tokens.saturating_add(usage.input_tokens);
            counted.output_tokens = counted.output_tokens.saturating_add(usage.output_tokens);
        }
    }

    fn progress(&mut self, member: BatchIndex, done: f32) {
        if let (Some(done), Some(member)) = (share(done), self.members.get(member.0 as usize)) {
            let core = &self.worker_context.core;
            core.emit_note(member.ticket.id, core.clock.now(), || Note::Progress {
                done,
            });
        }
    }
}

/// A share from 0 to 1; none of what is no number.
fn share(done: f32) -> Option<f32> {
    (!done.is_nan()).then(|| done.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_from_0_to_1() {
        let told = [0.25, -1.0, f32::INFINITY, f32::NAN].map(share);
        assert_eq!(told, [Some(0.25), Some(0.0), Some(1.0), None]);
    }
}
