//! Acting on what a ledger wants, outside the lock.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use aimass_environment::{TaskId, Time};

use crate::core::slot::WorkerHandle;
use crate::core::state::{Action, Effects};
use crate::core::{AgentCore, Runner};
use crate::ledger::effect::Observation;
use crate::ledger::event::Incarnation;
use crate::observer::{Note, Record, TaskNote, WorkerChange, WorkerChanged};

impl AgentCore {
    pub(super) fn deliver(self: &Arc<Self>, effects: Effects, now: Time) {
        if effects.for_driver {
            self.wake_driver();
        }
        for action in effects.actions {
            self.act(action, now);
        }
        for incarnation in effects.wakes {
            self.wake(incarnation);
        }
        let any_completed = !effects.completed.is_empty();
        for (pending, completion) in effects.completed {
            self.complete(pending, completion, now);
        }
        if any_completed {
            self.undelivered.fetch_sub(1, Ordering::SeqCst);
            if self.emptying.load(Ordering::SeqCst) {
                self.completing.notify_waiters();
            }
        }
        // Told last, so that whoever waits for the end sees every answer given.
        if effects.drained {
            self.drained.send_replace(true);
        }
    }

    /// Kept out of [`Self::deliver`], as is all that is rare: the stack of each worker has room for
    /// what a volatile call needs.
    #[inline(never)]
    fn act(self: &Arc<Self>, action: Action, now: Time) {
        match action {
            // Whoever no longer waits has released the claim.
            Action::AnswerClaim(claimant, answer) => drop(claimant.send(answer)),
            Action::Refuse(pending, refusal) => self.refuse(pending, refusal, now),
            Action::Commit(ticket, output, facts) => self.commit(ticket, output, facts),
            Action::NoteAttempt(begins) => self.note_attempt(begins),
            Action::DeadLetter(task, cause) => {
                self.emit_note(task, now, || Note::DeadLettered { cause })
            }
            Action::Observe(observation) => self.observe(observation, now),
        }
    }

    fn observe(&self, observation: Observation, now: Time) {
        match observation {
            Observation::Suspected { tasks } => {
                for task in tasks {
                    self.emit_note(task, now, || Note::Suspected);
                }
            }
            Observation::Retrying { task, attempts } => {
                self.emit_note(task, now, || Note::Retrying { attempts });
            }
            Observation::Hung { worker } => self.emit_change(worker, now, || WorkerChange::Hung),
            Observation::TakenDown { worker, cause } => {
                self.emit_change(worker, now, || WorkerChange::TakenDown { cause });
            }
            Observation::Stale { by } => self.emit_change(by, now, || WorkerChange::Stale),
        }
    }

    /// Tells observers something about a task that is not completed yet.
    pub(crate) fn emit_note(&self, task: TaskId, now: Time, note: impl FnOnce() -> Note) {
        let at_ns = self.clock.unix_nanos(now);
        self.events.emit(|| {
            Record::Note(TaskNote {
                agent: self.name.clone(),
                task,
                at_ns,
                note: note(),
            })
        });
    }

    /// Tells observers how a worker changed. Those of a flow hold nothing and start and end by the dozen: of them only faults are told.
    pub(crate) fn emit_change(
        &self,
        of: Incarnation,
        now: Time,
        change: impl FnOnce() -> WorkerChange,
    ) {
        if !self.events.is_listening() {
            return;
        }
        let change = change();
        let group = &self.groups[usize::from(self.group_of(of).0)];
        if matches!(group.runner, Runner::Flow(_)) && !change.is_fault() {
            return;
        }
        let at_ns = self.clock.unix_nanos(now);
        self.events.emit(|| {
            Record::Worker(WorkerChanged {
                agent: self.name.clone(),
                worker: of.worker,
                epoch: of.epoch,
                at_ns,
                change,
            })
        });
    }

    pub(super) fn handle(&self, incarnation: Incarnation) -> Option<WorkerHandle> {
        let slot = self.slot(incarnation);
        let handle = slot.handle.lock();
        handle
            .as_ref()
            .filter(|handle| handle.epoch == incarnation.epoch)
            .cloned()
    }

    fn wake(&self, incarnation: Incarnation) {
        if let Some(handle) = self.handle(incarnation) {
            // A full channel means that it is awake already.
            let _ = handle.wake.try_send(());
        }
    }

    pub(super) async fn closed(&self) {
        let mut drained = self.drained.subscribe();
        let _ = drained.wait_for(|drained| *drained).await;
    }
}
