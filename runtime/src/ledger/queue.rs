//! The waiting tasks of one worker group, by priority.

use std::collections::{BTreeMap, VecDeque};

use aimass_environment::{Priority, TaskId};

use crate::ledger::Tasks;
use crate::ledger::task::{Entry, Standing};

/// How far a batch looks past tasks that do not fit it, for each place that it has.
const SCAN_PER_PLACE: usize = 4;

/// The waiting tasks of one worker group.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    classes: [Class; 3],
}

/// The waiting tasks of one priority: first those that run again, in the order in which they came, then the new ones.
#[derive(Debug, Default)]
struct Class {
    again: BTreeMap<u64, TaskId>,
    // A task that leaves from the middle stays here as a tombstone, which is skipped, and swept when tombstones are the majority.
    fresh: VecDeque<(u64, TaskId)>,
    waiting_fresh: usize,
    credit: u32,
}

impl Queue {
    pub(crate) fn push<T>(&mut self, task: TaskId, entry: &Entry<T>) {
        let class = &mut self.classes[index(entry.admission.priority)];
        if entry.again {
            class.again.insert(entry.sequence, task);
        } else {
            class.fresh.push_back((entry.sequence, task));
            class.waiting_fresh += 1;
        }
    }

    /// Takes a waiting task out, wherever it stands.
    pub(crate) fn remove<T>(&mut self, entry: &Entry<T>, tasks: &Tasks<T>) {
        let class = &mut self.classes[index(entry.admission.priority)];
        if entry.again {
            class.again.remove(&entry.sequence);
            return;
        }
        class.waiting_fresh -= 1;
        if class.fresh.len() > 2 * class.waiting_fresh + 64 {
            let own = entry.sequence;
            class
                .fresh
                .retain(|(sequence, task)| *sequence != own && is_waiting(tasks, *task, *sequence));
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.classes.iter().map(Class::len).sum()
    }

    /// The class whose turn it is: the most urgent one that has work and credit, credit being dealt out by weight.
    pub(crate) fn next_class(&mut self) -> Option<Priority> {
        if self.len() == 0 {
            return None;
        }
        let has_turn = |queue: &Self| {
            Priority::ALL.into_iter().find(|priority| {
                let class = &queue.classes[index(*priority)];
                class.len() > 0 && class.credit > 0
            })
        };
        let turn = has_turn(self).or_else(|| {
            for priority in Priority::ALL {
                self.classes[index(priority)].credit = priority.weight();
            }
            has_turn(self)
        })?;
        self.classes[index(turn)].credit -= 1;
        Some(turn)
    }

    /// The most urgent class above `priority` that has work. It costs no credit: the worker is busy with less urgent work.
    pub(crate) fn class_above(&self, priority: Priority) -> Option<Priority> {
        Priority::ALL
            .into_iter()
            .find(|class| *class > priority && self.classes[index(*class)].len() > 0)
    }

    /// The first waiting task of a class.
    pub(crate) fn first<T>(&mut self, priority: Priority, tasks: &Tasks<T>) -> Option<TaskId> {
        let class = &mut self.classes[index(priority)];
        if let Some((_, task)) = class.again.first_key_value() {
            return Some(*task);
        }
        while let Some((sequence, task)) = class.fresh.front() {
            if is_waiting(tasks, *task, *sequence) {
                return Some(*task);
            }
            class.fresh.pop_front();
        }
        None
    }

    /// Up to `room` waiting tasks that `fits` accepts, the most urgent first; they stay in the queue until they are removed.
    pub(crate) fn matching<T>(
        &self,
        tasks: &Tasks<T>,
        room: usize,
        fits: impl Fn(&Entry<T>) -> bool,
    ) -> Vec<TaskId> {
        let mut found = Vec::new();
        for priority in Priority::ALL {
            let class = &self.classes[index(priority)];
            let again = class.again.values().copied();
            let fresh = class.fresh.iter().take(room * SCAN_PER_PLACE + 64);
            let fresh = fresh
                .filter(|(sequence, task)| is_waiting(tasks, *task, *sequence))
                .map(|(_, task)| *task);
            for task in again.chain(fresh) {
                if found.len() == room {
                    return found;
                }
                if tasks.get(&task).is_some_and(&fits) {
                    found.push(task);
                }
            }
        }
        found
    }
}

impl Class {
    fn len(&self) -> usize {
        self.again.len() + self.waiting_fresh
    }
}

fn index(priority: Priority) -> usize {
    priority as usize
}

fn is_waiting<T>(tasks: &Tasks<T>, task: TaskId, sequence: u64) -> bool {
    tasks.get(&task).is_some_and(|entry| {
        entry.sequence == sequence && !entry.again && entry.standing == Standing::Waiting
    })
}
