//! Acting on what a ledger wants, outside the lock.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::cell::books::{Action, Outbox};
use crate::cell::{Cell, Runner, Seated};
use crate::clock::Time;
use crate::events::{AgentChanged, Note, Record, TaskNote, WorkerChange, WorkerChanged};
use crate::flow;
use crate::ids::TaskId;
use crate::ledger::effect::{Observation, Reload};
use crate::ledger::event::Incarnation;
use crate::seat::Seat;

impl Cell {
    pub(super) fn deliver(self: &Arc<Self>, outbox: Outbox, now: Time) {
        for action in outbox.actions {
            self.act(action, now);
        }
        for incarnation in outbox.wakes {
            self.wake(incarnation);
        }
        let any_settled = !outbox.settled.is_empty();
        for (held, settlement) in outbox.settled {
            self.settle(held, settlement, now);
        }
        if any_settled {
            self.undelivered.fetch_sub(1, Ordering::SeqCst);
            if self.emptying.load(Ordering::SeqCst) {
                self.settling.notify_one();
            }
        }
        // Told last, so that whoever waits for the end sees every answer given.
        if outbox.drained {
            self.drained.send_replace(true);
        }
    }

    fn act(self: &Arc<Self>, action: Action, now: Time) {
        match action {
            // Whoever no longer waits has released the claim.
            Action::AnswerClaim(claimant, answer) => drop(claimant.send(answer)),
            Action::Refuse(held, refusal) => self.refuse(*held, refusal, now),
            Action::Commit(ticket, output, facts) => self.commit(ticket, output, facts),
            Action::NoteAttempt(begins) => self.note_attempt(begins),
            Action::Stop(incarnation) => self.stop(incarnation),
            Action::Abandon(incarnation) => {
                let group = usize::from(self.group_of(incarnation).0);
                if let Runner::Model(runner) = &self.groups[group].runner {
                    runner.forsake(incarnation);
                }
                self.say(incarnation, now, || WorkerChange::Abandoned);
            }
            Action::Start(incarnation, after, weights) => {
                self.launch(incarnation, after, weights, now)
            }
            Action::FallBack(incarnation) => {
                self.chair(incarnation).placement.lock().fall_back();
                self.say(incarnation, now, || WorkerChange::FellBack);
            }
            Action::CountedRestart(cause) => {
                if let Some(team) = self.supervisor.get().and_then(Weak::upgrade) {
                    team.restarted(&self.name, &cause);
                }
            }
            Action::Fail(message) => self.fail(message, now),
            Action::DeadLetter(task, cause) => {
                self.note(task, now, || Note::DeadLettered { cause })
            }
            Action::Observe(observation) => self.observe(observation, now),
        }
    }

    fn fail(&self, message: String, now: Time) {
        tracing::error!(agent = &*self.name, said = message, "the agent is given up");
        let at_ns = self.clock.unix_nanos(now);
        self.events.leave(|| {
            let failed = Some(message.clone());
            Record::Agent(AgentChanged {
                agent: self.name.clone(),
                at_ns,
                failed,
            })
        });
        self.failed.send_replace(Some(message));
    }

    fn observe(&self, observation: Observation, now: Time) {
        match observation {
            Observation::Suspected { tasks } => {
                for task in tasks {
                    self.note(task, now, || Note::Suspected);
                }
            }
            Observation::Retrying { task, attempts } => {
                self.note(task, now, || Note::Retrying { attempts });
            }
            Observation::Hung { worker } => self.say(worker, now, || WorkerChange::Hung),
            Observation::TakenDown { worker, cause } => {
                self.say(worker, now, || WorkerChange::TakenDown { cause });
            }
            Observation::Stale { by } => self.say(by, now, || WorkerChange::Stale),
        }
    }

    /// Tells observers something about a task that is not settled yet.
    pub(crate) fn note(&self, task: TaskId, now: Time, note: impl FnOnce() -> Note) {
        let at_ns = self.clock.unix_nanos(now);
        self.events.leave(|| {
            Record::Note(TaskNote {
                agent: self.name.clone(),
                task,
                at_ns,
                note: note(),
            })
        });
    }

    /// Tells observers how a worker changed. Those of a flow hold nothing and start and end by the dozen: of them only faults are told.
    pub(crate) fn say(&self, of: Incarnation, now: Time, change: impl FnOnce() -> WorkerChange) {
        if !self.events.is_listening() {
            return;
        }
        let change = change();
        let group = &self.groups[usize::from(self.group_of(of).0)];
        if matches!(group.runner, Runner::Flow(_)) && !change.is_fault() {
            return;
        }
        let at_ns = self.clock.unix_nanos(now);
        self.events.leave(|| {
            Record::Worker(WorkerChanged {
                agent: self.name.clone(),
                worker: of.worker,
                epoch: of.epoch,
                at_ns,
                change,
            })
        });
    }

    fn seated(&self, incarnation: Incarnation) -> Option<Seated> {
        let chair = self.chair(incarnation);
        let seated = chair.seated.lock();
        seated
            .as_ref()
            .filter(|seated| seated.epoch == incarnation.epoch)
            .cloned()
    }

    fn wake(&self, incarnation: Incarnation) {
        if let Some(seated) = self.seated(incarnation) {
            // A full channel means that it is awake already.
            let _ = seated.wake.try_send(());
        }
    }

    fn stop(&self, incarnation: Incarnation) {
        if let Some(seated) = self.seated(incarnation) {
            seated.stop.store(true, Ordering::Release);
            let _ = seated.wake.try_send(());
        }
    }

    fn launch(
        self: &Arc<Self>,
        incarnation: Incarnation,
        after: Duration,
        weights: Reload,
        now: Time,
    ) {
        self.say(incarnation, now, || WorkerChange::Starting {
            after_ms: after.as_millis() as u64,
        });
        let chair = self.chair(incarnation);
        let (wake, wakes) = flume::bounded(1);
        let stop = Arc::new(AtomicBool::new(false));
        let seated = Seated {
            epoch: incarnation.epoch,
            wake: wake.clone(),
            stop: stop.clone(),
        };
        *chair.seated.lock() = Some(seated);
        let seat = Seat::new(self.clone(), incarnation, chair.group, wake, wakes, stop);
        if after.is_zero() {
            self.sit_down(seat, weights);
            return;
        }
        let cell = self.clone();
        let at = self.clock.instant(now + after);
        self.spawner.task(async move {
            tokio::select! {
                () = tokio::time::sleep_until(at) => {}
                () = cell.closed() => {}
            }
            cell.sit_down(seat, weights);
        });
    }

    pub(super) async fn closed(&self) {
        let mut drained = self.drained.subscribe();
        let _ = drained.wait_for(|drained| *drained).await;
    }

    fn sit_down(self: &Arc<Self>, seat: Seat, weights: Reload) {
        if self.is_closing() {
            return seat.release();
        }
        match self.groups[usize::from(seat.group.0)].runner.clone() {
            Runner::Flow(face) => self.spawner.task(flow::live(face, seat)),
            Runner::Model(runner) => self.find_room(seat, runner, weights),
        }
    }
}
