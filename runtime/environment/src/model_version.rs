//! Versions of models, as facts name them.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The version of a model: caches, embeddings and indexes are valid for one only.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ModelVersion(Arc<str>);

impl ModelVersion {
    /// The version of that name.
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// Its name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ModelVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}
