//! The queue of what the ledger decides about workers, for the agent's driver to carry out.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use aimass_environment::Time;

use crate::core::worker_link::WorkerLink;
use crate::ledger::effect::Reload;
use crate::ledger::event::Incarnation;

/// What the ledger decides about workers, and the agent's driver carries out.
pub(crate) enum DriverAction {
    Start(Incarnation, Duration, Reload),
    /// It lives on the thread of the incarnation before it, and has no actor yet.
    Adopt(Arc<WorkerLink>),
    Stop(Incarnation),
    Abandon(Incarnation),
    FallBack(Incarnation),
    /// It counts against the agent: others may restart with it.
    CountedRestart(String),
    Fail(String),
}

/// What is to be carried out, since when, and who is at it. It is kept under the ledger's lock.
pub(super) struct DriverQueue {
    actions: VecDeque<(DriverAction, Time)>,
    carrier: Carrier,
}

/// Who is at an action: one at a time, so that they are carried out in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Carrier {
    Nobody,
    Driver,
    /// The thread that goes on with this incarnation.
    Thread(Incarnation),
}

impl Default for DriverQueue {
    fn default() -> Self {
        Self {
            actions: VecDeque::new(),
            carrier: Carrier::Nobody,
        }
    }
}

impl DriverQueue {
    pub(super) fn push(&mut self, action: DriverAction, now: Time) {
        self.actions.push_back((action, now));
    }

    /// Takes what the driver is to carry out next. Nothing while a thread is at an action: the
    /// driver is woken when it has ended that.
    pub(super) fn next(&mut self) -> Option<(DriverAction, Time)> {
        if matches!(self.carrier, Carrier::Thread(_)) {
            return None;
        }
        let next = self.actions.pop_front();
        self.carrier = match next {
            Some(_) => Carrier::Driver,
            None => Carrier::Nobody,
        };
        next
    }

    /// Takes the start of the incarnation that follows `by`, for the thread of that one: when it is
    /// due at once, nothing is before it, and nobody is at another action. One whose weights are
    /// under suspicion is none: it gets a thread of its own, with nothing left of the one before.
    pub(super) fn claim_start(&mut self, by: Incarnation) -> Option<(Incarnation, Reload, Time)> {
        let (DriverAction::Start(next, after, weights), decided) = self.actions.front()? else {
            return None;
        };
        let claimed = (*next, *weights, *decided);
        let follows = next.worker == by.worker && next.epoch.0 == by.epoch.0 + 1;
        let is_due = after.is_zero() && *weights == Reload::Keep;
        if !follows || !is_due || self.carrier != Carrier::Nobody {
            return None;
        }
        self.carrier = Carrier::Thread(*next);
        self.actions.pop_front();
        Some(claimed)
    }

    /// The thread that had claimed an action is done with it. What it left to do is the driver's
    /// next.
    pub(super) fn end_claim(&mut self, left: Option<DriverAction>, decided: Time) {
        self.carrier = Carrier::Nobody;
        if let Some(left) = left {
            self.actions.push_front((left, decided));
        }
    }

    /// Whether somebody has yet to start the incarnation.
    pub(super) fn is_to_start(&self, incarnation: Incarnation) -> bool {
        let mut starts = self.actions.iter().filter_map(|(action, _)| match action {
            DriverAction::Start(of, ..) => Some(*of),
            _ => None,
        });
        self.carrier == Carrier::Thread(incarnation) || starts.any(|of| of == incarnation)
    }
}

#[cfg(test)]
mod tests {
    use aimass_environment::{Epoch, WorkerId};

    use super::*;

    const NOW: Time = Time::NEVER;

    fn incarnation(worker: u32) -> Incarnation {
        Incarnation {
            worker: WorkerId(worker),
            epoch: Epoch(1),
        }
    }

    fn before(worker: u32) -> Incarnation {
        Incarnation {
            worker: WorkerId(worker),
            epoch: Epoch(0),
        }
    }

    fn start(worker: u32) -> DriverAction {
        DriverAction::Start(incarnation(worker), Duration::ZERO, Reload::Keep)
    }

    #[test]
    fn nothing_is_carried_out_while_a_thread_goes_on_with_the_next_incarnation() {
        let mut queue = DriverQueue::default();
        queue.push(start(0), NOW);
        assert!(queue.claim_start(before(0)).is_some());
        queue.push(DriverAction::Stop(incarnation(0)), NOW);
        assert!(queue.next().is_none(), "the stop overtakes the start");
        assert!(queue.is_to_start(incarnation(0)), "its start would be lost");
        queue.end_claim(
            Some(DriverAction::Adopt(WorkerLink::new(incarnation(0)))),
            NOW,
        );
        assert!(matches!(queue.next(), Some((DriverAction::Adopt(_), _))));
        assert!(matches!(queue.next(), Some((DriverAction::Stop(_), _))));
        assert!(!queue.is_to_start(incarnation(0)));
    }

    #[test]
    fn a_start_that_was_not_carried_out_is_the_drivers_next() {
        let mut queue = DriverQueue::default();
        queue.push(start(0), NOW);
        queue.push(start(1), NOW);
        assert!(queue.claim_start(before(0)).is_some());
        queue.end_claim(Some(start(0)), NOW);
        let next = queue.next().map(|(action, _)| action);
        assert!(matches!(next, Some(DriverAction::Start(of, ..)) if of == incarnation(0)));
    }

    #[test]
    fn a_start_is_claimed_only_by_its_worker_in_its_turn_and_when_it_is_due() {
        let mut queue = DriverQueue::default();
        queue.push(DriverAction::FallBack(incarnation(0)), NOW);
        queue.push(start(0), NOW);
        assert!(
            queue.claim_start(before(0)).is_none(),
            "another is before it"
        );
        assert!(queue.next().is_some());
        assert!(
            queue.claim_start(before(0)).is_none(),
            "the driver is at it"
        );
        assert!(queue.next().is_some());
        assert!(queue.next().is_none());
        queue.push(start(1), NOW);
        assert!(queue.claim_start(before(0)).is_none(), "another worker's");
        assert!(queue.claim_start(incarnation(1)).is_none(), "not its next");
        assert!(queue.claim_start(before(1)).is_some());
        queue.end_claim(None, NOW);
        let later = DriverAction::Start(incarnation(0), Duration::from_millis(1), Reload::Keep);
        queue.push(later, NOW);
        assert!(queue.claim_start(before(0)).is_none(), "it is to wait");
        assert!(queue.next().is_some());
        assert!(queue.next().is_none());
        let suspected = DriverAction::Start(incarnation(0), Duration::ZERO, Reload::Again);
        queue.push(suspected, NOW);
        assert!(
            queue.claim_start(before(0)).is_none(),
            "it needs a thread of its own"
        );
    }
}
