//! What happened to tasks and workers before the task's own record comes: kept until then, bounded.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use aimass_runtime::{Note, TaskFinished, TaskId, TaskNote, WorkerChange, WorkerChanged, WorkerId};
use opentelemetry::trace::Event;

use super::attributes::{self as names, number};
use super::spans::{event, message};
use crate::content::Content;

/// Tasks with notes that are kept at most; the oldest go first.
const TASKS: usize = 10_000;
/// Notes that are kept of one task.
const NOTES: usize = 64;
/// Changes of workers that are kept of one agent. A flow has many workers, which start together.
const CHANGES: usize = 256;

/// Notes by task, and changes of workers by agent.
pub(super) struct Happenings {
    content: Content,
    tasks: HashMap<TaskId, Vec<Event>>,
    order: VecDeque<TaskId>,
    workers: HashMap<Arc<str>, VecDeque<Change>>,
}

struct Change {
    worker: WorkerId,
    /// Something went wrong, which may have cost tasks of other workers their turn too.
    fault: bool,
    at_ns: u64,
    event: Event,
}

impl Happenings {
    pub(super) fn new(content: Content) -> Self {
        Self {
            content,
            tasks: HashMap::new(),
            order: VecDeque::new(),
            workers: HashMap::new(),
        }
    }

    pub(super) fn note(&mut self, told: &TaskNote) {
        let (name, attributes) = match &told.note {
            Note::Suspected => (names::SUSPECTED, Vec::new()),
            Note::Retrying { attempts } => {
                let attempts = number(names::ATTEMPTS, u64::from(*attempts));
                (names::RETRYING, vec![attempts])
            }
            Note::DeadLettered { cause } => (names::DEAD_LETTERED, message(cause, self.content)),
            // A bar that fills is for whoever watches, not for a trace.
            Note::Progress { .. } => return,
        };
        let notes = self.tasks.entry(told.task).or_insert_with(|| {
            self.order.push_back(told.task);
            Vec::new()
        });
        if notes.len() < NOTES {
            notes.push(event(name, told.at_ns, attributes));
        }
        while self.order.len() > TASKS {
            if let Some(oldest) = self.order.pop_front() {
                self.tasks.remove(&oldest);
            }
        }
    }

    pub(super) fn changed(&mut self, told: &WorkerChanged) {
        let (name, said) = match &told.change {
            WorkerChange::Starting { .. } => (names::STARTING, None),
            WorkerChange::Ready { .. } => (names::READY, None),
            WorkerChange::Panicked { message } => (names::PANICKED, Some(message)),
            WorkerChange::LoadFailed { message } => (names::LOAD_FAILED, Some(message)),
            WorkerChange::Hung => (names::HUNG, None),
            WorkerChange::Abandoned => (names::ABANDONED, None),
            WorkerChange::TakenDown { cause } => (names::TAKEN_DOWN, Some(cause)),
            WorkerChange::FellBack => (names::FELL_BACK, None),
            WorkerChange::Swapped { .. } => (names::SWAPPED, None),
            WorkerChange::Stale | WorkerChange::Stopped => return,
        };
        let mut attributes = vec![
            number(names::WORKER, u64::from(told.worker.0)),
            number(names::EPOCH, told.epoch.0),
        ];
        attributes.extend(
            said.into_iter()
                .flat_map(|said| message(said, self.content)),
        );
        let changes = self.workers.entry(told.agent.clone()).or_default();
        if changes.len() == CHANGES {
            changes.pop_front();
        }
        changes.push_back(Change {
            worker: told.worker,
            fault: !matches!(
                told.change,
                WorkerChange::Starting { .. }
                    | WorkerChange::Ready { .. }
                    | WorkerChange::Swapped { .. }
            ),
            at_ns: told.at_ns,
            event: event(name, told.at_ns, attributes),
        });
    }

    /// What happened to a task that ended, to its worker while it was under way, and, if it ran more than once, what went wrong with others.
    pub(super) fn of(&mut self, task: &TaskFinished) -> Vec<Event> {
        let mut events = self.tasks.remove(&task.task).unwrap_or_default();
        if !events.is_empty() {
            self.order.retain(|known| *known != task.task);
        }
        let meanwhile = task.accepted_ns..=task.settled_ns;
        let workers = self.workers.get(&task.agent);
        let own = task.place.as_ref().map(|place| place.worker);
        let again = task.runs > 1;
        let concerns = |change: &&Change| {
            meanwhile.contains(&change.at_ns)
                && (Some(change.worker) == own || again && change.fault)
        };
        let changes = workers.into_iter().flatten().filter(concerns);
        events.extend(changes.map(|change| change.event.clone()));
        events
    }
}
