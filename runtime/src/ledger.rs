//! The ledger: an agent's record of every task that it accepted, until it is completed. It outlives
//! its workers.
//!
//! It is sans-IO: [`Ledger::on`] takes an event and the time, and says what is to be done. Threads, channels and timers are a thin
//! driver around it, so that tests can run millions of interleavings and replay any of them from its seed.

mod admission;
mod attempt;
mod collateral;
mod dispatch;
pub(crate) mod effect;
pub(crate) mod event;
mod queue;
mod room;
pub(crate) mod settings;
mod supervision;
mod task;
mod timing;
pub(crate) mod worker;

#[cfg(test)]
pub(crate) mod tests;

use std::collections::BTreeSet;

use aimass_environment::{TaskId, Time, WorkerId};

use crate::ledger::effect::{Completion, LedgerEffect, Observation};
use crate::ledger::event::{Event, GroupId, Incarnation};
use crate::ledger::queue::Queue;
use crate::ledger::settings::{GroupSettings, LedgerSettings, StartWhen};
#[cfg(test)]
use crate::ledger::task::IdHasher;
use crate::ledger::task::{Standing, Tasks};
use crate::ledger::worker::{Worker, WorkerState};
use crate::restart::{Backoff, RestartBudget};

/// An agent's record of every task that it accepted, until it is completed.
#[derive(Debug)]
pub(crate) struct Ledger<T = ()> {
    settings: LedgerSettings,
    tasks: Tasks<T>,
    bytes: u64,
    rooms: room::Rooms,
    sequence: u64,
    groups: Vec<Group>,
    workers: Vec<Worker>,
    deadlines: BTreeSet<(Time, TaskId)>,
    /// When the pauses of those end that are tried again later.
    pauses: BTreeSet<(Time, TaskId)>,
    /// Incarnations that were given up and have not ended yet.
    abandoned: Vec<Incarnation>,
    restarts: RestartBudget,
    backoff: Backoff,
    phase: Phase,
    completion_rate: timing::CompletionRate,
}

/// One worker group.
#[derive(Debug)]
struct Group {
    settings: GroupSettings,
    queue: Queue,
    workers: Vec<WorkerId>,
}

/// Whether the agent takes work.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Phase {
    Open,
    Draining { limit: Time },
    Drained,
    Failed { message: String },
}

/// A ledger's state in figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LedgerLoad {
    /// Tasks accepted and not completed.
    pub(crate) tasks: u64,
    /// Bytes of their inputs.
    pub(crate) bytes: u64,
    /// Those of them that wait.
    pub(crate) waiting: u64,
    /// Threads that were given up and have not ended.
    pub(crate) abandoned: u32,
    /// Why the agent was given up, if it was.
    pub(crate) failed: Option<String>,
    /// Each worker: its current incarnation, what it does, how often it was restarted.
    pub(crate) workers: Vec<(Incarnation, WorkerState, u64)>,
}

impl<T> Ledger<T> {
    pub(crate) fn new(settings: LedgerSettings) -> Self {
        let mut workers = Vec::new();
        let mut groups = Vec::with_capacity(settings.groups.len());
        for (at, group) in settings.groups.iter().enumerate() {
            let first = workers.len() as u32;
            let own: Vec<WorkerId> = (first..first + group.workers.max(1))
                .map(WorkerId)
                .collect();
            workers.extend(own.iter().map(|id| Worker::new(*id, GroupId(at as u16))));
            groups.push(Group {
                settings: group.clone(),
                queue: Queue::default(),
                workers: own,
            });
        }
        Self {
            tasks: Tasks::default(),
            bytes: 0,
            rooms: room::Rooms::default(),
            sequence: 0,
            groups,
            workers,
            deadlines: BTreeSet::new(),
            pauses: BTreeSet::new(),
            abandoned: Vec::new(),
            restarts: RestartBudget::new(&settings.restart),
            backoff: Backoff::new(&settings.restart, settings.seed),
            phase: Phase::Open,
            completion_rate: timing::CompletionRate::default(),
            settings,
        }
    }

    /// The incarnations to start with the runtime.
    pub(crate) fn start(&mut self, effects: &mut Vec<LedgerEffect<T>>) {
        for group in 0..self.groups.len() {
            if self.groups[group].settings.start == StartWhen::AtOnce {
                self.start_unloaded(GroupId(group as u16), effects);
            }
        }
    }

    /// Takes in what happened at `now`, and appends what is to be done. `now` never goes back.
    pub(crate) fn on(&mut self, event: Event<T>, now: Time, effects: &mut Vec<LedgerEffect<T>>) {
        match event {
            Event::Claim(claim) => self.claim(claim, now, effects),
            Event::Release(claim) => self.release(claim),
            Event::Submit(admission, held) => self.submit(admission, held, now, effects),
            Event::LoadBegan(by) => self.load_began(by, now),
            Event::LoadEnded(by) => self.load_ended(by, now),
            Event::Ready(by) => self.ready(by, effects),
            Event::Take(by) => self.take(by, now, effects),
            Event::TakeMore { by, wish } => self.take_more(by, wish, now, effects),
            Event::StepBegan(by) => self.step_began(by, now),
            Event::StepEnded(by) => self.step_ended(by),
            Event::Finished { by, task, outcome } => self.finished(by, task, outcome, now, effects),
            Event::Committed { task } => self.complete(task, Completion::Done, now, effects),
            Event::CommitFailed { task, fault } => self.commit_failed(task, fault, now, effects),
            Event::ItemSent { by, task } => self.item_sent(by, task),
            Event::Unrepeatable { by, task } => self.unrepeatable(by, task),
            Event::Panicked { by, message } => self.panicked(by, &message, now, effects),
            Event::Stopped(by) => self.stopped(by, effects),
            Event::LoadFailed { by, fault } => self.load_failed(by, fault, now, effects),
            Event::Swap(group) => self.wake_all(group, effects),
            Event::TakeDown { group, cause } => self.take_down(group, &cause, now, effects),
            Event::Unload(group) => self.unload(group, effects),
            Event::Cancel { task } => self.cancel(task, now, effects),
            Event::GiveUp { message } => self.fail(&message, now, effects),
            Event::Tick => self.tick(now, effects),
            Event::StoodStill { lost } => self.stood_still(lost, now),
            Event::Shutdown { limit } => self.shut_down(limit, now, effects),
        }
        self.serve_lines(effects);
        if matches!(self.phase, Phase::Draining { .. }) && self.tasks.is_empty() {
            self.phase = Phase::Drained;
            effects.push(LedgerEffect::Drained);
        }
    }

