//! The kinds of facts: what a fact says, and in which version of that form.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// A kind of fact with the version of its form, written `transcript@1`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FactKind {
    name: Name,
    version: u32,
}

/// A name that a program spells, or one that was read.
#[derive(Debug, Clone)]
enum Name {
    Spelled(&'static str),
    Read(Arc<str>),
}

/// The longest name of a kind, in bytes.
const MAX_KIND_NAME: usize = 100;

impl FactKind {
    /// The kind of that name and version.
    ///
    /// # Errors
    /// [`ParseKindError`] when the name is not made of lower-case letters, digits, `.`, `_` and `-`.
    pub fn new(name: &str, version: u32) -> Result<Self, ParseKindError> {
        if !is_kind(name, version) {
            return Err(ParseKindError {
                found: format!(
                    "{}@{version}",
                    name.chars().take(MAX_KIND_NAME).collect::<String>()
                ),
            });
        }
        Ok(Self {
            name: Name::Read(name.into()),
            version,
        })
    }

    /// The kind of that name and version, for a constant. What [`FactKind::new`] refuses does not compile there.
    ///
    /// ```
    /// use aimass_environment::FactKind;
    ///
    /// const TRANSCRIPT: FactKind = FactKind::constant("transcript", 1);
    /// assert_eq!(TRANSCRIPT.to_string(), "transcript@1");
    /// ```
    ///
    /// ```compile_fail
    /// use aimass_environment::FactKind;
    ///
    /// const TRANSCRIPT: FactKind = FactKind::constant("Transcript", 1);
    /// assert_eq!(TRANSCRIPT.version(), 1);
    /// ```
    ///
    /// # Panics
    /// The name or the version is none. Outside of a constant that shows only when it runs: use [`FactKind::new`] there.
    pub const fn constant(name: &'static str, version: u32) -> Self {
        assert!(
            is_kind(name, version),
            "expected lower-case letters, digits, `.`, `_`, `-`, and a version from 1"
        );
        Self {
            name: Name::Spelled(name),
            version,
        }
    }

    /// The name without the version.
    pub fn name(&self) -> &str {
        self.name.text()
    }

    /// The version of the form, from 1.
    pub fn version(&self) -> u32 {
        self.version
    }
}

const fn is_kind(name: &str, version: u32) -> bool {
    let bytes = name.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if !matches!(bytes[at], b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-') {
            return false;
        }
        at += 1;
    }
    !bytes.is_empty() && bytes.len() <= MAX_KIND_NAME && version > 0
}

impl Name {
    fn text(&self) -> &str {
        match self {
            Self::Spelled(name) => name,
            Self::Read(name) => name,
        }
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

impl Eq for Name {}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text().hash(state);
    }
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text().cmp(other.text())
    }
}

/// The text did not spell a kind of fact.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "expected a fact kind like `transcript@1` (lower-case letters, digits, `.`, `_`, `-`, then `@` and a version from 1), got `{found}`"
)]
pub struct ParseKindError {
    /// What was found.
    pub found: String,
}

impl fmt::Display for FactKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}@{}", self.name(), self.version)
    }
}

impl FromStr for FactKind {
    type Err = ParseKindError;

    fn from_str(text: &str) -> Result<Self, ParseKindError> {
        let refused = || ParseKindError {
            found: text.chars().take(MAX_KIND_NAME).collect(),
        };
        let (name, version) = text.rsplit_once('@').ok_or_else(refused)?;
        Self::new(name, version.parse().map_err(|_| refused())?)
    }
}

impl Serialize for FactKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for FactKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const NOTE: FactKind = FactKind::constant("note.short", 2);

    #[test]
    fn a_kind_is_the_same_whether_it_was_spelled_or_read() {
        let read: FactKind = "note.short@2".parse().unwrap();
        assert_eq!(read, NOTE);
        assert!(HashSet::from([read.clone()]).contains(&NOTE));
        assert_eq!(read.cmp(&NOTE), Ordering::Equal);
        assert!(FactKind::constant("note", 3) < read);
        assert_eq!((NOTE.name(), NOTE.version()), ("note.short", 2));
    }

    #[test]
    fn what_is_no_kind_is_refused() {
        let long = "z".repeat(MAX_KIND_NAME + 1);
        for (name, version) in [
            ("", 1),
            ("a", 0),
            ("A", 1),
            ("a b", 1),
            ("\u{e4}", 1),
            (&long, 1),
        ] {
            let error = FactKind::new(name, version).unwrap_err();
            assert!(error.found.ends_with(&version.to_string()), "{error}");
        }
        assert!(FactKind::new(&long[1..], u32::MAX).is_ok());
    }
}
