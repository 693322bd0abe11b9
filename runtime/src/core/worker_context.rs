//! Worker contexts: what an incarnation of a worker knows of its agent.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aimass_environment::{
    BeginningAttempt, Effect, EnvironmentError, TaskId, Time, Transaction, block_on,
};
use parking_lot::Mutex;

use crate::core::driver::ClaimedStart;
use crate::core::memory::{Share, WeightsKey};
use crate::core::ticket::Ticket;
use crate::core::worker_link::{End, WorkerLink};
use crate::core::{AgentCore, CoreEvent, Report};
use crate::fault::{Fault, FaultKind};
#[cfg(feature = "fault-injection")]
use crate::fault_injector::InjectionPoint;
#[cfg(feature = "fault-injection")]
use crate::ledger::event::SkillId;
use crate::ledger::event::{Event, GroupId, Incarnation, TakeMore};
use crate::model::DeviceName;
use crate::observer::WorkerChange;
use aimass_environment::ModelVersion;

/// One incarnation's place at its agent.
pub(crate) struct WorkerContext {
    pub(crate) core: Arc<AgentCore>,
    pub(crate) incarnation: Incarnation,
    pub(crate) group: GroupId,
    /// Its share of the weights in memory; none of a flow.
    share: Mutex<Option<Share>>,
    wake: flume::Sender<()>,
    wakes: flume::Receiver<()>,
    stop: Arc<AtomicBool>,
    /// Its actor hears through it how it ended.
    link: Arc<WorkerLink>,
    /// Once it has panicked: what its thread still has to do.
    successor: Mutex<Option<Successor>>,
}

/// What the thread of an incarnation that has panicked still has to do: to go on with the next one,
/// and to say how this one ended.
pub(crate) struct Successor {
    pub(crate) start: ClaimedStart,
    pub(crate) end: End,
}

/// What a free worker does next.
pub(crate) enum Next {
    /// The work on these.
    Run(Vec<Arc<Ticket>>),
    /// Nothing, until it is woken or the time has come.
    Wait(Time),
}

impl WorkerContext {
    pub(crate) fn new(
        core: Arc<AgentCore>,
        incarnation: Incarnation,
        group: GroupId,
        wake: flume::Sender<()>,
        wakes: flume::Receiver<()>,
        stop: Arc<AtomicBool>,
        link: Arc<WorkerLink>,
    ) -> Self {
        Self {
            core,
            incarnation,
            group,
            share: Mutex::new(None),
            wake,
            wakes,
            stop,
            link,
            successor: Mutex::new(None),
        }
    }

    pub(crate) fn link(&self) -> &WorkerLink {
        &self.link
    }

    pub(crate) fn device(&self) -> DeviceName {
        self.core.device(self.incarnation)
    }

    /// Whether the incarnation was told to stop.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    /// This worker reads or builds its model from now on.
    pub(crate) fn load_began(&self) {
        self.core.tell(Event::LoadBegan(self.incarnation));
    }

    /// It has built a new version; no when it was given up meanwhile.
    pub(crate) fn load_ended(&self) -> bool {
        let by = self.incarnation;
        self.core.with_state(|state, now, effects| {
            state.on(Event::LoadEnded(by), now, effects);
            state.is_current(by)
        })
    }

    /// Holds the share that the worker's thread starts with.
    pub(crate) fn hold_share(&self, share: Share) {
        *self.share.lock() = Some(share);
    }

    /// The worker has weights of that generation and of that many bytes now, and no others.
    pub(crate) fn count_weights(&self, generation: u64, bytes: u64) {
        let mut share = self.share.lock();
        if let Some(held) = &*share
            && held.key().generation != generation
        {
            let key = WeightsKey {
                generation,
                ..held.key().clone()
            };
            *share = Some(self.core.memory.share_present(&key, bytes));
        }
    }

    pub(crate) fn ready(&self, model: &ModelVersion) {
        let device = self.device();
        self.core.device_serves(self.incarnation);
        self.emit_change(|| WorkerChange::Ready {
            model: model.clone(),
            device,
        });
        self.core.tell(Event::Ready(self.incarnation));
    }

    /// Whether the worker has no incarnation any more: it was idle for long, or its agent was given up.
    pub(crate) fn is_gone(&self) -> bool {
        self.core.is_gone(self.incarnation.worker)
    }

