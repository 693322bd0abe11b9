//! What can go wrong with an environment.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;

use crate::fact::BlobHash;
use crate::fact_kind::FactKind;
use crate::ids::{EpisodeId, Revision, TaskId, UploadId};

/// Why the environment did not do what it was asked. Whatever failed left nothing behind.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum EnvironmentError {
    /// Another process owns the folder.
    #[error(
        "expected a store that nobody else uses, but `{dir}` is in use by {}; stop that process or choose another folder",
        owner(.pid)
    )]
    InUse {
        /// The store's folder.
        dir: PathBuf,
        /// The process that owns it, when it could be read.
        pid: Option<u32>,
    },
    /// The operating system refused a file operation.
    #[error(
        "cannot {operation} `{path}`: {source}; check that the folder exists and may be written"
    )]
    Files {
        /// What was tried.
        operation: &'static str,
        /// On what.
        path: PathBuf,
        /// What the operating system said.
        source: Arc<io::Error>,
    },
    /// The store's files do not hold what was written into them.
    #[error(
        "the store is damaged ({found}); restore `{dir}` from a copy, or move it away to begin with an empty one"
    )]
    Corrupt {
        /// The store's folder.
        dir: PathBuf,
        /// What gave it away.
        found: String,
    },
    /// The disk has no room. Reading goes on, and writing does once there is room again.
    #[error(
        "the disk is full: {needed} bytes are needed, {free} are free; make room and try again"
    )]
    DiskFull {
        /// What the transaction and its bookkeeping need.
        needed: u64,
        /// What there is.
        free: u64,
    },
    /// The store's engine failed.
    #[error("the store failed to {operation}: {message}")]
    Store {
        /// What was tried.
        operation: &'static str,
        /// What the engine said.
        message: String,
    },
    /// A condition of the transaction does not hold.
    #[error(
        "expected the latest fact of `{key}` at revision {}, found it at {}; read it again and retry",
        revision(.expected),
        revision(.found)
    )]
    Conflict {
        /// The key that was compared.
        key: String,
        /// What the transaction expected.
        expected: Option<Revision>,
        /// What there is.
        found: Option<Revision>,
    },
    /// The task was settled before; a second settlement and its facts are refused.
    #[error("task {task} is settled already")]
    AlreadySettled {
        /// The task.
        task: TaskId,
    },
    /// The environment holds no such task.
    #[error("expected an accepted task, but {task} is not known here")]
    UnknownTask {
        /// The task.
        task: TaskId,
    },
    /// The environment holds no such episode.
    #[error("expected an episode that was begun, but {episode} is not known here")]
    UnknownEpisode {
        /// The episode.
        episode: EpisodeId,
    },
    /// The environment holds no such dead letter.
    #[error("expected a dead letter, but there is none of task {task}")]
    UnknownDeadLetter {
        /// The task.
        task: TaskId,
    },
    /// The environment holds no such blob.
    #[error("expected a blob that was put before, but {hash} is not here; put its content")]
    UnknownBlob {
        /// The blob.
        hash: BlobHash,
    },
    /// A part of a blob does not begin where the parts before it end.
    #[error(
        "expected the part of upload {upload} that begins at byte {expected}, got the one at byte {found}; send its parts in their order, or begin another upload"
    )]
    PartOutOfOrder {
        /// The upload.
        upload: UploadId,
        /// How many bytes of it have come; 0 also when it is not open.
        expected: u64,
        /// Where the part begins.
        found: u64,
    },
    /// As many uploads are open as there may be, and all of them are under way.
    #[error(
        "expected at most {limit} uploads at the same time, and so many are under way; end one of them, or try again in a minute"
    )]
    TooManyUploads {
        /// How many may be open.
        limit: usize,
    },
    /// There is no fact whose place the new one could take.
    #[error(
        "expected a fact of kind `{kind}` and of the same tenant at revision {revision} to supersede, but there is none"
    )]
    NothingToSupersede {
        /// Where it should be.
        revision: Revision,
        /// The kind of the new fact.
        kind: FactKind,
    },
    /// Another fact has its place already.
    #[error("the fact at revision {revision} is superseded by {by} already; supersede that one")]
    Superseded {
        /// The fact.
        revision: Revision,
        /// The one in its place.
        by: Revision,
    },
    /// The file of a blob does not hold what was put.
    #[error(
        "expected the blob {hash} as it was put, but its file holds something else; put its content again, or restore the store from a copy"
    )]
    DamagedBlob {
        /// The blob.
        hash: BlobHash,
    },
    /// Something is larger than it may be.
    #[error("expected a {what} of at most {limit} bytes, got {found}")]
    TooLarge {
        /// What it is.
        what: &'static str,
        /// The limit in bytes.
        limit: u64,
        /// What came, or how much of it had come when it was refused.
        found: u64,
    },
    /// A name cannot be stored.
    #[error("expected a {what} of 1 to {limit} bytes without a NUL, got {found:?}")]
    BadName {
        /// What it names.
        what: &'static str,
        /// The longest name in bytes.
        limit: usize,
        /// What came, cut to a bounded length.
        found: String,
    },
    /// What was asked for is past retention.
    #[error("the log begins at revision {oldest}; what came before was compacted")]
    Compacted {
        /// The first revision from which the log is complete.
        oldest: Revision,
    },
    /// A line of an import could not be understood. Nothing was imported.
    #[error("line {line} of the import: {message}")]
    Import {
        /// The line, from 1.
        line: u64,
        /// What was expected and what came.
        message: String,
    },
    /// The environment was closed.
    #[error("the environment is closed")]
    Closed,
}

impl EnvironmentError {
    pub(crate) fn files(operation: &'static str, path: &Path, source: io::Error) -> Self {
        if source.kind() == io::ErrorKind::StorageFull {
            return Self::DiskFull { needed: 1, free: 0 };
        }
        Self::Files {
            operation,
            path: path.to_owned(),
            source: Arc::new(source),
        }
    }

    pub(crate) fn store(operation: &'static str, error: impl Into<redb::Error>) -> Self {
        match error.into() {
            redb::Error::Io(source) if source.kind() == io::ErrorKind::StorageFull => {
                Self::DiskFull { needed: 1, free: 0 }
            }
            redb::Error::DatabaseClosed => Self::Closed,
            redb::Error::Corrupted(found) => Self::Corrupt {
                dir: PathBuf::new(),
                found,
            },
            error => Self::Store {
                operation,
                message: error.to_string(),
            },
        }
    }

    /// Whether the error is the transaction's own, so that the others of its group go on.
    pub fn is_refusal(&self) -> bool {
        !matches!(
            self,
            Self::Store { .. }
                | Self::Corrupt { .. }
                | Self::DiskFull { .. }
                | Self::Files { .. }
                | Self::Closed
        )
    }

    /// Names the folder in an error that arose where the folder is not known.
    pub(crate) fn in_dir(self, place: &Path) -> Self {
        match self {
            Self::Corrupt { dir, found } if dir.as_os_str().is_empty() => Self::Corrupt {
                dir: place.to_owned(),
                found,
            },
            other => other,
        }
    }
}

fn revision(revision: &Option<Revision>) -> String {
    revision.map_or_else(|| "none".to_owned(), |revision| revision.to_string())
}

fn owner(pid: &Option<u32>) -> String {
    pid.map_or_else(
        || "another process".to_owned(),
        |pid| format!("process {pid}"),
    )
}
