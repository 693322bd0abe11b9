//! What a task publishes: kept until its completion, and written with it or not at all.

use aimass_environment::FactDraft;

use crate::core::AgentCore;
use crate::core::ticket::Ticket;
use crate::fault::Fault;

/// The facts that one attempt has published so far. They are bounded, since nothing of them is written before its end.
#[derive(Default)]
pub(crate) struct Publication {
    facts: Vec<FactDraft>,
    bytes: u64,
}

impl Publication {
    /// Adds a fact.
    ///
    /// # Errors
    /// A fault of the author when the environment would not take the fact, or no more of them in one transaction.
    pub(crate) fn add(
        &mut self,
        fact: FactDraft,
        core: &AgentCore,
        ticket: &Ticket,
    ) -> Result<(), Fault> {
        let bytes = self.bytes.saturating_add(core.check_fact(ticket, &fact)?);
        let limit = core.environment.max_transaction_bytes();
        if bytes > limit {
            let (nth, kind) = (self.facts.len() + 1, &fact.kind);
            return Err(Fault::rejected(format!(
                "expected at most {limit} bytes of facts from one task, got {bytes} with fact number {nth}, of kind `{kind}`; publish less, or in several tasks"
            )));
        }
        self.bytes = bytes;
        self.facts.push(fact);
        Ok(())
    }

    /// Takes all facts out.
    pub(crate) fn take(&mut self) -> Vec<FactDraft> {
        std::mem::take(self).facts
    }
}
