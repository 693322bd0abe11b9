//! Taking tasks in, and letting them go at their callers' wish.

use aimass_environment::{Effect, TaskId, Time};

use crate::ledger::effect::{Completion, LedgerEffect, Refusal};
use crate::ledger::event::{Admission, GroupId, Lane};
use crate::ledger::task::{Entry, Standing};
use crate::ledger::worker::WorkerState;
use crate::ledger::{Ledger, Phase};

impl<T> Ledger<T> {
    pub(super) fn submit(
        &mut self,
        admission: Admission,
        held: T,
        now: Time,
        effects: &mut Vec<LedgerEffect<T>>,
    ) {
        let task = admission.task;
        if let Some(refusal) = self.refusal(&admission, now) {
            // A place that was claimed for it goes with it.
            admission
                .place
                .into_iter()
                .for_each(|place| self.release(place));
            effects.push(LedgerEffect::Refuse {
                task,
                held,
                refusal,
            });
            return;
        }
        self.sequence += 1;
        self.bytes = self.bytes.saturating_add(admission.bytes);
        self.rooms.enter(&admission);
        if admission.deadline != Time::NEVER {
            self.deadlines.insert((admission.deadline, task));
        }
        let group = admission.group;
        let was_begun = admission.effect == Effect::Once && admission.attempts > 0;
        let entry = Entry::new(admission, held, self.sequence, now);
        self.groups[usize::from(group.0)].queue.push(task, &entry);
        self.tasks.insert(task, entry);
        effects.push(LedgerEffect::Accepted { task });
        if was_begun {
            let cause = "its process ended while it ran, and it may happen once only";
            self.dead_letter(task, cause, now, effects);
            return;
        }
        self.wake_one(group, effects);
    }

    fn refusal(&mut self, admission: &Admission, now: Time) -> Option<Refusal> {
        if self.tasks.contains_key(&admission.task) {
            return Some(Refusal::Duplicate);
        }
        if let Some(closed) = self.closed() {
            return Some(closed);
        }
        if admission.deadline <= now {
            return Some(Refusal::DeadlineExceeded);
        }
        if let Some(shortage) = self.shortage(admission) {
            return Some(shortage);
        }
        match admission.lane {
            Lane::Caller if admission.place.is_none() => self.backing_off(admission.group, now),
            _ => None,
        }
    }

    /// A refusal while none of the group's workers could be started and all wait before they try again.
    pub(super) fn backing_off(&self, group: GroupId, now: Time) -> Option<Refusal> {
        let mut soonest: Option<(Time, &str)> = None;
        for worker in &self.groups[usize::from(group.0)].workers {
            let WorkerState::BackingOff { until, message } = &self.workers[worker.0 as usize].state
            else {
                return None;
            };
            if soonest.is_none_or(|(time, _)| *until < time) {
                soonest = Some((*until, message));
            }
        }
        let (until, message) = soonest?;
        Some(Refusal::BackingOff {
            message: message.to_owned(),
            retry_after: until.since(now),
        })
    }

    pub(super) fn cancel(&mut self, task: TaskId, now: Time, effects: &mut Vec<LedgerEffect<T>>) {
        self.abort(task, Completion::Cancelled, now, effects);
    }

    /// Completes a task that nobody waits for any more, unless its outcome is already on its way
    /// into the environment.
    pub(super) fn abort(
        &mut self,
        task: TaskId,
        completion: Completion,
        now: Time,
        effects: &mut Vec<LedgerEffect<T>>,
    ) {
        let still_on = match self.tasks.get(&task).map(|entry| entry.standing) {
            None | Some(Standing::Committing) => return,
            Some(Standing::Waiting | Standing::Pausing { .. }) => None,
            Some(Standing::Running(by)) => Some(by),
        };
        self.complete_on(task, completion, still_on, now, effects);
    }

    pub(super) fn shut_down(&mut self, limit: Time, now: Time, effects: &mut Vec<LedgerEffect<T>>) {
        match self.phase {
            Phase::Open | Phase::Draining { .. } => self.phase = Phase::Draining { limit },
            Phase::Failed { .. } if self.tasks.is_empty() => {
                self.phase = Phase::Drained;
                effects.push(LedgerEffect::Drained);
            }
            Phase::Failed { .. } => self.phase = Phase::Draining { limit },
            Phase::Drained => {}
        }
        self.tick(now, effects);
    }
}
