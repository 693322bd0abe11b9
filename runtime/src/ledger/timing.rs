//! What happens because time passes.

use std::time::Duration;

use aimass_environment::{TaskId, Time};

use crate::ledger::effect::{Completion, LedgerEffect};
use crate::ledger::event::{GroupId, Incarnation};
use crate::ledger::worker::{Watched, Worker, WorkerState};
use crate::ledger::{Ledger, Phase};

impl<T> Ledger<T> {
    /// When the next `Tick` is due; none while nothing is timed. While a thread is watched that is no later than `pulse`, so that a process which
    /// stood still is noticed before a thread is given up for it.
    pub(crate) fn next_wake(&self, pulse: Time) -> Option<Time> {
        let due = [self.deadlines.first(), self.pauses.first()];
        let due = due.into_iter().flatten().map(|(time, _)| *time);
        let watched = self.workers.iter().filter_map(|worker| worker.watched);
        let watched = watched.map(|watched| watched.until(&self.settings).min(pulse));
        let workers = self.workers.iter().filter_map(|worker| match worker.state {
            WorkerState::Leaving { until } => Some(until.min(pulse)),
            WorkerState::BackingOff { until, .. } => Some(until),
            WorkerState::Idle { since } if worker.running.is_empty() => {
                self.settings.idle_unload.map(|idle| since + idle)
            }
            _ => None,
        });
        let limit = match self.phase {
            Phase::Draining { limit } => Some(limit),
            _ => None,
        };
        workers.chain(watched).chain(due).chain(limit).min()
    }

    pub(super) fn tick(&mut self, now: Time, effects: &mut Vec<LedgerEffect<T>>) {
        while let Some((deadline, task)) = self.deadlines.first().copied() {
            if deadline > now {
                break;
            }
            // It stays out of the set even when its outcome is on its way into the environment: that one counts then.
            self.deadlines.pop_first();
            self.abort(task, Completion::DeadlineExceeded, now, effects);
        }
        self.end_pauses(now, effects);
        for at in 0..self.workers.len() {
            self.tick_worker(at, now, effects);
        }
        if let Phase::Draining { limit } = self.phase
            && limit <= now
        {
            self.cut_off(now, effects);
        }
    }

    /// Whoever is watched, or has a grace, gets the time again in which the process stood still, and never more than the whole of it. Callers do not:
    /// their deadlines are theirs.
    pub(super) fn stood_still(&mut self, lost: Duration, now: Time) {
        for worker in &mut self.workers {
            if let Some(watched) = &mut worker.watched {
                watched.give_back(lost, now);
            }
            if let WorkerState::Leaving { until } = &mut worker.state {
                *until = (*until + lost).min(now + self.settings.grace);
            }
        }
    }

    fn tick_worker(&mut self, at: usize, now: Time, effects: &mut Vec<LedgerEffect<T>>) {
        let worker = &mut self.workers[at];
        let id = worker.id;
        if let Some(watched) = worker.watched
            && watched.until(&self.settings) <= now
        {
            match watched {
                Watched::Step(_) => self.hung(id, now, effects),
                Watched::Load(_) => self.load_hung(id, now, effects),
            }
            return;
        }
        match worker.state {
            WorkerState::Leaving { until } if until <= now => self.abandon(id, now, effects),
            WorkerState::BackingOff { until, .. } if until <= now => {
                worker.state = WorkerState::Starting
            }
            WorkerState::Idle { since } if worker.running.is_empty() => {
                let over = self
                    .settings
                    .idle_unload
                    .is_some_and(|idle| since + idle <= now);
                if over {
                    worker.state = WorkerState::Unloading;
                    effects.push(LedgerEffect::Stop {
                        worker: worker.incarnation(),
                    });
                }
            }
            _ => {}
        }
    }

    /// Since when nobody has used the group's weights; none while a task of it runs or waits, be it for a chunk.
    pub(crate) fn idle_since(&self, group: GroupId) -> Option<Time> {
        let group = &self.groups[usize::from(group.0)];
        if group.queue.len() > 0 {
            return None;
        }
        let mut last = None;
        for id in &group.workers {
            let worker = &self.workers[id.0 as usize];
            match worker.state {
                WorkerState::Idle { since } if worker.running.is_empty() => {
                    last = last.max(Some(since));
                }
                WorkerState::Unloaded => {}
                _ => return None,
            }
        }
        last
    }

    /// Gives up the group's weights, unless somebody uses them.
    pub(super) fn unload(&mut self, group: GroupId, effects: &mut Vec<LedgerEffect<T>>) {
        if self.idle_since(group).is_none() {
            return;
        }
        for id in &self.groups[usize::from(group.0)].workers {
            let worker = &mut self.workers[id.0 as usize];
            if matches!(worker.state, WorkerState::Idle { .. }) {
                worker.state = WorkerState::Unloading;
                effects.push(LedgerEffect::Stop {
                    worker: worker.incarnation(),
                });
            }
        }
    }

    /// The drain's limit has come: everything is answered, except what is on its way into the environment.
    fn cut_off(&mut self, now: Time, effects: &mut Vec<LedgerEffect<T>>) {
        self.phase = Phase::Draining { limit: Time::NEVER };
        let mut held: Vec<(u64, TaskId)> = self
            .tasks
            .iter()
            .map(|(task, entry)| (entry.sequence, *task))
            .collect();
        held.sort_unstable();
        for (_, task) in held {
            self.abort(task, Completion::ShuttingDown, now, effects);
        }
    }

    pub(super) fn step_began(&mut self, by: Incarnation, now: Time) {
        self.watch(by, |_| Some(Watched::Step(now)));
    }

    pub(super) fn step_ended(&mut self, by: Incarnation) {
        self.watch(by, |_| None);
    }

    pub(super) fn load_began(&mut self, by: Incarnation, now: Time) {
        self.watch(by, |_| Some(Watched::Load(now)));
    }

    /// A worker that was given tasks before it came for its new version begins them next.
    pub(super) fn load_ended(&mut self, by: Incarnation, now: Time) {
        self.watch(by, |worker| {
            (!worker.running.is_empty()).then_some(Watched::Step(now))
        });
    }

    fn watch(&mut self, by: Incarnation, watched: impl FnOnce(&Worker) -> Option<Watched>) {
        let worker = self.workers.get_mut(by.worker.0 as usize);
        if let Some(worker) = worker.filter(|worker| worker.is_current(by)) {
            worker.watched = watched(worker);
        }
    }
}

/// How fast tasks are completed: what a full agent bases its advice on.
#[derive(Debug, Default)]
pub(crate) struct CompletionRate {
    last: Option<Time>,
    interval: Duration,
}

impl CompletionRate {
    /// One task was completed. A moving average over about sixteen of them.
    pub(crate) fn completed(&mut self, now: Time) {
        if let Some(last) = self.last {
            self.interval = (self.interval * 15 + now.since(last)) / 16;
        }
        self.last = Some(now);
    }

    /// When a place is likely to be free.
    pub(crate) fn next_place(&self) -> Duration {
        self.interval
            .clamp(Duration::from_millis(1), Duration::from_secs(60))
    }
}
