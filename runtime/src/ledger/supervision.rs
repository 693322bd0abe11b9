//! Workers that panic, hang, cannot start, lose their device, or come and go.

use std::time::Duration;

use aimass_environment::{TaskId, Time, WorkerId};

use crate::fault::{Fault, FaultKind};
use crate::ledger::effect::{Completion, LedgerEffect, Observation, Reload};
use crate::ledger::event::{GroupId, Incarnation};
use crate::ledger::worker::WorkerState;
use crate::ledger::{Ledger, Phase};

/// Panics in a row, with nothing brought to its end between them, after which the weights are read again.
const SUSPICIOUS_PANICS: u32 = 3;

impl<T> Ledger<T> {
    pub(super) fn ready(&mut self, by: Incarnation, effects: &mut Vec<LedgerEffect<T>>) {
        let Some(worker) = self.current(by, effects) else {
            effects.push(LedgerEffect::Stop { worker: by });
            return;
        };
        worker.failed_starts = 0;
        worker.watched = None;
        worker.state = WorkerState::Busy;
    }

    pub(super) fn panicked(
        &mut self,
        by: Incarnation,
        message: &str,
        now: Time,
        effects: &mut Vec<LedgerEffect<T>>,
    ) {
        let Some(worker) = self.current(by, effects) else {
            self.stopped(by, effects);
            return;
        };
        let (group, given) = (worker.group, worker.given);
        worker.panics_in_a_row += 1;
        let weights = if worker.panics_in_a_row >= SUSPICIOUS_PANICS {
            Reload::Again
        } else {
            Reload::Keep
        };
        let members = worker.retire();
        self.blame(&members, given, Blame::Panic(message), now, effects);
        // A panic that is pinned on a task is that task's fault, not the worker's.
        if given == 0 && !self.may_restart(message, now, effects) {
            self.fail(
                &format!("its workers panic without a task: {message}"),
                now,
                effects,
            );
            return;
        }
        self.restart(by.worker, Duration::ZERO, weights, effects);
        self.pass_on(group, effects);
    }

    /// A step took longer than it may: the thread cannot be killed, so it is told to stop and given up after its grace.
    pub(super) fn hung(&mut self, id: WorkerId, now: Time, effects: &mut Vec<LedgerEffect<T>>) {
        let worker = &mut self.workers[id.0 as usize];
        let (old, group, given) = (worker.incarnation(), worker.group, worker.given);
        let members = worker.retire();
        effects.push(LedgerEffect::Observe(Observation::Hung { worker: old }));
        self.leave(old, now, effects);
        self.blame(&members, given, Blame::Hang, now, effects);
        self.pass_on(group, effects);
    }

    /// Decides what the end of a worker means for the tasks that it was running.
    fn blame(
        &mut self,
        members: &[TaskId],
        given: u32,
        blame: Blame<'_>,
        now: Time,
        effects: &mut Vec<LedgerEffect<T>>,
    ) {
        let alone = given == 1;
        let cause = blame.cause(self.settings.step_limit);
        if !alone && !members.is_empty() {
            effects.push(LedgerEffect::Observe(Observation::Suspected {
                tasks: members.to_vec(),
            }));
        }
        for task in members {
            let Some(entry) = self.tasks.get_mut(task) else {
                continue;
            };
            // Who has sent an item since the last attempt gets on, however often its workers end.
            let alone = alone && !entry.brought_forward;
            entry.attempts += u32::from(alone);
            entry.suspect = true;
            let attempts = entry.attempts;
            let given_up =
                alone && (matches!(blame, Blame::Hang) || attempts >= self.settings.max_attempts);
            if entry.item_sent {
                self.complete(
                    *task,
                    Completion::Interrupted {
                        message: cause.clone(),
                    },
                    now,
                    effects,
                );
            } else if given_up || !entry.may_run_again() {
                self.dead_letter(*task, &cause, now, effects);
            } else {
                effects.push(LedgerEffect::Observe(Observation::Retrying {
                    task: *task,
                    attempts,
                }));
                self.requeue(*task, now, effects);
            }
        }
    }

    /// Tells a retired incarnation to stop; the next one starts when it has, or when its grace is over.
    pub(super) fn leave(
        &mut self,
        old: Incarnation,
        now: Time,
        effects: &mut Vec<LedgerEffect<T>>,
    ) {
        let until = now + self.settings.grace;
        self.workers[old.worker.0 as usize].state = WorkerState::Leaving { until };
        effects.push(LedgerEffect::Stop { worker: old });
    }

    /// The grace of a worker's last incarnation is over.
    pub(super) fn abandon(&mut self, id: WorkerId, now: Time, effects: &mut Vec<LedgerEffect<T>>) {
        let worker = &self.workers[id.0 as usize];
        let old = Incarnation {
            worker: id,
            epoch: aimass_environment::Epoch(worker.epoch.0 - 1),
        };
        effects.push(LedgerEffect::Abandon { worker: old });
        self.abandoned.push(old);
        if self.abandoned.len() > self.settings.max_abandoned as usize {
            self.workers[id.0 as usize].state = WorkerState::Failed;
            let count = self.abandoned.len();
            let most = self.settings.max_abandoned;
            self.fail(
                &format!("{count} of its threads hang for good and {most} may"),
                now,
                effects,
            );
            return;
        }
        self.restart(id, Duration::ZERO, Reload::Keep, effects);
    }

