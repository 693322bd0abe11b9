//! A recording on the page: what is said in it, and its audio within the page or, where it is large, beside it.

use aimass_locale::harmless;
use aimass_runtime::Revision;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use aimass_locale::clock;

/// A recording with its transcript.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    /// What it is called.
    pub name: String,
    /// The fact that holds its transcript.
    pub transcript: Revision,
    /// Its audio.
    pub sound: Sound,
    /// What is said in it.
    pub passages: Vec<Passage>,
}

/// Where the audio of a recording is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sound {
    /// In the page itself.
    Within {
        /// Its media type, such as `audio/flac`.
        media_type: &'static str,
        /// The bytes of its file.
        bytes: Vec<u8>,
    },
    /// In a file on this machine.
    Beside {
        /// The file.
        path: String,
    },
}

/// What is said from a time on.
#[derive(Debug, Clone, PartialEq)]
pub struct Passage {
    /// When it begins, in seconds.
    pub start: f64,
    /// What is said.
    pub text: String,
}

/// A recording as the template takes it.
pub(crate) struct ShownRecording<'a> {
    pub(crate) name: &'a str,
    pub(crate) revision: Revision,
    /// The address of its audio.
    pub(crate) source: String,
    /// Whether the page holds it.
    pub(crate) embedded: bool,
    pub(crate) passages: Vec<ShownPassage>,
}

/// A passage as the template takes it.
pub(crate) struct ShownPassage {
    /// When it begins, for players.
    pub(crate) start: f64,
    /// The same for people.
    pub(crate) clock: String,
    pub(crate) text: String,
}

impl Recording {
    pub(crate) fn shown(&self) -> ShownRecording<'_> {
        let passage = |passage: &Passage| ShownPassage {
            start: passage.start,
            clock: clock(passage.start),
            text: passage.text.chars().map(harmless::in_line).collect(),
        };
        ShownRecording {
            name: &self.name,
            revision: self.transcript,
            source: self.sound.address(),
            embedded: matches!(self.sound, Sound::Within { .. }),
            passages: self.passages.iter().map(passage).collect(),
        }
    }
}

impl Sound {
    fn address(&self) -> String {
        match self {
            Self::Within { media_type, bytes } => {
                format!("data:{media_type};base64,{}", STANDARD.encode(bytes))
            }
            Self::Beside { path } => file_address(path),
        }
    }
}

/// The address of a file on this machine.
fn file_address(path: &str) -> String {
    let mut address = String::from("file://");
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => {
                address.push(char::from(byte));
            }
            other => address.push_str(&format!("%{other:02X}")),
        }
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_holds_nothing_that_ends_it() {
        assert_eq!(
            file_address("/a b/\"><é.wav"),
            "file:///a%20b/%22%3E%3C%C3%A9.wav"
        );
    }
}