    /// The agent's state in figures.
    pub(crate) fn load(&self) -> LedgerLoad {
        LedgerLoad {
            tasks: self.tasks.len() as u64,
            bytes: self.bytes,
            waiting: self
                .groups
                .iter()
                .map(|group| group.queue.len() as u64)
                .chain([self.pauses.len() as u64])
                .sum(),
            abandoned: self.abandoned.len() as u32,
            failed: match &self.phase {
                Phase::Failed { message } => Some(message.clone()),
                _ => None,
            },
            workers: self
                .workers
                .iter()
                .map(|worker| (worker.incarnation(), worker.state.clone(), worker.restarts))
                .collect(),
        }
    }

    /// The groups of all workers, in the order of their ids. There may be more of them after each event, never fewer.
    pub(crate) fn worker_groups(&self) -> impl ExactSizeIterator<Item = GroupId> {
        self.workers.iter().map(|worker| worker.group)
    }

    /// Whether what the incarnation says still counts.
    pub(crate) fn is_current(&self, by: Incarnation) -> bool {
        let worker = self.workers.get(by.worker.0 as usize);
        worker.is_some_and(|worker| worker.is_current(by))
    }

    /// What was submitted with a task, until that is completed.
    pub(crate) fn held(&mut self, task: TaskId) -> Option<&mut T> {
        self.tasks.get_mut(&task).map(|entry| &mut entry.held)
    }

    /// Gives a task its one reply and forgets it. A task that is not known any more has had its reply.
    fn complete(
        &mut self,
        task: TaskId,
        completion: Completion,
        now: Time,
        effects: &mut Vec<LedgerEffect<T>>,
    ) {
        self.complete_on(task, completion, None, now, effects);
    }

    /// As [`Self::complete`], of a task that an incarnation may still run.
    fn complete_on(
        &mut self,
        task: TaskId,
        completion: Completion,
        still_on: Option<Incarnation>,
        now: Time,
        effects: &mut Vec<LedgerEffect<T>>,
    ) {
        let Some(entry) = self.tasks.get(&task) else {
            return;
        };
        match entry.standing {
            Standing::Waiting => {
                let group = usize::from(entry.admission.group.0);
                self.groups[group].queue.remove(entry, &self.tasks);
            }
            Standing::Running(by) => {
                self.workers[by.worker.0 as usize]
                    .running
                    .retain(|running| *running != task);
            }
            Standing::Pausing { until } => {
                self.pauses.remove(&(until, task));
            }
            Standing::Committing => {}
        }
        let Some(entry) = self.tasks.remove(&task) else {
            return;
        };
        self.bytes = self.bytes.saturating_sub(entry.admission.bytes);
        self.rooms.leave(&entry.admission);
        if entry.admission.deadline != Time::NEVER {
            self.deadlines.remove(&(entry.admission.deadline, task));
        }
        self.completion_rate.completed(now);
        effects.push(LedgerEffect::Complete {
            task,
            held: entry.held,
            completion,
            still_on,
        });
    }

    /// Completes a task that brought its worker down, and keeps it for a person to look at.
    fn dead_letter(
        &mut self,
        task: TaskId,
        cause: &str,
        now: Time,
        effects: &mut Vec<LedgerEffect<T>>,
    ) {
        let Some(entry) = self.tasks.get(&task) else {
            return;
        };
        let attempts = entry.attempts;
        effects.push(LedgerEffect::DeadLetter {
            task,
            cause: cause.to_owned(),
        });
        self.complete(
            task,
            Completion::DeadLettered {
                attempts,
                cause: cause.to_owned(),
            },
            now,
            effects,
        );
    }

    /// Puts a task back into the queue, before those that never ran.
    fn requeue(&mut self, task: TaskId, now: Time, effects: &mut Vec<LedgerEffect<T>>) {
        let Some(entry) = self.tasks.get_mut(&task) else {
            return;
        };
        if let Standing::Running(by) = entry.standing {
            self.workers[by.worker.0 as usize]
                .running
                .retain(|running| *running != task);
        }
        entry.standing = Standing::Waiting;
        entry.again = true;
        entry.since = now;
        let group = entry.admission.group;
        self.groups[usize::from(group.0)].queue.push(task, entry);
        self.wake_one(group, effects);
    }

    /// The worker behind an incarnation, when what it says still counts.
    fn current(
        &mut self,
        by: Incarnation,
        effects: &mut Vec<LedgerEffect<T>>,
    ) -> Option<&mut Worker> {
        let worker = self
            .workers
            .get_mut(by.worker.0 as usize)
            .filter(|worker| worker.is_current(by));
        if worker.is_none() {
            effects.push(LedgerEffect::Observe(Observation::Stale { by }));
        }
        worker
    }
}
