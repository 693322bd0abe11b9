//! The last happenings: what somebody who watches a team should not miss.

use std::collections::VecDeque;
use std::sync::Arc;

use aimass_locale::harmless::brief;
use aimass_runtime::{
    AgentChanged, Epoch, Note, ServiceChange, ServiceChanged, TaskNote, WorkerChange, WorkerChanged,
};
use serde::{Deserialize, Serialize};

/// How many are kept.
pub(super) const KEPT: usize = 32;
/// Characters of a text that are kept.
const MAX_TEXT: usize = 200;

/// Something that happened to an agent, once or several times alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Happening {
    /// When it happened last, in nanoseconds since the Unix epoch.
    pub at_ns: u64,
    /// To whom: an agent, or a part of the runtime.
    pub agent: Arc<str>,
    /// What.
    pub kind: HappeningKind,
    /// More about it, in one line.
    pub text: String,
    /// How often.
    pub times: u64,
}

/// What can happen to an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HappeningKind {
    /// A skill panicked on a worker.
    Panicked,
    /// A model could not be read or built.
    LoadFailed,
    /// A step took too long.
    Hung,
    /// A worker's thread never ended, and was given up.
    Abandoned,
    /// Another agent's restart took a worker along.
    TakenDown,
    /// A worker went to its fallback placement.
    FellBack,
    /// A worker starts anew.
    Restarted,
    /// A worker came for a new version of its model.
    Swapped,
    /// A task will run again.
    Retried,
    /// A task was given up and kept.
    DeadLettered,
    /// The agent was given up.
    Failed,
    /// The agent came back.
    Recovered,
}

/// The last happenings. Like ones are one, with their number: a worker that panics over and over leaves the others in sight.
#[derive(Debug, Default)]
pub(super) struct Happenings {
    kept: VecDeque<Happening>,
}

impl Happenings {
    /// The newest first.
    pub(super) fn all(&self) -> Vec<Happening> {
        let mut all: Vec<Happening> = self.kept.iter().cloned().collect();
        all.sort_by(|one, other| {
            let by_time = other.at_ns.cmp(&one.at_ns);
            by_time.then_with(|| {
                (&one.agent, one.kind, &one.text).cmp(&(&other.agent, other.kind, &other.text))
            })
        });
        all
    }

    pub(super) fn on_worker(&mut self, changed: &WorkerChanged) {
        use HappeningKind as Kind;
        let worker = changed.worker.0;
        let (kind, text) = match &changed.change {
            WorkerChange::Panicked { message } => {
                (Kind::Panicked, format!("worker {worker}: {message}"))
            }
            WorkerChange::LoadFailed { message } => {
                (Kind::LoadFailed, format!("worker {worker}: {message}"))
            }
            WorkerChange::TakenDown { cause } => {
                (Kind::TakenDown, format!("worker {worker}: {cause}"))
            }
            WorkerChange::Swapped { model } => (Kind::Swapped, format!("worker {worker}: {model}")),
            WorkerChange::Hung => (Kind::Hung, format!("worker {worker}")),
            WorkerChange::Abandoned => (Kind::Abandoned, format!("worker {worker}")),
            WorkerChange::FellBack => (Kind::FellBack, format!("worker {worker}")),
            // The first start is none of these.
            WorkerChange::Starting { .. } if changed.epoch > Epoch(0) => {
                (Kind::Restarted, format!("worker {worker}"))
            }
            _ => return,
        };
        self.add(changed.at_ns, &changed.agent, kind, &text);
    }

    pub(super) fn on_note(&mut self, note: &TaskNote) {
        let (kind, text) = match &note.note {
            Note::Retrying { attempts } => {
                (HappeningKind::Retried, format!("after attempt {attempts}"))
            }
            Note::DeadLettered { cause } => (HappeningKind::DeadLettered, cause.clone()),
            _ => return,
        };
        self.add(note.at_ns, &note.agent, kind, &text);
    }

    pub(super) fn on_agent(&mut self, changed: &AgentChanged) {
        let (kind, text) = match &changed.failed {
            Some(reason) => (HappeningKind::Failed, reason.as_str()),
            None => (HappeningKind::Recovered, ""),
        };
        self.add(changed.at_ns, &changed.agent, kind, text);
    }

    /// A part of the runtime stands where an agent does.
    pub(super) fn on_service(&mut self, changed: &ServiceChanged) {
        let (kind, text) = match &changed.change {
            ServiceChange::Restarting { cause, .. } => (HappeningKind::Restarted, cause),
            ServiceChange::GivenUp { cause } => (HappeningKind::Failed, cause),
        };
        self.add(changed.at_ns, &changed.service, kind, text);
    }

    fn add(&mut self, at_ns: u64, agent: &Arc<str>, kind: HappeningKind, text: &str) {
        let text = brief(text, MAX_TEXT);
        let like =
            |known: &Happening| known.kind == kind && known.agent == *agent && known.text == text;
        let known = self.kept.iter().position(like);
        let before = known.and_then(|known| self.kept.remove(known));
        if self.kept.len() >= KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(Happening {
            at_ns: before
                .as_ref()
                .map_or(at_ns, |before| before.at_ns.max(at_ns)),
            agent: agent.clone(),
            kind,
            text,
            times: before.map_or(0, |before| before.times) + 1,
        });
    }
}

impl HappeningKind {
    /// The kind in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Panicked => "panicked",
            Self::LoadFailed => "load failed",
            Self::Hung => "hung",
            Self::Abandoned => "abandoned",
            Self::TakenDown => "taken down",
            Self::FellBack => "fell back",
            Self::Restarted => "restarted",
            Self::Swapped => "swapped",
            Self::Retried => "retried",
            Self::DeadLettered => "dead-lettered",
            Self::Failed => "given up",
            Self::Recovered => "recovered",
        }
    }
}