    pub(super) fn stopped(&mut self, by: Incarnation, effects: &mut Vec<LedgerEffect<T>>) {
        self.abandoned.retain(|abandoned| *abandoned != by);
        let Some(worker) = self.workers.get_mut(by.worker.0 as usize) else {
            return;
        };
        match worker.state {
            WorkerState::Leaving { .. } if worker.epoch.0 == by.epoch.0 + 1 => {
                self.restart(by.worker, Duration::ZERO, Reload::Keep, effects);
            }
            WorkerState::Unloading if worker.epoch == by.epoch => {
                let forgotten = worker.retire();
                debug_assert!(forgotten.is_empty(), "an idle worker runs nothing");
                worker.state = WorkerState::Unloaded;
                let group = worker.group;
                if self.groups[usize::from(group.0)].queue.len() > 0 {
                    self.start_unloaded(group, effects);
                }
            }
            _ => {}
        }
    }

    pub(super) fn load_failed(
        &mut self,
        by: Incarnation,
        fault: Fault,
        now: Time,
        effects: &mut Vec<LedgerEffect<T>>,
    ) {
        let Some(worker) = self.current(by, effects) else {
            self.stopped(by, effects);
            return;
        };
        let forgotten = worker.retire();
        debug_assert!(
            forgotten.is_empty(),
            "a worker that is starting runs nothing"
        );
        worker.failed_starts += 1;
        let (group, failed_starts) = (worker.group, worker.failed_starts);
        if matches!(fault.kind, FaultKind::Unavailable | FaultKind::Rejected) {
            // The user can mend it: say so to all who wait, and try again with the next task.
            self.workers[by.worker.0 as usize].state = WorkerState::Unloaded;
            self.fail_waiting(group, &fault, now, effects);
            self.pass_on(group, effects);
            return;
        }
        if !self.may_restart(&fault.message, now, effects) {
            self.fail(
                &format!("its model cannot be loaded: {}", fault.message),
                now,
                effects,
            );
            return;
        }
        if fault.kind == FaultKind::DeviceLost {
            effects.push(LedgerEffect::FallBack { worker: by });
            self.restart(by.worker, Duration::ZERO, Reload::Again, effects);
            self.pass_on(group, effects);
            return;
        }
        let after = self.backoff.after(failed_starts);
        self.restart(by.worker, after, Reload::Again, effects);
        self.workers[by.worker.0 as usize].state = WorkerState::BackingOff {
            until: now + after,
            message: fault.message,
        };
        self.pass_on(group, effects);
    }

    fn fail_waiting(
        &mut self,
        group: GroupId,
        fault: &Fault,
        now: Time,
        effects: &mut Vec<LedgerEffect<T>>,
    ) {
        let able = self.groups[usize::from(group.0)].workers.iter().any(|id| {
            !matches!(
                self.workers[id.0 as usize].state,
                WorkerState::Unloaded | WorkerState::Starting
            )
        });
        if able {
            return;
        }
        let waiting =
            self.groups[usize::from(group.0)]
                .queue
                .matching(&self.tasks, usize::MAX / 8, |_| true);
        for task in waiting {
            let attempts = self.tasks.get(&task).map_or(0, |entry| entry.attempts);
            self.complete(
                task,
                Completion::Failed {
                    attempts,
                    fault: fault.clone(),
                },
                now,
                effects,
            );
        }
    }

    fn restart(
        &mut self,
        id: WorkerId,
        after: Duration,
        weights: Reload,
        effects: &mut Vec<LedgerEffect<T>>,
    ) {
        let worker = &mut self.workers[id.0 as usize];
        if matches!(self.phase, Phase::Failed { .. } | Phase::Drained) {
            worker.state = WorkerState::Failed;
            return;
        }
        worker.state = WorkerState::Starting;
        worker.restarts += 1;
        effects.push(LedgerEffect::Start {
            worker: worker.incarnation(),
            after,
            weights,
        });
    }

    /// Counts one restart, and tells the supervisor of it; false when the window has seen too many.
    pub(super) fn may_restart(
        &mut self,
        cause: &str,
        now: Time,
        effects: &mut Vec<LedgerEffect<T>>,
    ) -> bool {
        let allowed = self.restarts.spend(now);
        if allowed {
            effects.push(LedgerEffect::CountedRestart {
                cause: cause.to_owned(),
            });
        }
        allowed
    }

    /// Gives the agent up: everything it holds is answered, except what is on its way into the environment.
    pub(super) fn fail(&mut self, message: &str, now: Time, effects: &mut Vec<LedgerEffect<T>>) {
        if matches!(self.phase, Phase::Failed { .. } | Phase::Drained) {
            return;
        }
        if self.phase == Phase::Open {
            self.phase = Phase::Failed {
                message: message.to_owned(),
            };
        }
        effects.push(LedgerEffect::AgentFailed {
            message: message.to_owned(),
        });
        let mut held: Vec<(u64, TaskId)> = self
            .tasks
            .iter()
            .map(|(task, entry)| (entry.sequence, *task))
            .collect();
        held.sort_unstable();
        for (_, task) in held {
            self.abort(
                task,
                Completion::AgentFailed {
                    message: message.to_owned(),
                },
                now,
                effects,
            );
        }
        for worker in &mut self.workers {
            if !matches!(
                worker.state,
                WorkerState::Unloaded | WorkerState::Failed | WorkerState::Leaving { .. }
            ) {
                effects.push(LedgerEffect::Stop {
                    worker: worker.incarnation(),
                });
            }
            let forgotten = worker.retire();
            debug_assert!(forgotten.is_empty(), "all tasks were let go");
            worker.state = WorkerState::Failed;
        }
    }
}

/// What brought a worker down.
#[derive(Clone, Copy)]
enum Blame<'a> {
    Panic(&'a str),
    Hang,
}

impl Blame<'_> {
    fn cause(self, step_limit: Duration) -> String {
        match self {
            Self::Panic(message) => format!("panic: {message}"),
            Self::Hang => format!("hang: one step took longer than {step_limit:?}"),
        }
    }
}
