//! Texts as skills take them: given, or in a file.

use std::borrow::Cow;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use aimass_config::files::{Kind, NotAFile, NotText, open, text_of};
use aimass_runtime::Fault;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::string_or::StringOr;

/// Bytes that a text file may have.
pub(crate) const MAX_FILE_BYTES: u64 = 64 << 20;
/// Bytes that a text given directly may have.
const MAX_TEXT_BYTES: usize = 16 << 20;

/// A text, or the path of a file that holds one. In JSON also a string, which is the text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "StringOr<Fields>")]
pub struct TextInput {
    /// The text itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// A text file in UTF-8, or in UTF-16 with a byte order mark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "path"))]
    pub path: Option<PathBuf>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Fields {
    /// The text itself.
    text: Option<String>,
    /// A text file in UTF-8, or in UTF-16 with a byte order mark.
    #[schemars(extend("format" = "path"))]
    path: Option<PathBuf>,
}

impl From<StringOr<Fields>> for TextInput {
    fn from(input: StringOr<Fields>) -> Self {
        match input {
            StringOr::String(text) => Self::text(text),
            StringOr::Value(Fields { text, path }) => Self { text, path },
        }
    }
}

impl TextInput {
    /// This text.
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            text: Some(text.into()),
            path: None,
        }
    }

    /// The text in this file.
    pub fn path(path: impl Into<PathBuf>) -> Self {
        Self {
            text: None,
            path: Some(path.into()),
        }
    }

    /// The bytes of the agent's capacity that it takes: of a file, what its text may take once it
    /// is read is not known before.
    pub(crate) fn bytes(&self) -> u64 {
        let text = self.text.as_ref().map_or(0, String::len);
        let path = self.path.as_ref().map_or(0, |path| path.as_os_str().len());
        (text + path) as u64 + 16
    }

    /// Reads the text. Files are read once, within bounds, and must hold UTF-8.
    pub fn read(&self) -> Result<Cow<'_, str>, Fault> {
        let text = match (&self.text, &self.path) {
            (Some(text), None) if text.len() <= MAX_TEXT_BYTES => Cow::Borrowed(text.as_str()),
            (Some(text), None) => {
                let found = text.len();
                return Err(Fault::rejected(format!(
                    "expected a text of at most {MAX_TEXT_BYTES} bytes, got {found}; put it in a file"
                )));
            }
            (None, Some(path)) => Cow::Owned(read_file(path)?),
            (Some(_), Some(_)) => {
                return Err(Fault::rejected(
                    "expected `text` or `path`, got both; leave one out",
                ));
            }
            (None, None) => {
                return Err(Fault::rejected("expected `text` or `path`, got neither"));
            }
        };
        if text.trim().is_empty() {
            return Err(Fault::rejected(
                "expected a text, got nothing but white space",
            ));
        }
        Ok(text)
    }
}

/// Why a file gave no text.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unread {
    #[error("{0}")]
    Refused(#[from] io::Error),
    #[error("expected a text file, got {0}; name a file, or give the text itself")]
    Special(Kind),
    #[error("expected a text file of at most {MAX_FILE_BYTES} bytes, got {0}; split it")]
    TooLarge(u64),
    #[error("{0}; if it is a text, convert it with iconv")]
    NotText(NotText),
}

/// Reads a text file, or says why not in words.
pub(crate) fn read_file(path: &Path) -> Result<String, Fault> {
    read_text(path).map_err(|why| {
        let name = path.display();
        Fault::rejected(format!("cannot read `{name}`: {why}"))
    })
}

/// Reads a text file.
pub(crate) fn read_text(path: &Path) -> Result<String, Unread> {
    let (file, metadata) = open(path).map_err(|error| match error {
        NotAFile::Refused(error) => Unread::Refused(error),
        NotAFile::Special(kind) => Unread::Special(kind),
    })?;
    if metadata.len() > MAX_FILE_BYTES {
        return Err(Unread::TooLarge(metadata.len()));
    }
    // One byte more than allowed, so that a file that grows while it is read shows.
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(Unread::TooLarge(bytes.len() as u64));
    }
    text_of(bytes).map_err(Unread::NotText)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(content: &[u8]) -> String {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        TextInput::path(file.path()).read().unwrap_err().message
    }

    #[test]
    fn bad_files_are_refused_with_what_is_wrong() {
        assert!(refusal(b"").contains("nothing but white space"));
        assert!(refusal(b"abc\xff").contains("offset 3"));
        assert!(refusal(b"\xff\xfea").contains("UTF-16"));
        let folder = TextInput::path("/").read().unwrap_err().message;
        assert!(folder.contains("got a folder"), "{folder}");
        let missing = TextInput::path("/no/such/file").read().unwrap_err().message;
        assert!(missing.contains("/no/such/file"), "{missing}");
        let nul = TextInput::path("a\0b").read().unwrap_err().message;
        assert!(nul.contains("cannot read"), "{nul}");
    }

    #[test]
    fn a_huge_sparse_file_is_refused_before_it_is_read() {
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().set_len(10 << 30).unwrap();
        let refused = TextInput::path(file.path()).read().unwrap_err().message;
        assert!(refused.contains("at most"), "{refused}");
    }

    #[test]
    fn a_plain_string_is_a_text() {
        let input: TextInput = serde_json::from_str("\"hello\"").unwrap();
        assert_eq!(input, TextInput::text("hello"));
        assert!(serde_json::from_str::<TextInput>("{\"txt\": \"hello\"}").is_err());
    }
}
