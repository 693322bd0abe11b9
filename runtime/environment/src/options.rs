//! What an environment is told when it is opened.

use aimass_config::{EnvironmentConfig, Fsync, Retention};

/// How an environment keeps its promises, and its bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvironmentOptions {
    /// When the journal is forced to the disk. Under each policy an acknowledged fact survives the process.
    pub fsync: Fsync,
    /// How much history stays. The latest fact of each key stays in any case.
    pub retention: Retention,
    /// The largest fact, in bytes of its JSON form.
    pub max_fact_bytes: u64,
    /// The largest blob, in bytes.
    pub max_blob_bytes: u64,
    /// How many transactions may wait for the writer; further ones wait for their turn to wait.
    pub max_queued_transactions: usize,
    /// How many bytes the waiting transactions may hold together; a single one may not be larger.
    pub max_queued_bytes: u64,
    /// How many bytes of the store may be cached in memory.
    pub cache_bytes: usize,
}

impl From<&EnvironmentConfig> for EnvironmentOptions {
    fn from(config: &EnvironmentConfig) -> Self {
        Self {
            fsync: config.fsync,
            retention: config.retention,
            max_fact_bytes: config.max_fact_bytes,
            max_blob_bytes: config.max_blob_bytes,
            max_queued_transactions: 1024,
            max_queued_bytes: (64 << 20).max(2 * config.max_fact_bytes),
            cache_bytes: 64 << 20,
        }
    }
}

impl Default for EnvironmentOptions {
    fn default() -> Self {
        Self::from(&EnvironmentConfig::default())
    }
}
