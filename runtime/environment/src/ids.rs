//! Identifiers: what the runtime calls its tasks, episodes, traces, workers and revisions.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use rand::RngExt;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// One task. Chosen at random for an `ask`; derived from its cause for a reaction, so that a replay makes the same one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskId(u128);

/// One episode: a piece of work from its first input until it is idle.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EpisodeId(u128);

/// A W3C trace id: all spans of one interaction share it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TraceId(u128);

/// A W3C span id.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SpanId(u64);

/// One upload of a blob in parts. Chosen at random by whoever sends it, so that nobody else adds to it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UploadId(u128);

/// The text did not spell an identifier.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("expected an identifier of {digits} hexadecimal digits, got `{found}`")]
pub struct ParseIdError {
    /// How many digits the identifier has.
    pub digits: usize,
    /// What was found, cut to a bounded length.
    pub found: String,
}

impl TaskId {
    /// A fresh, random id.
    pub fn random() -> Self {
        Self(random_nonzero())
    }

    /// The id that `cause` always leads to, so that the same cause is the same task after a restart.
    pub fn derived(cause: &[&[u8]]) -> Self {
        Self(hash_of(cause))
    }

    /// The id as a number, for storage keys.
    pub fn to_u128(self) -> u128 {
        self.0
    }

    /// The id that [`Self::to_u128`] gave.
    pub fn from_u128(number: u128) -> Self {
        Self(number)
    }
}

impl EpisodeId {
    /// A fresh, random id.
    pub fn random() -> Self {
        Self(random_nonzero())
    }

    /// The id that `cause` always leads to.
    pub fn derived(cause: &[&[u8]]) -> Self {
        Self(hash_of(cause))
    }

    /// The id as a number, for storage keys.
    pub fn to_u128(self) -> u128 {
        self.0
    }

    /// The id that [`Self::to_u128`] gave.
    pub fn from_u128(number: u128) -> Self {
        Self(number)
    }
}

impl UploadId {
    /// A fresh, random id.
    pub fn random() -> Self {
        Self(random_nonzero())
    }
}

impl TraceId {
    /// A fresh, random id; never zero, which W3C calls invalid.
    pub fn random() -> Self {
        Self(random_nonzero())
    }

    /// The id as a number.
    pub fn to_u128(self) -> u128 {
        self.0
    }

    /// The id that `number` stands for.
    pub fn from_u128(number: u128) -> Self {
        Self(number)
    }
}

impl SpanId {
    /// A fresh, random id; never zero, which W3C calls invalid.
    pub fn random() -> Self {
        Self(rand::rng().random_range(1..=u64::MAX))
    }

    /// The id as a number.
    pub fn to_u64(self) -> u64 {
        self.0
    }

    /// The id that `number` stands for.
    pub fn from_u64(number: u64) -> Self {
        Self(number)
    }
}

fn random_nonzero() -> u128 {
    rand::rng().random_range(1..=u128::MAX)
}

fn hash_of(parts: &[&[u8]]) -> u128 {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    u128::from_be_bytes(bytes)
}

macro_rules! hexadecimal_id {
    ($name:ident, $number:ty, $digits:literal) => {
        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, concat!("{:0", $digits, "x}"), self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, formatter)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                let well_formed =
                    text.len() == $digits && text.bytes().all(|byte| byte.is_ascii_hexdigit());
                match <$number>::from_str_radix(text, 16) {
                    Ok(number) if well_formed => Ok(Self(number)),
                    _ => Err(ParseIdError {
                        digits: $digits,
                        found: text.chars().take(80).collect(),
                    }),
                }
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

hexadecimal_id!(TaskId, u128, 32);
hexadecimal_id!(EpisodeId, u128, 32);
hexadecimal_id!(TraceId, u128, 32);
hexadecimal_id!(UploadId, u128, 32);
hexadecimal_id!(SpanId, u64, 16);

/// A position in an environment's total order of facts; the first fact has revision 1.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(transparent)]
pub struct Revision(pub u64);

/// One incarnation of a worker. What an old incarnation says is refused.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Epoch(pub u64);

/// A worker's place within its agent. The place stays, its incarnations change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WorkerId(pub u32);

/// The tenant that a task, a fact or an episode belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Namespace(pub Arc<str>);

impl Default for Namespace {
    fn default() -> Self {
        Self("default".into())
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_what_it_wrote() {
        let id = TaskId::random();
        assert_eq!(id.to_string().parse::<TaskId>(), Ok(id));
        assert_eq!(SpanId::from_u64(7).to_string(), "0000000000000007");
    }

    #[test]
    fn a_malformed_id_is_refused() {
        for text in [
            "",
            "7",
            "+000000000000007",
            "zz00000000000000",
            "00000000000000000",
        ] {
            assert!(text.parse::<SpanId>().is_err(), "{text:?} passed");
        }
    }

    #[test]
    fn the_same_cause_is_the_same_task() {
        assert_eq!(
            TaskId::derived(&[b"a", b"bc"]),
            TaskId::derived(&[b"a", b"bc"])
        );
        assert_ne!(
            TaskId::derived(&[b"a", b"bc"]),
            TaskId::derived(&[b"ab", b"c"])
        );
    }
}
