//! The settings of the shared environment.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::form::{Bytes, Form, OrNone, Plain, Span};

/// How the environment keeps facts, and how far reactions may go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EnvironmentConfig {
    /// When an acknowledged fact is on the disk rather than with the operating system.
    pub fsync: Fsync,
    /// What is kept when the log is compacted.
    pub retention: Retention,
    /// The namespace (tenant) of work that names none.
    pub namespace: String,
    /// The largest fact, in bytes.
    #[serde(with = "Bytes")]
    pub max_fact_bytes: u64,
    /// The largest blob, in bytes.
    #[serde(with = "Bytes")]
    pub max_blob_bytes: u64,
    /// How long a chain of reactions may be, each set off by the one before.
    pub max_reaction_depth: u32,
    /// Reactions that one episode may fire.
    pub max_reactions_per_episode: u64,
}

/// When the log is flushed to the disk. Every policy survives the end of the process; they differ at a loss of power.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fsync {
    /// Before a fact is acknowledged: nothing acknowledged is lost.
    Always,
    /// At this interval: facts of the last interval may be lost.
    Every(Duration),
    /// When the operating system decides: anything that it had not written may be lost.
    Never,
}

/// Facts beyond these bounds may be removed by a compaction; `None` is no bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retention {
    /// Facts that are kept.
    #[serde(with = "OrNone::<Plain>")]
    pub max_facts: Option<u64>,
    /// How long a fact is kept.
    #[serde(with = "OrNone::<Span>")]
    pub max_age: Option<Duration>,
}

impl Default for EnvironmentConfig {
    fn default() -> Self {
        Self {
            fsync: Fsync::Always,
            retention: Retention::default(),
            namespace: "default".to_owned(),
            max_fact_bytes: 1024 * 1024,
            max_blob_bytes: 4 * 1024 * 1024 * 1024,
            max_reaction_depth: 16,
            max_reactions_per_episode: 10_000,
        }
    }
}