    pub(crate) fn emit_change(&self, change: impl FnOnce() -> WorkerChange) {
        self.core
            .emit_change(self.incarnation, self.core.clock.now(), change);
    }

    /// Asks for work as a free worker. The watchdog counts from the moment there is some.
    pub(crate) fn take(&self) -> Next {
        self.next(Event::Take(self.incarnation))
    }

    /// Asks for work beside jobs that wait for chunks or for their readers.
    pub(crate) fn take_beside(&self) -> Next {
        self.next(Event::TakeMore {
            by: self.incarnation,
            wish: TakeMore::Anything,
        })
    }

    fn next(&self, event: CoreEvent) -> Next {
        let by = self.incarnation;
        self.core.with_state(|state, now, effects| {
            state.on(event, now, effects);
            match effects.run.take() {
                Some(tickets) => {
                    state.on(Event::StepBegan(by), now, effects);
                    Next::Run(tickets)
                }
                None => Next::Wait(effects.park.unwrap_or(Time::NEVER)),
            }
        })
    }

    /// Between two steps of a job: reports who is done, and asks for `wish` before the next step begins.
    pub(crate) fn between(&self, reports: Vec<Report>, wish: TakeMore) -> Vec<Arc<Ticket>> {
        let by = self.incarnation;
        self.core.with_state(|state, now, effects| {
            state.on(Event::StepEnded(by), now, effects);
            for report in reports {
                state.report(by, report, now, effects);
            }
            state.on(Event::TakeMore { by, wish }, now, effects);
            state.on(Event::StepBegan(by), now, effects);
            effects.run.take().unwrap_or_default()
        })
    }

    /// A job has ended, or waits: reports who is done; no step runs any more.
    pub(crate) fn report(&self, reports: Vec<Report>) {
        let by = self.incarnation;
        self.core.with_state(|state, now, effects| {
            state.on(Event::StepEnded(by), now, effects);
            for report in reports {
                state.report(by, report, now, effects);
            }
        });
    }

    /// A job has come to its end: reports who is done. It is still to be freed, and counts as a step until the worker takes another, or says
    /// that it has ended.
    pub(crate) fn answer(&self, reports: Vec<Report>) {
        let by = self.incarnation;
        self.core.with_state(|state, now, effects| {
            for report in reports {
                state.report(by, report, now, effects);
            }
        });
    }

    /// A step has ended, and no other begins.
    pub(crate) fn step_ended(&self) {
        self.core.tell(Event::StepEnded(self.incarnation));
    }

    /// A step of a job that had waited begins.
    pub(crate) fn step_began(&self) {
        self.core.tell(Event::StepBegan(self.incarnation));
    }

    /// An item of the task is about to leave, the first one of this attempt.
    pub(crate) fn item_sent(&self, task: TaskId) {
        let by = self.incarnation;
        self.core
            .with_state(|state, now, effects| state.item_sent(by, task, now, effects));
    }

    /// Writes down that tasks begin of which that must be known after a crash, before they do.
    ///
    /// # Errors
    /// When the environment does not take it; they must not begin then.
    pub(crate) async fn note_begin(&self, tickets: &[Arc<Ticket>]) -> Result<(), Fault> {
        match beginning(tickets) {
            Some(beginning) => {
                let environment = &self.core.environment;
                let noted_twice = |_: &_, _| Ok(false);
                let commit = environment.commit_over_restarts(beginning, noted_twice);
                noted(tickets, commit.await)
            }
            None => Ok(()),
        }
    }

    /// As [`Self::note_begin`], on the worker's own thread.
    pub(crate) fn note_begin_blocking(&self, tickets: &[Arc<Ticket>]) -> Result<(), Fault> {
        match tickets.iter().any(|ticket| ticket.is_noted_first()) {
            true => self.note_and_wait(tickets),
            false => Ok(()),
        }
    }

    /// Kept out of what each task passes: few need the stack that this takes.
    #[inline(never)]
    fn note_and_wait(&self, tickets: &[Arc<Ticket>]) -> Result<(), Fault> {
        block_on(self.note_begin(tickets))
    }

    /// Where the conformance suite may plant a fault.
    #[cfg(feature = "fault-injection")]
    pub(crate) fn pass(&self, skill: SkillId, moment: InjectionPoint) {
        if let Some(injector) = &self.core.injector
            && let Some(skill) = self.core.skills.get(usize::from(skill.0))
        {
            injector.pass(&skill.name, moment);
        }
    }

