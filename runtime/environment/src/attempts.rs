//! Attempts at tasks, as far as they are written down: so that the next process can say which ones ended with this one.

use serde::{Deserialize, Serialize};

use crate::ids::{SpanId, TaskId};
use crate::records::TaskRecord;

/// An attempt that begins. Of a task alone, one whose span nobody wants to find again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BeginningAttempt {
    /// The task.
    pub task: TaskId,
    /// The attempt's span.
    pub span: Option<SpanId>,
}

impl From<TaskId> for BeginningAttempt {
    fn from(task: TaskId) -> Self {
        Self { task, span: None }
    }
}

/// An attempt that has begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptRecord {
    /// Its span.
    pub span: SpanId,
    /// When its first run began, in milliseconds since the Unix epoch.
    pub began_ms: u64,
}

/// What a process finds that takes an environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Life {
    /// Whether the process before it died with the environment in its hands.
    pub died: bool,
    /// The attempts that ended with that process: no more than it had workers and flows.
    pub interrupted: Vec<InterruptedAttempt>,
}

/// An attempt that ended with its process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InterruptedAttempt {
    /// Whose attempt it was.
    pub task: TaskId,
    /// What was written down of it.
    pub attempt: AttemptRecord,
    /// The span of the attempt before it.
    pub earlier: Option<SpanId>,
}

impl TaskRecord {
    /// The task is given to a worker. Runs of one process share a span, and are one attempt to an observer.
    pub(crate) fn begin(&mut self, begins: BeginningAttempt, now_ms: u64) {
        let begun = self.attempt.map(|attempt| attempt.span);
        if let Some(span) = begins.span.filter(|span| begun != Some(*span)) {
            self.attempt = Some(AttemptRecord {
                span,
                began_ms: now_ms,
            });
        }
    }

    /// Its process has ended. Gives the attempt that was under way.
    pub(crate) fn end_attempt(&mut self) -> Option<InterruptedAttempt> {
        let attempt = self.attempt.take()?;
        let earlier = self.earlier.replace(attempt.span);
        Some(InterruptedAttempt {
            task: self.id,
            attempt,
            earlier,
        })
    }
}
