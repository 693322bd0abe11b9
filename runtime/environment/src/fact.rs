//! Facts: the immutable, typed entries of the environment, and where each came from.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::fact_kind::FactKind;
use crate::ids::{EpisodeId, Namespace, Revision, SpanId, TaskId, TraceId};
use crate::model_version::ModelVersion;

/// One immutable entry of the environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fact {
    /// Its place in the total order.
    pub revision: Revision,
    /// The tenant it belongs to.
    pub namespace: Namespace,
    /// What it says, and in which version of that form.
    pub kind: FactKind,
    /// A name under which the latest fact can be found and compared; none for a plain entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The content. Large content lives in blobs, which `blobs` names.
    pub value: Value,
    /// The blobs that the content refers to; they live as long as the fact.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blobs: Vec<BlobHash>,
    /// The fact whose place it takes; that one stays in the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supersedes: Option<Revision>,
    /// The episode it belongs to, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub episode: Option<EpisodeId>,
    /// Who said it, and why.
    pub provenance: Provenance,
    /// When it was appended, in milliseconds since the Unix epoch.
    pub at_ms: u64,
}

/// A fact before the environment gave it its revision and time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FactDraft {
    /// What it says, and in which version of that form.
    pub kind: FactKind,
    /// A name under which the latest fact can be found and compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The content.
    pub value: Value,
    /// The blobs that the content refers to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blobs: Vec<BlobHash>,
    /// The fact whose place it takes: one of the same tenant and kind, in whose place there is no other yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supersedes: Option<Revision>,
}

impl FactDraft {
    /// A draft without key and blobs.
    pub fn new(kind: FactKind, value: Value) -> Self {
        Self {
            kind,
            key: None,
            value,
            blobs: Vec::new(),
            supersedes: None,
        }
    }

    /// Takes the place of an earlier fact: readers see this one, unless they ask for both.
    #[must_use]
    pub fn superseding(mut self, revision: Revision) -> Self {
        self.supersedes = Some(revision);
        self
    }
}

/// Who said a fact, and in the course of which work.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// The agent; none when the user said it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<Arc<str>>,
    /// The task that produced it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskId>,
    /// The fact whose reaction was that task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Revision>,
    /// The trace that the task was part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceId>,
    /// The span that produced the fact: the parent of what reacts to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<SpanId>,
    /// The versions of the models that its task used, whatever it asked others for included; in order, each once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<ModelVersion>,
}

/// The blake3 hash by which a blob is known.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, JsonSchema)]
pub struct BlobHash(#[schemars(with = "String")] pub [u8; 32]);

impl fmt::Display for BlobHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for BlobHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl FromStr for BlobHash {
    type Err = crate::ids::ParseIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || crate::ids::ParseIdError {
            digits: 64,
            found: text.chars().take(80).collect(),
        };
        if text.len() != 64 || !text.is_ascii() {
            return Err(refused());
        }
        let mut hash = [0; 32];
        for (byte, digits) in hash.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let digits = std::str::from_utf8(digits).map_err(|_| refused())?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| refused())?;
        }
        Ok(Self(hash))
    }
}

impl Serialize for BlobHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for BlobHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_reads_back_what_it_wrote() {
        let kind: FactKind = "text.embedding@2".parse().unwrap();
        assert_eq!((kind.name(), kind.version()), ("text.embedding", 2));
        assert_eq!(kind.to_string(), "text.embedding@2");
    }

    #[test]
    fn a_malformed_kind_is_refused() {
        for text in [
            "", "text", "text@", "text@0", "@1", "Text@1", "te xt@1", "text@-1",
        ] {
            assert!(text.parse::<FactKind>().is_err(), "{text:?} passed");
        }
    }
}
