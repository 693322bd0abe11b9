//! Episodes: the facts and tasks that belong to one piece of work, from its first input to quiescence.

mod accept;
mod engine;
mod inputs;
mod media;
mod quiet;
mod report;
mod root;

use std::path::{Path, PathBuf};

pub(crate) use engine::{Reacting, react};
pub use inputs::{InputFailure, InputProblem, file_kinds};
pub use media::{audio_type, content_type};
pub(crate) use quiet::watch_over_quiet;
pub use report::{EpisodeReport, TaskFailure};

use aimass_environment::{EpisodeId, EpisodeRecord, FactDraft, FactKind, Namespace, Transaction};

use crate::error::TaskError;
use crate::runtime::{Runtime, environment_error};
use crate::task::TraceContext;
use root::Root;

/// A piece of work that is about to begin.
#[derive(Debug, Clone)]
pub struct Episode {
    id: EpisodeId,
    namespace: Option<Namespace>,
    paths: Vec<PathBuf>,
    facts: Vec<FactDraft>,
    trace: Option<TraceContext>,
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

impl Runtime {
    /// Puts an episode's input into the environment and lets the team work on it until nothing is under way.
    ///
    /// It is durable: when the process dies, the next one finishes the work, and [`Self::report`] waits for it.
    ///
    /// # Errors
    /// [`TaskError::Environment`] when the store does not take the input.
    pub async fn run(&self, episode: Episode) -> Result<EpisodeReport, TaskError> {
        let running = self.begin_episode(episode).await?;
        let mut report = self.report(running.id).await?;
        report.refused = running.refused;
        Ok(report)
    }

    /// As [`Self::run`], without waiting for the end.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub async fn begin_episode(&self, episode: Episode) -> Result<RunningEpisode, TaskError> {
        let Episode {
            id,
            namespace,
            paths,
            mut facts,
            trace,
        } = episode;
        let namespace = self.inner.tenant(namespace);
        let parent = trace.or_else(|| self.inner.current_span());
        let clock = &self.inner.clock;
        let begun_ns = clock.unix_nanos(clock.now());
        // Folders are walked and files looked at where blocking harms nobody.
        let read = tokio::task::spawn_blocking(move || inputs::read(&paths)).await;
        let inputs = read.map_err(|error| TaskError::Bug {
            skill: "run".to_owned(),
            message: error.to_string(),
        })?;
        facts.extend(inputs.facts);
        let root = Root::new(parent, facts.len(), begun_ns);
        let transaction = Transaction {
            namespace: namespace.clone(),
            episode: Some(id),
            begins: vec![EpisodeRecord {
                namespace,
                about: root.about(),
                ..EpisodeRecord::new(id)
            }],
            facts: facts
                .into_iter()
                .map(|fact| (fact, root.provenance()))
                .collect(),
            ..Transaction::default()
        };
        let known = self
            .inner
            .environment
            .snapshot()
            .and_then(|snapshot| snapshot.episode(id));
        if known
            .map_err(|error| environment_error("run", &error))?
            .is_none()
        {
            let committed = self.inner.environment.commit(transaction).await;
            committed.map_err(|error| environment_error("run", &error))?;
        }
        Ok(RunningEpisode {
            id,
            refused: inputs.failures,
        })
    }
}

/// What files can be: the second part of the kinds of facts about them.
pub(crate) const MEDIA: [&str; 6] = ["audio", "image", "table", "text", "unknown", "video"];

/// The kind of a fact about a file.
pub(crate) fn file_kind(media: &str) -> Option<FactKind> {
    FactKind::new(&format!("file.{media}"), 1).ok()
}
