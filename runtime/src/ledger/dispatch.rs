//! Giving work to workers: whose turn it is, and who shares a batch.

use aimass_environment::{Priority, TaskId, Time, WorkerId};

use crate::fault::Fault;
use crate::ledger::Ledger;
use crate::ledger::effect::{Completion, LedgerEffect, Reload};
use crate::ledger::event::{GroupId, Incarnation, TakeMore};
use crate::ledger::settings::Crew;
use crate::ledger::task::Standing;
use crate::ledger::worker::{Worker, WorkerState};

impl<T> Ledger<T> {
    pub(super) fn take(&mut self, by: Incarnation, now: Time, effects: &mut Vec<LedgerEffect<T>>) {
        let Some(worker) = self.current(by, effects) else {
            effects.push(LedgerEffect::Stop { worker: by });
            return;
        };
        if worker.state == WorkerState::Unloading {
            effects.push(LedgerEffect::Stop { worker: by });
            return;
        }
        worker.state = WorkerState::Busy;
        worker.given = 0;
        worker.exclusive = false;
        worker.watched = None;
        let group = worker.group;
        for task in std::mem::take(&mut worker.running) {
            let fault = Fault::bug("the job ended without an outcome for this task");
            self.fault(by, task, fault, now, effects);
        }
        match self.next_batch(group, now, effects) {
            Batch::Run(tasks) => self.run(by, tasks, effects),
            Batch::Wait { until } => self.park(by, until, now, effects),
        }
    }

    pub(super) fn take_more(
        &mut self,
        by: Incarnation,
        wish: TakeMore,
        now: Time,
        effects: &mut Vec<LedgerEffect<T>>,
    ) {
        let Some(worker) = self.current(by, effects) else {
            effects.push(LedgerEffect::Stop { worker: by });
            return;
        };
        // It was told to stop while its jobs waited, and takes one step more: what it took now would end with it.
        if worker.state == WorkerState::Unloading {
            effects.push(LedgerEffect::Stop { worker: by });
            return;
        }
        if worker.exclusive {
            return;
        }
        let group = worker.group;
        let tasks = match wish {
            TakeMore::Anything => match self.next_batch(group, now, effects) {
                Batch::Run(tasks) if !self.runs_alone(&tasks) => tasks,
                // What must run alone does not fit here, and this worker may sit beside its jobs for long.
                Batch::Run(_) => {
                    self.wake_free(group, effects);
                    return self.park(by, Time::NEVER, now, effects);
                }
                Batch::Wait { until } => return self.park(by, until, now, effects),
            },
            TakeMore::Above(priority) => self.more_urgent(group, priority, now, effects),
            TakeMore::Join {
                skill,
                batch_key,
                room,
            } => {
                let queue = &self.groups[usize::from(group.0)].queue;
                queue.matching(&self.tasks, room as usize, |entry| {
                    !entry.runs_alone()
                        && entry.admission.skill == skill
                        && entry.admission.batch_key == batch_key
                        && entry.admission.deadline > now
                })
            }
        };
        if !tasks.is_empty() {
            self.run(by, tasks, effects);
        }
    }

    fn runs_alone(&self, tasks: &[TaskId]) -> bool {
        tasks
            .iter()
            .any(|task| self.tasks.get(task).is_some_and(|entry| entry.runs_alone()))
    }

    fn more_urgent(
        &mut self,
        group: GroupId,
        priority: Priority,
        now: Time,
        effects: &mut Vec<LedgerEffect<T>>,
    ) -> Vec<TaskId> {
        while let Some(class) = self.groups[usize::from(group.0)]
            .queue
            .class_above(priority)
        {
            let Some(first) = self.first_in_time(group, class, now, effects) else {
                continue;
            };
            // What must run alone waits for a free worker.
            if self
                .tasks
                .get(&first)
                .is_none_or(|entry| entry.runs_alone())
            {
                return Vec::new();
            }
            return self.companions(group, first, now);
        }
        Vec::new()
    }

    fn next_batch(
        &mut self,
        group: GroupId,
        now: Time,
        effects: &mut Vec<LedgerEffect<T>>,
    ) -> Batch {
        loop {
            let Some(class) = self.groups[usize::from(group.0)].queue.next_class() else {
                return Batch::Wait { until: Time::NEVER };
            };
            let Some(first) = self.first_in_time(group, class, now, effects) else {
                continue;
            };
            let batch = self.companions(group, first, now);
            let settings = &self.groups[usize::from(group.0)].settings;
            let full = batch.len() >= settings.max_batch as usize;
            let Some(entry) = self.tasks.get(&first) else {
                continue;
            };
            let until = entry.since + settings.max_wait;
            if full || entry.runs_alone() || until <= now {
                return Batch::Run(batch);
            }
            return Batch::Wait { until };
        }
    }

    /// The first task of a class that is still in time; those past their deadline are answered so and never run.
    fn first_in_time(
        &mut self,
        group: GroupId,
        class: Priority,
        now: Time,
        effects: &mut Vec<LedgerEffect<T>>,
    ) -> Option<TaskId> {
        let first = self.groups[usize::from(group.0)]
            .queue
            .first(class, &self.tasks)?;
        let entry = self.tasks.get(&first)?;
        if entry.admission.deadline > now {
            return Some(first);
        }
        self.complete(first, Completion::DeadlineExceeded, now, effects);
        None
    }

