//! Places: room that is claimed before its task comes.
//!
//! What is written down before it is submitted claims its place first, so that a full agent costs no commit. What belongs to accepted work
//! waits for its place, where a caller is refused.

use std::sync::Arc;

use aimass_environment::Time;
use tokio::sync::oneshot;

use crate::core::AgentCore;
use crate::core::ticket::Ticket;
use crate::error::TaskError;
use crate::ledger::effect::Refusal;
use crate::ledger::event::{Claim, ClaimId, Event, Lane};

/// What becomes of a claim.
pub(crate) type Answer = oneshot::Sender<Result<(), Refusal>>;

/// A place at an agent, or the claim to one. It is given back when it is dropped.
pub(crate) struct Place {
    core: Arc<AgentCore>,
    claim: ClaimId,
    /// Its task has come.
    is_taken: bool,
}

impl Place {
    /// The place is its task's from now on.
    pub(super) fn take(mut self) -> ClaimId {
        self.is_taken = true;
        self.claim
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.is_taken {
            self.core.tell(Event::Release(self.claim));
        }
    }
}

impl AgentCore {
    /// Returns once there is a place for the task. A caller's is there at once or not at all; others wait for theirs until their deadline.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) async fn place_for(self: &Arc<Self>, ticket: &Ticket) -> Result<Place, TaskError> {
        let (answer, answered) = oneshot::channel();
        let claim = self.with_state(|state, now, effects| {
            let claim = Claim {
                id: state.next_claim(answer),
                lane: lane_of(ticket),
                group: self.group_for(ticket),
                bytes: ticket.bytes,
                deadline: ticket.deadline,
            };
            let id = claim.id;
            state.on(Event::Claim(claim), now, effects);
            id
        });
        let place = Place {
            core: self.clone(),
            claim,
            is_taken: false,
        };
        let granted = match ticket.deadline {
            Time::NEVER => answered.await,
            deadline => {
                let at = self.clock.instant(deadline);
                let in_time = tokio::time::timeout_at(at, answered).await;
                in_time.unwrap_or(Ok(Err(Refusal::DeadlineExceeded)))
            }
        };
        match granted.unwrap_or(Err(Refusal::ShuttingDown)) {
            Ok(()) => Ok(place),
            Err(refusal) => Err(self.refusal_error(ticket, refusal)),
        }
    }
}

/// Whose room a task takes.
pub(super) fn lane_of(ticket: &Ticket) -> Lane {
    match u16::try_from(ticket.metadata.path.len()).unwrap_or(u16::MAX) {
        0 if ticket.is_resumed() => Lane::Environment,
        0 => Lane::Caller,
        depth => Lane::Flow(depth),
    }
}
