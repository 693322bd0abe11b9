//! Whose turn it is, told a second time: the rules in their plainest form, by which each answer to a worker is checked.
//!
//! Classes share a group's turns by their weights; within a class retries come first, then the order of acceptance; who shares a batch
//! fits its first task; who is past the deadline is answered so instead.

use aimass_environment::{Priority, TaskId, Time};

use crate::ledger::effect::{Completion, LedgerEffect};
use crate::ledger::event::{Event, Incarnation, TakeMore};
use crate::ledger::settings::GroupSettings;
use crate::ledger::tests::model::{Checker, Known};

/// The turns of a round, the most urgent class first.
const TURNS: [(Priority, u32); 3] = [
    (Priority::Interactive, 16),
    (Priority::Normal, 4),
    (Priority::Background, 1),
];

/// What is left of a group's round.
#[derive(Debug, Clone, Default)]
pub(super) struct Round {
    left: [u32; 3],
}

/// What a worker asks.
#[derive(Debug, Clone, Copy)]
pub(in crate::ledger::tests) struct Asked {
    by: Incarnation,
    /// None of a free worker.
    wish: Option<TakeMore>,
}

/// What a worker is answered: who is past the deadline, and what it is to do.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    late: Vec<TaskId>,
    given: Given,
}

#[derive(Debug, PartialEq, Eq)]
enum Given {
    Tasks(Vec<TaskId>),
    Wait(Time),
    Nothing,
}

impl Asked {
    pub(in crate::ledger::tests) fn of(event: &Event) -> Option<Self> {
        match event {
            Event::Take(by) => Some(Self {
                by: *by,
                wish: None,
            }),
            Event::TakeMore { by, wish } => Some(Self {
                by: *by,
                wish: Some(*wish),
            }),
            _ => None,
        }
    }
}

impl Checker {
    /// Checks what a worker was answered, before the effects of it are taken into account.
    pub(in crate::ledger::tests) fn check_answer(
        &mut self,
        asked: Asked,
        effects: &[LedgerEffect],
        now: Time,
    ) {
        let stop = LedgerEffect::Stop { worker: asked.by };
        if effects.contains(&stop) {
            assert_eq!(Answer::of(effects).given, Given::Nothing, "work and a stop");
            return;
        }
        assert_eq!(
            Answer::of(effects),
            self.answer(asked, now),
            "{asked:?} is not answered as the order wants it"
        );
    }

    fn answer(&mut self, Asked { by, wish }: Asked, now: Time) -> Answer {
        if wish.is_none() {
            self.exclusive.remove(&by);
        }
        let group = self.group_of(by.worker);
        let own = |known: &&Known| known.admission.group == group && known.is_waiting();
        let mut queue: Vec<&Known> = self.tasks.values().filter(own).collect();
        queue.sort_unstable_by_key(|known| {
            let priority = std::cmp::Reverse(known.admission.priority);
            (priority, !known.is_retry(), known.sequence)
        });
        let mut desk = Desk {
            queue,
            round: &mut self.rounds[usize::from(group.0)],
            settings: &self.settings.groups[usize::from(group.0)],
            late: Vec::new(),
            now,
        };
        let given = match wish {
            None => desk.next(),
            Some(_) if self.exclusive.contains(&by) => Given::Nothing,
            Some(TakeMore::Anything) => desk.next_beside(),
            Some(TakeMore::Above(priority)) => desk.more_urgent(priority),
            Some(TakeMore::Join {
                skill,
                batch_key,
                room,
            }) => desk.joining(room as usize, |known| {
                (known.admission.skill, known.admission.batch_key) == (skill, batch_key)
            }),
        };
        let late = desk.late;
        Answer { late, given }
    }
}

impl Answer {
    fn of(effects: &[LedgerEffect]) -> Self {
        let late = effects.iter().filter_map(|effect| match effect {
            LedgerEffect::Complete {
                task,
                completion: Completion::DeadlineExceeded,
                ..
            } => Some(*task),
            _ => None,
        });
        let mut given = effects.iter().filter_map(|effect| match effect {
            LedgerEffect::Run { tasks, .. } => Some(Given::Tasks(tasks.clone())),
            LedgerEffect::Park { until, .. } => Some(Given::Wait(*until)),
            _ => None,
        });
        Self {
            late: late.collect(),
            given: given.next().unwrap_or(Given::Nothing),
        }
    }
}