    /// The task and those that may share its batch.
    fn companions(&self, group: GroupId, first: TaskId, now: Time) -> Vec<TaskId> {
        let mut batch = vec![first];
        let Some(head) = self.tasks.get(&first) else {
            return batch;
        };
        let group = &self.groups[usize::from(group.0)];
        let room = group.settings.max_batch.max(1) as usize - 1;
        if head.runs_alone() || room == 0 {
            return batch;
        }
        batch.extend(group.queue.matching(&self.tasks, room, |entry| {
            entry.sequence != head.sequence
                && !entry.runs_alone()
                && entry.admission.skill == head.admission.skill
                && entry.admission.batch_key == head.admission.batch_key
                && entry.admission.deadline > now
        }));
        batch
    }

    fn run(&mut self, by: Incarnation, tasks: Vec<TaskId>, effects: &mut Vec<LedgerEffect<T>>) {
        let worker = &mut self.workers[by.worker.0 as usize];
        for task in &tasks {
            let Some(entry) = self.tasks.get_mut(task) else {
                continue;
            };
            worker.exclusive |= entry.runs_alone();
            entry.standing = Standing::Running(by);
            entry.brought_forward = false;
            let group = usize::from(entry.admission.group.0);
            let Some(entry) = self.tasks.get(task) else {
                continue;
            };
            self.groups[group].queue.remove(entry, &self.tasks);
        }
        worker.state = WorkerState::Busy;
        worker.given += tasks.len() as u32;
        worker.running.extend(&tasks);
        effects.push(LedgerEffect::Run { by, tasks });
    }

    fn park(
        &mut self,
        by: Incarnation,
        until: Time,
        now: Time,
        effects: &mut Vec<LedgerEffect<T>>,
    ) {
        self.workers[by.worker.0 as usize].state = WorkerState::Idle { since: now };
        effects.push(LedgerEffect::Park { by, until });
    }

    /// Sees to it that somebody comes for the group's work.
    pub(super) fn wake_one(&mut self, group: GroupId, effects: &mut Vec<LedgerEffect<T>>) {
        match self.idle(group, |_| true) {
            Some(id) => self.wake(id, effects),
            None => self.start_another(group, effects),
        }
    }

    /// Sees to it that a worker without jobs comes for the group's work, if there is one.
    fn wake_free(&mut self, group: GroupId, effects: &mut Vec<LedgerEffect<T>>) {
        match self.idle(group, |worker| worker.running.is_empty()) {
            Some(id) => self.wake(id, effects),
            None => self.start_another(group, effects),
        }
    }

    /// A worker that may have been woken for the group's work is gone: another one comes for it, if one is idle.
    pub(super) fn pass_on(&mut self, group: GroupId, effects: &mut Vec<LedgerEffect<T>>) {
        if self.groups[usize::from(group.0)].queue.len() > 0
            && let Some(id) = self.idle(group, |_| true)
        {
            self.wake(id, effects);
        }
    }

    fn idle(&self, group: GroupId, fits: impl Fn(&Worker) -> bool) -> Option<WorkerId> {
        let workers = &self.groups[usize::from(group.0)].workers;
        let mut workers = workers.iter().map(|id| &self.workers[id.0 as usize]);
        let idle =
            workers.find(|worker| matches!(worker.state, WorkerState::Idle { .. }) && fits(worker));
        idle.map(|worker| worker.id)
    }

    fn wake(&mut self, id: WorkerId, effects: &mut Vec<LedgerEffect<T>>) {
        let worker = &mut self.workers[id.0 as usize];
        worker.state = WorkerState::Busy;
        effects.push(LedgerEffect::Wake {
            worker: worker.incarnation(),
        });
    }

    pub(super) fn wake_all(&mut self, group: GroupId, effects: &mut Vec<LedgerEffect<T>>) {
        let Some(group) = self.groups.get(usize::from(group.0)) else {
            return;
        };
        for id in group.workers.clone() {
            if matches!(self.workers[id.0 as usize].state, WorkerState::Idle { .. }) {
                self.wake(id, effects);
            }
        }
    }

    /// Nobody is idle: those come who have no thread, or one more where there may be more.
    fn start_another(&mut self, group: GroupId, effects: &mut Vec<LedgerEffect<T>>) {
        let at = usize::from(group.0);
        if self.groups[at].settings.crew == Crew::Fixed {
            return self.start_unloaded(group, effects);
        }
        let workers = self.groups[at].workers.iter();
        let is_unloaded =
            |id: &WorkerId| self.workers[id.0 as usize].state == WorkerState::Unloaded;
        let id = workers.copied().find(is_unloaded);
        let id = id.unwrap_or_else(|| {
            let id = WorkerId(self.workers.len() as u32);
            self.workers.push(Worker::new(id, group));
            self.groups[at].workers.push(id);
            id
        });
        self.start_one(id, effects);
    }

    pub(super) fn start_unloaded(&mut self, group: GroupId, effects: &mut Vec<LedgerEffect<T>>) {
        for id in self.groups[usize::from(group.0)].workers.clone() {
            if self.workers[id.0 as usize].state == WorkerState::Unloaded {
                self.start_one(id, effects);
            }
        }
    }

    fn start_one(&mut self, id: WorkerId, effects: &mut Vec<LedgerEffect<T>>) {
        let worker = &mut self.workers[id.0 as usize];
        worker.state = WorkerState::Starting;
        effects.push(LedgerEffect::Start {
            worker: worker.incarnation(),
            after: std::time::Duration::ZERO,
            weights: Reload::Keep,
        });
    }
}

/// What a free worker is to do.
enum Batch {
    Run(Vec<TaskId>),
    Wait { until: Time },
}
