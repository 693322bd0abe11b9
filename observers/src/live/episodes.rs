//! The last episodes, and the last calls outside of one, with their tasks as spans: what a waterfall is drawn from.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::sync::Arc;

use aimass_locale::harmless::brief;
use aimass_runtime::{
    EpisodeFinished, EpisodeId, SpanId, TaskFinished, TaskId, TaskOutcome, TraceId, WorkerId,
};
use serde::{Deserialize, Serialize};

/// Episodes that are kept, and calls.
pub(super) const KEPT: usize = 16;
/// Spans of one of them that are kept.
pub(super) const MAX_SPANS: usize = 64;
/// Characters of an error's message that are kept.
const MAX_MESSAGE: usize = 200;

/// An episode, or a call outside of one together with whatever it asked in turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// The episode; none of a call.
    pub episode: Option<EpisodeId>,
    /// Its trace, as a collector of traces knows it.
    pub trace: TraceId,
    /// When it began, in nanoseconds since the Unix epoch, as far as it is known.
    pub begun_ns: u64,
    /// When the last that is known of it ended, in nanoseconds since the Unix epoch.
    pub last_ns: u64,
    /// How the episode ended; none while it goes on, when nobody waited for its end, and of a call.
    pub end: Option<EpisodeEnd>,
    /// Its tasks that ended.
    pub tasks: u64,
    /// Those of them that failed.
    pub errors: u64,
    /// Its tasks that ended, by their beginning: the first 64, and failed ones rather than others.
    pub spans: Vec<TaskSpan>,
}

/// How an episode ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EpisodeEnd {
    /// Its facts.
    pub facts: u64,
    /// Its tasks that failed.
    pub failures: u64,
}

/// One task. Times are in nanoseconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskSpan {
    /// The task.
    pub task: TaskId,
    /// Its span.
    pub span: SpanId,
    /// The span that asked for it.
    pub parent: Option<SpanId>,
    /// Who did it.
    pub agent: Arc<str>,
    /// What was asked.
    pub skill: Arc<str>,
    /// When it was accepted, or refused.
    pub accepted_ns: u64,
    /// When its last run began; none when it never ran.
    pub started_ns: Option<u64>,
    /// When its caller was answered.
    pub settled_ns: u64,
    /// How often it ran.
    pub runs: u32,
    /// Which worker ran it last.
    pub worker: Option<WorkerId>,
    /// What went wrong, if it failed.
    pub error: Option<SpanError>,
}

/// Why a task failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpanError {
    /// The kind, as in the error's JSON form.
    pub kind: String,
    /// Its message in one line, cut to a bounded length.
    pub message: String,
}

/// The last episodes and calls. Those that nothing was heard of for the longest time go first.
#[derive(Debug, Default)]
pub(super) struct Works {
    episodes: VecDeque<Work>,
    // Apart, so that a stream of calls cannot push the episodes out.
    calls: VecDeque<Work>,
}

impl Works {
    pub(super) fn on_task(&mut self, task: &TaskFinished) {
        let work = self.touch(task.episode, task.trace, task.accepted_ns, task.settled_ns);
        let span = TaskSpan::from(task);
        work.tasks += 1;
        work.errors += u64::from(span.error.is_some());
        if work.spans.len() < MAX_SPANS {
            work.spans.push(span);
        } else if span.error.is_some()
            && let Some(other) = work.spans.iter_mut().rfind(|known| known.error.is_none())
        {
            *other = span;
        }
    }

    pub(super) fn on_episode(&mut self, finished: &EpisodeFinished) {
        let work = self.touch(
            Some(finished.episode),
            finished.trace,
            finished.begun_ns,
            finished.finished_ns,
        );
        work.end = Some(EpisodeEnd {
            facts: finished.facts,
            failures: finished.failures,
        });
    }

    /// The episodes, those that began last first.
    pub(super) fn episodes(&self) -> Vec<Work> {
        in_order(&self.episodes)
    }

    /// The calls, those that began last first.
    pub(super) fn calls(&self) -> Vec<Work> {
        in_order(&self.calls)
    }

    fn touch(
        &mut self,
        episode: Option<EpisodeId>,
        trace: TraceId,
        from_ns: u64,
        to_ns: u64,
    ) -> &mut Work {
        let kept = match episode {
            Some(_) => &mut self.episodes,
            None => &mut self.calls,
        };
        let same = |work: &Work| match episode {
            Some(_) => work.episode == episode,
            None => work.trace == trace,
        };
        let known = kept.iter().rposition(same);
        let mut work = known.and_then(|known| kept.remove(known)).unwrap_or(Work {
            episode,
            trace,
            begun_ns: from_ns,
            last_ns: to_ns,
            end: None,
            tasks: 0,
            errors: 0,
            spans: Vec::new(),
        });
        work.begun_ns = work.begun_ns.min(from_ns);
        work.last_ns = work.last_ns.max(to_ns);
        if kept.len() >= KEPT {
            kept.pop_front();
        }
        kept.push_back_mut(work)
    }
}

fn in_order(works: &VecDeque<Work>) -> Vec<Work> {
    let mut works: Vec<Work> = works.iter().cloned().collect();
    works.sort_by_key(|work| (Reverse(work.begun_ns), work.trace));
    for work in &mut works {
        let begins = |span: &TaskSpan| (span.accepted_ns, Reverse(span.settled_ns), span.task);
        work.spans.sort_by_key(begins);
    }
    works
}

impl From<&TaskFinished> for TaskSpan {
    fn from(task: &TaskFinished) -> Self {
        let error = match &task.outcome {
            TaskOutcome::Done => None,
            TaskOutcome::Error { error, message } => Some(SpanError {
                kind: error.clone(),
                message: brief(message, MAX_MESSAGE),
            }),
        };
        Self {
            task: task.task,
            span: task.span,
            parent: task.parent,
            agent: task.agent.clone(),
            skill: task.skill.clone(),
            accepted_ns: task.accepted_ns,
            started_ns: task.started_ns,
            settled_ns: task.settled_ns,
            runs: task.runs,
            worker: task.place.as_ref().map(|place| place.worker),
            error,
        }
    }
}
