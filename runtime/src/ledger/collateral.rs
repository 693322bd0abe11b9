//! Workers that are stopped for no fault of the tasks on them: a lost device, a model without end, another agent's restart.

use aimass_environment::{TaskId, Time, WorkerId};

use crate::fault::Fault;
use crate::ledger::Ledger;
use crate::ledger::effect::{Completion, LedgerEffect, Observation};
use crate::ledger::event::{GroupId, Incarnation};
use crate::ledger::worker::WorkerState;

impl<T> Ledger<T> {
    pub(super) fn device_lost(
        &mut self,
        by: Incarnation,
        message: &str,
        now: Time,
        effects: &mut Vec<LedgerEffect<T>>,
    ) {
        let Some(worker) = self.current(by, effects) else {
            return;
        };
        let group = worker.group;
        let members = worker.retire();
        self.run_all_again(&members, &Fault::device_lost(message), now, effects);
        effects.push(LedgerEffect::FallBack { worker: by });
        if !self.may_restart(message, now, effects) {
            self.leave(by, now, effects);
            self.fail(
                &format!("its devices fail again and again: {message}"),
                now,
                effects,
            );
            return;
        }
        self.leave(by, now, effects);
        self.pass_on(group, effects);
    }

    /// A worker came to no end of reading its model: it is given up as one that hangs in a step is, and the next one tries the fallback.
    /// What it had been given was not begun.
    pub(super) fn load_hung(
        &mut self,
        id: WorkerId,
        now: Time,
        effects: &mut Vec<LedgerEffect<T>>,
    ) {
        let worker = &mut self.workers[id.0 as usize];
        let (old, group) = (worker.incarnation(), worker.group);
        let members = worker.retire();
        effects.push(LedgerEffect::Observe(Observation::Hung { worker: old }));
        let limit = self.settings.load_limit;
        let message = format!("hang: its model was not read within {limit:?}");
        self.run_all_again(&members, &Fault::retryable(&message), now, effects);
        effects.push(LedgerEffect::FallBack { worker: old });
        let allowed = self.may_restart(&message, now, effects);
        self.leave(old, now, effects);
        if allowed {
            self.pass_on(group, effects);
        } else {
            self.fail(
                &format!("its model cannot be loaded: {message}"),
                now,
                effects,
            );
        }
    }

    /// Takes the group's workers down with another agent's: at nobody's cost, whatever may run again does.
    pub(super) fn take_down(
        &mut self,
        group: GroupId,
        cause: &str,
        now: Time,
        effects: &mut Vec<LedgerEffect<T>>,
    ) {
        let mut members = Vec::new();
        for id in self.groups[usize::from(group.0)].workers.clone() {
            let worker = &mut self.workers[id.0 as usize];
            if !matches!(worker.state, WorkerState::Busy | WorkerState::Idle { .. }) {
                continue;
            }
            let old = worker.incarnation();
            members.extend(worker.retire());
            effects.push(LedgerEffect::Observe(Observation::TakenDown {
                worker: old,
                cause: cause.to_owned(),
            }));
            self.leave(old, now, effects);
        }
        self.run_all_again(&members, &Fault::retryable(cause), now, effects);
    }

    /// Puts back what a worker was running when it was stopped for no fault of theirs.
    fn run_all_again(
        &mut self,
        members: &[TaskId],
        fault: &Fault,
        now: Time,
        effects: &mut Vec<LedgerEffect<T>>,
    ) {
        for task in members {
            match self.tasks.get(task).map(|entry| entry.may_run_again()) {
                Some(true) => self.requeue(*task, now, effects),
                Some(false) => self.end_once_lost(*task, fault, now, effects),
                None => {}
            }
        }
    }

    /// A task that may not run twice lost its worker in the middle.
    fn end_once_lost(
        &mut self,
        task: TaskId,
        fault: &Fault,
        now: Time,
        effects: &mut Vec<LedgerEffect<T>>,
    ) {
        let Some(entry) = self.tasks.get(&task) else {
            return;
        };
        let completion = if entry.item_sent {
            Completion::Interrupted {
                message: fault.message.clone(),
            }
        } else {
            Completion::Failed {
                attempts: entry.attempts + 1,
                fault: fault.clone(),
            }
        };
        self.complete(task, completion, now, effects);
    }
}
