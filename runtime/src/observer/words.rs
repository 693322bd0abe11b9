//! What records say in words that may quote what a task was given.

use std::borrow::Cow;

use super::{Note, Record, ServiceChange, TaskOutcome, WorkerChange};

impl Record {
    /// Returns the record without the words of errors, panics and causes, which may quote what a task was given.
    ///
    /// What happened, to whom and when stays; the words are empty. For observers that take records out of the process while
    /// `observers.content` is false.
    pub fn without_words(&self) -> Cow<'_, Self> {
        if matches!(self, Self::Task(task) if task.outcome == TaskOutcome::Done) {
            return Cow::Borrowed(self);
        }
        let mut record = self.clone();
        match record.words() {
            None => Cow::Borrowed(self),
            Some(words) => {
                words.clear();
                Cow::Owned(record)
            }
        }
    }

    /// The words. Nothing is left to a wildcard: whoever adds a record decides whether it can quote.
    fn words(&mut self) -> Option<&mut String> {
        match self {
            Self::Task(task) => match &mut task.outcome {
                TaskOutcome::Done => None,
                TaskOutcome::Error { error: _, message } => Some(message),
            },
            Self::Worker(worker) => match &mut worker.change {
                WorkerChange::Panicked { message } | WorkerChange::LoadFailed { message } => {
                    Some(message)
                }
                WorkerChange::TakenDown { cause } => Some(cause),
                WorkerChange::Starting { .. }
                | WorkerChange::Ready { .. }
                | WorkerChange::Hung
                | WorkerChange::Abandoned
                | WorkerChange::Stale
                | WorkerChange::FellBack
                | WorkerChange::Swapped { .. }
                | WorkerChange::Stopped => None,
            },
            Self::Note(note) => match &mut note.note {
                Note::DeadLettered { cause } => Some(cause),
                Note::Suspected | Note::Retrying { .. } | Note::Progress { .. } => None,
            },
            Self::Agent(agent) => agent.failed.as_mut(),
            Self::Service(service) => match &mut service.change {
                ServiceChange::Restarting { cause, .. } | ServiceChange::GivenUp { cause } => {
                    Some(cause)
                }
            },
            Self::Episode(_) | Self::Interrupted(_) => None,
        }
    }
}
