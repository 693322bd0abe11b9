//! How an attempt ends, without a panic: an outcome, a fault, a retry.

use aimass_environment::{TaskId, Time};

use crate::fault::{Fault, FaultKind};
use crate::ledger::Ledger;
use crate::ledger::effect::{Completion, LedgerEffect, Observation};
use crate::ledger::event::{Incarnation, Outcome};
use crate::ledger::task::Standing;

impl<T> Ledger<T> {
    pub(super) fn finished(
        &mut self,
        by: Incarnation,
        task: TaskId,
        outcome: Outcome,
        now: Time,
        effects: &mut Vec<LedgerEffect<T>>,
    ) {
        if self.current(by, effects).is_none() {
            return;
        }
        // A task that was let go meanwhile has had its reply.
        let Some(entry) = self
            .tasks
            .get_mut(&task)
            .filter(|entry| entry.standing == Standing::Running(by))
        else {
            return;
        };
        let late = entry.admission.deadline <= now;
        match outcome {
            Outcome::Done | Outcome::DoneDurably if late => {
                self.complete(task, Completion::DeadlineExceeded, now, effects);
            }
            Outcome::Done => {
                self.workers[by.worker.0 as usize].panics_in_a_row = 0;
                self.complete(task, Completion::Done, now, effects);
            }
            Outcome::DoneDurably => {
                entry.standing = Standing::Committing;
                let worker = &mut self.workers[by.worker.0 as usize];
                worker.panics_in_a_row = 0;
                worker.running.retain(|running| *running != task);
                effects.push(LedgerEffect::Commit { task });
            }
            Outcome::Dropped => self.complete(task, Completion::Cancelled, now, effects),
            Outcome::CutOff => self.complete(task, Completion::ShuttingDown, now, effects),
            Outcome::Poisoned { cause } => self.poisoned(task, cause, now, effects),
            Outcome::Fault(fault) => self.fault(by, task, fault, now, effects),
        }
    }

    pub(super) fn fault(
        &mut self,
        by: Incarnation,
        task: TaskId,
        fault: Fault,
        now: Time,
        effects: &mut Vec<LedgerEffect<T>>,
    ) {
        let device_lost = fault.kind == FaultKind::DeviceLost;
        let message = fault.message.clone();
        let entry = self.tasks.get(&task);
        // A fault that comes too late is most often that of the deadline, at something that the task had asked for.
        match entry.is_some_and(|entry| entry.admission.deadline <= now) {
            true => self.complete(task, Completion::DeadlineExceeded, now, effects),
            false => self.retry_or_complete(task, fault, now, effects),
        }
        if device_lost {
            self.device_lost(by, &message, now, effects);
        }
    }

    fn poisoned(
        &mut self,
        task: TaskId,
        cause: String,
        now: Time,
        effects: &mut Vec<LedgerEffect<T>>,
    ) {
        let Some(entry) = self.tasks.get_mut(&task) else {
            return;
        };
        entry.attempts += 1;
        match entry.item_sent {
            true => {
                let completion = Completion::Interrupted { message: cause };
                self.complete(task, completion, now, effects);
            }
            false => self.dead_letter(task, &cause, now, effects),
        }
    }

    fn retry_or_complete(
        &mut self,
        task: TaskId,
        fault: Fault,
        now: Time,
        effects: &mut Vec<LedgerEffect<T>>,
    ) {
        let Some(entry) = self.tasks.get_mut(&task) else {
            return;
        };
        entry.attempts += u32::from(!entry.brought_forward);
        let attempts = entry.attempts;
        if entry.item_sent {
            self.complete(
                task,
                Completion::Interrupted {
                    message: fault.message,
                },
                now,
                effects,
            );
            return;
        }
        let may_help = matches!(fault.kind, FaultKind::Retryable | FaultKind::DeviceLost);
        if !may_help || !entry.may_run_again() || attempts >= self.settings.max_attempts {
            self.complete(task, Completion::Failed { attempts, fault }, now, effects);
            return;
        }
        effects.push(LedgerEffect::Observe(Observation::Retrying {
            task,
            attempts,
        }));
        match fault.pause {
            Some(pause) => self.pause(task, now + pause),
            None => self.requeue(task, now, effects),
        }
    }

    /// Keeps a task off the workers until its pause is over, and its place in the agent with it.
    fn pause(&mut self, task: TaskId, until: Time) {
        let Some(entry) = self.tasks.get_mut(&task) else {
            return;
        };
        if let Standing::Running(by) = entry.standing {
            self.workers[by.worker.0 as usize]
                .running
                .retain(|running| *running != task);
        }
        entry.standing = Standing::Pausing { until };
        self.pauses.insert((until, task));
    }

    /// Puts those back into the queue whose pause is over.
    pub(super) fn end_pauses(&mut self, now: Time, effects: &mut Vec<LedgerEffect<T>>) {
        while let Some((until, task)) = self.pauses.first().copied() {
            if until > now {
                return;
            }
            self.pauses.pop_first();
            self.requeue(task, now, effects);
        }
    }

    pub(super) fn commit_failed(
        &mut self,
        task: TaskId,
        fault: Fault,
        now: Time,
        effects: &mut Vec<LedgerEffect<T>>,
    ) {
        let Some(entry) = self
            .tasks
            .get(&task)
            .filter(|entry| entry.standing == Standing::Committing)
        else {
            return;
        };
        let attempts = entry.attempts + 1;
        self.complete(task, Completion::Failed { attempts, fault }, now, effects);
    }

    pub(super) fn item_sent(&mut self, by: Incarnation, task: TaskId) {
        if let Some(entry) = self
            .tasks
            .get_mut(&task)
            .filter(|entry| entry.standing == Standing::Running(by))
        {
            match entry.admission.continues {
                true => entry.brought_forward = true,
                false => entry.item_sent = true,
            }
        }
    }

    pub(super) fn unrepeatable(&mut self, by: Incarnation, task: TaskId) {
        if let Some(entry) = self
            .tasks
            .get_mut(&task)
            .filter(|entry| entry.standing == Standing::Running(by))
        {
            entry.item_sent = true;
        }
    }
}
