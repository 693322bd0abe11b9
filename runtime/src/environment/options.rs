//! What an environment is told when it is opened.

use std::time::Duration;

/// How an environment keeps its promises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvironmentOptions {
    /// When the journal is forced to the disk.
    pub fsync: Fsync,
    /// How much history stays.
    pub retention: Retention,
    /// The largest fact, in bytes of its JSON form.
    pub max_fact_bytes: u64,
    /// The largest blob, in bytes.
    pub max_blob_bytes: u64,
    /// How many transactions may wait for the writer; further ones wait for their turn to wait.
    pub max_queued_transactions: usize,
    /// How many bytes the waiting transactions may hold together.
    pub max_queued_bytes: u64,
    /// How many bytes of the store may be cached in memory.
    pub cache_bytes: usize,
}

impl Default for EnvironmentOptions {
    fn default() -> Self {
        Self {
            fsync: Fsync::Always,
            retention: Retention::default(),
            max_fact_bytes: 1 << 20,
            max_blob_bytes: 4 << 30,
            max_queued_transactions: 1024,
            max_queued_bytes: 64 << 20,
            cache_bytes: 64 << 20,
        }
    }
}

/// When the journal is forced to the disk. Under each policy an acknowledged fact survives the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fsync {
    /// Before a commit is acknowledged, once for all commits that wait together: power loss costs nothing acknowledged.
    Always,
    /// At this interval: power loss may cost what was acknowledged within the last one.
    Every(Duration),
    /// When the operating system likes: power loss may cost what was acknowledged since the last checkpoint.
    Never,
}

/// How much history stays. The latest fact of each key stays in any case.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Retention {
    /// How many facts, and how many settled tasks, stay; all when none.
    pub max_facts: Option<u64>,
    /// How old a fact or a settled task may become; any age when none.
    pub max_age: Option<Duration>,
}
