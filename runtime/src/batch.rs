//! What tells tasks apart that share a batch, and who may share one.

use serde::{Deserialize, Serialize};

/// A task's place in its job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BatchIndex(pub u32);

/// The bucket of an input's size: a batch never mixes two.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct BatchKey(pub u64);