    /// From now on a fault interrupts the task instead of repeating it.
    pub(crate) fn cannot_start_over(&self, task: TaskId) {
        let by = self.incarnation;
        self.core.tell(Event::Unrepeatable { by, task });
    }

    /// The incarnation comes to nothing, and its agent has ended: nobody waits for its last word.
    pub(crate) fn release(&self) {
        self.link.end(Ok(()));
    }

    pub(crate) fn panicked(&self, message: String) {
        self.leave_share();
        self.emit_change(|| WorkerChange::Panicked {
            message: message.clone(),
        });
        let end = Err(format!("panic: {message}"));
        match self.core.worker_panicked(self.incarnation, message) {
            // Its actor hears of the end once the next incarnation is on its way: the tasks wait
            // for that one.
            Some(start) => *self.successor.lock() = Some(Successor { start, end }),
            None => self.link.end(end),
        }
    }

    /// What its thread still has to do.
    pub(crate) fn successor(&self) -> Option<Successor> {
        self.successor.lock().take()
    }

    pub(crate) fn load_failed(&self, fault: Fault) {
        self.link.end(Err(fault.message.clone()));
        let dead = fault.kind == FaultKind::DeviceLost;
        let fault = match dead && self.core.has_no_device(self.incarnation) {
            true => Fault::unavailable(fault.message),
            false => fault,
        };
        self.emit_change(|| WorkerChange::LoadFailed {
            message: fault.message.clone(),
        });
        self.core.tell(Event::LoadFailed {
            by: self.incarnation,
            fault,
        });
    }

    /// The weights may stay in memory for the next incarnation: they are counted until it has a share of its own.
    fn leave_share(&self) {
        let share = self.share.lock().take();
        self.core.leave_share(self.incarnation, share);
    }

    /// Nobody needs the weights any more, and they are gone.
    pub(crate) fn weights_are_free(&self) {
        self.core.free_left_share(self.incarnation);
    }

    pub(crate) fn stopped(&self) {
        self.leave_share();
        self.release();
        self.emit_change(|| WorkerChange::Stopped);
        self.core.tell(Event::Stopped(self.incarnation));
    }

    /// Sees to it that this worker is woken when something happens to the task.
    pub(crate) fn hold(&self, ticket: &Ticket) {
        ticket.held_by(self.wake.clone());
    }

    /// Waits on the worker's own thread until it is woken or the time has come.
    pub(crate) fn wait(&self, until: Time) {
        self.core.memory.look_again();
        if until == Time::NEVER {
            let _ = self.wakes.recv();
            return;
        }
        let left = until
            .since(self.core.clock.now())
            .max(Duration::from_micros(1));
        let _ = self.wakes.recv_timeout(left);
    }

    /// As [`Self::wait`], for a worker that is an async task.
    pub(crate) async fn wait_async(&self, until: Time) {
        let at = self.core.clock.instant(until);
        let _ = tokio::time::timeout_at(at, self.wakes.recv_async()).await;
    }
}

impl Drop for WorkerContext {
    /// No incarnation ends without a last word: its tasks would wait for it for ever.
    fn drop(&mut self) {
        if self.link.has_ended() {
            return;
        }
        if self.core.is_closing() {
            self.release();
        } else {
            self.panicked("it ended without a word".to_owned());
        }
    }
}

fn beginning(tickets: &[Arc<Ticket>]) -> Option<Transaction> {
    let noted = tickets.iter().filter(|ticket| ticket.is_noted_first());
    let attempts: Vec<BeginningAttempt> = noted.map(|ticket| ticket.begins()).collect();
    (!attempts.is_empty()).then(|| Transaction {
        attempts,
        ..Transaction::default()
    })
}

fn noted(tickets: &[Arc<Ticket>], commit: Result<(), EnvironmentError>) -> Result<(), Fault> {
    match commit {
        Ok(()) => Ok(()),
        // One of them was completed or forgotten meanwhile, and none of them minds a second
        // beginning.
        Err(error)
            if error.is_refusal() && tickets.iter().all(|one| one.effect != Effect::Once) =>
        {
            Ok(())
        }
        Err(error) => Err(Fault::unavailable(format!(
            "its beginning could not be written down: {error}"
        ))),
    }
}
