//! Episodes: the facts and tasks that belong to one piece of work, from its first input until it is idle.

mod accept;
mod engine;
mod host;
mod idle;
mod inputs;
mod media;
mod report;
mod root;

use std::path::{Path, PathBuf};

pub(crate) use engine::{Reacting, react};
pub(crate) use host::RuleHost;
pub(crate) use idle::{Next, go_on_when_quiet, watch_over_idle};
pub(crate) use inputs::read as read_inputs;
pub use inputs::{InputFailure, InputProblem, file_kinds};
pub use media::{audio_type, content_type};
pub(crate) use report::report_at;
pub use report::{EpisodeReport, TaskFailure};
pub(crate) use root::Root;

use aimass_environment::{EpisodeId, FactDraft, Namespace};

use crate::task::TraceContext;

/// A piece of work that is about to begin.
#[derive(Debug, Clone)]
pub struct Episode {
    pub(crate) id: EpisodeId,
    pub(crate) namespace: Option<Namespace>,
    pub(crate) paths: Vec<PathBuf>,
    pub(crate) facts: Vec<FactDraft>,
    pub(crate) trace: Option<TraceContext>,
}

/// An episode whose input is in the environment; the team is at work on it.
#[derive(Debug, Clone)]
pub struct RunningEpisode {
    /// Its id, by which it is found again after a restart.
    pub id: EpisodeId,
    /// The inputs that could not be used, and why. The others are worked on.
    pub refused: Vec<InputFailure>,
}

impl Episode {
    /// An episode without input so far.
    pub fn new() -> Self {
        Self {
            id: EpisodeId::random(),
            namespace: None,
            paths: Vec::new(),
            facts: Vec::new(),
            trace: None,
        }
    }

    /// An episode over files; a folder stands for the files below it.
    pub fn from_files<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>) -> Self {
        let paths = paths
            .into_iter()
            .map(|path| path.as_ref().to_owned())
            .collect();
        Self {
            paths,
            ..Self::new()
        }
    }

    /// Adds a fact of any kind as input.
    #[must_use]
    pub fn fact(mut self, fact: FactDraft) -> Self {
        self.facts.push(fact);
        self
    }

    /// Sets the tenant; without it, it is that of the configuration's `environment.namespace`.
    #[must_use]
    pub fn namespace(mut self, namespace: Namespace) -> Self {
        self.namespace = Some(namespace);
        self
    }

    /// The caller's span, which becomes the parent of the episode's.
    #[must_use]
    pub fn trace(mut self, trace: TraceContext) -> Self {
        self.trace = Some(trace);
        self
    }

    /// Sets the id: beginning the same episode twice is beginning it once.
    #[must_use]
    pub fn id(mut self, id: EpisodeId) -> Self {
        self.id = id;
        self
    }
}

impl Default for Episode {
    fn default() -> Self {
        Self::new()
    }
}