impl Round {
    /// The class whose turn it is among those that have work.
    fn next(&mut self, has_work: impl Fn(Priority) -> bool) -> Option<Priority> {
        if !TURNS.iter().any(|(class, _)| has_work(*class)) {
            return None;
        }
        loop {
            for (at, (class, _)) in TURNS.iter().enumerate() {
                if has_work(*class) && self.left[at] > 0 {
                    self.left[at] -= 1;
                    return Some(*class);
                }
            }
            self.left = TURNS.map(|(_, turns)| turns);
        }
    }
}

/// A group's waiting tasks in their order, as one worker comes to them.
struct Desk<'a> {
    queue: Vec<&'a Known>,
    round: &'a mut Round,
    settings: &'a GroupSettings,
    late: Vec<TaskId>,
    now: Time,
}

impl<'a> Desk<'a> {
    fn next(&mut self) -> Given {
        loop {
            let has_work = |class| has_work(&self.queue, class);
            let Some(class) = self.round.next(has_work) else {
                return Given::Wait(Time::NEVER);
            };
            let Some(first) = self.first(class) else {
                continue;
            };
            let batch = self.batch(first);
            let until = first.since + self.settings.max_wait;
            let full = batch.len() == self.settings.max_batch as usize;
            return match full || first.runs_alone() || until <= self.now {
                true => Given::Tasks(batch),
                false => Given::Wait(until),
            };
        }
    }

    /// Beside jobs that wait: what must run alone does not fit there.
    fn next_beside(&mut self) -> Given {
        let given = self.next();
        let alone = |task: &TaskId| {
            let mut alone = self.queue.iter().filter(|known| known.runs_alone());
            alone.any(|known| known.admission.task == *task)
        };
        match given {
            Given::Tasks(tasks) if tasks.iter().any(alone) => Given::Wait(Time::NEVER),
            given => given,
        }
    }

    fn more_urgent(&mut self, than: Priority) -> Given {
        loop {
            let above = TURNS.iter().map(|(class, _)| *class);
            let mut above = above.filter(|class| *class > than && has_work(&self.queue, *class));
            let Some(class) = above.next() else {
                return Given::Nothing;
            };
            match self.first(class) {
                None => {}
                Some(first) if first.runs_alone() => return Given::Nothing,
                Some(first) => return Given::Tasks(self.batch(first)),
            }
        }
    }

    fn joining(&self, room: usize, fits: impl Fn(&Known) -> bool) -> Given {
        let now = self.now;
        let may_join =
            |known: &&&Known| !known.runs_alone() && known.admission.deadline > now && fits(known);
        let joining = self.queue.iter().filter(may_join).take(room);
        let tasks: Vec<TaskId> = joining.map(|known| known.admission.task).collect();
        match tasks.is_empty() {
            true => Given::Nothing,
            false => Given::Tasks(tasks),
        }
    }

    /// The first of a class; one that is past its deadline is answered so, and the turn is over.
    fn first(&mut self, class: Priority) -> Option<&'a Known> {
        let at = self
            .queue
            .iter()
            .position(|known| known.admission.priority == class)?;
        if self.queue[at].admission.deadline > self.now {
            return Some(self.queue[at]);
        }
        self.late.push(self.queue.remove(at).admission.task);
        None
    }

    /// The task and those that share its batch.
    fn batch(&self, first: &Known) -> Vec<TaskId> {
        let mut batch = vec![first.admission.task];
        if first.runs_alone() {
            return batch;
        }
        let room = self.settings.max_batch as usize - 1;
        let kind = |known: &Known| (known.admission.skill, known.admission.batch_key);
        let fits = |known: &Known| known.sequence != first.sequence && kind(known) == kind(first);
        if let Given::Tasks(others) = self.joining(room, fits) {
            batch.extend(others);
        }
        batch
    }
}

fn has_work(queue: &[&Known], class: Priority) -> bool {
    queue.iter().any(|known| known.admission.priority == class)
}
