//! The recordings on the page: each with its transcript, and its audio within the page or, where it is large, beside it.

use std::io::Read;
use std::path::Path;

use aimass_config::files::open;
use aimass_runtime::{Fact, audio_type};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::Content;
use super::facts::subjects;
use crate::cli::harmless;
use crate::cli::messages::clock;

/// The largest recording that becomes a part of the page, in bytes.
const MAX_EMBEDDED: u64 = 4 << 20;
/// What all of them together may take.
const MAX_EMBEDDED_IN_ALL: u64 = 24 << 20;

/// A recording with its transcript.
pub(super) struct Recording {
    pub(super) name: String,
    /// The number of its transcript's fact.
    pub(super) revision: u64,
    /// Where its audio is: in the page itself, or at its path.
    pub(super) source: String,
    /// Whether the page holds it.
    pub(super) embedded: bool,
    pub(super) segments: Vec<Passage>,
}

/// What is said between two times.
pub(super) struct Passage {
    /// When it begins, in seconds, for players.
    pub(super) start: f64,
    /// The same for people.
    pub(super) clock: String,
    pub(super) text: String,
}

pub(super) fn recordings(content: &Content<'_>) -> Vec<Recording> {
    let subjects = subjects(content.facts);
    let mut left = MAX_EMBEDDED_IN_ALL;
    let transcripts = content
        .facts
        .iter()
        .filter(|fact| fact.kind.name() == "speech.transcribe");
    let recording = |transcript: &Fact| {
        let cause = transcript.provenance.cause?;
        let file = content.facts.iter().find(|fact| fact.revision == cause)?;
        let path = file.value.get("path")?.as_str()?;
        let audio = embedded(Path::new(path), MAX_EMBEDDED.min(left));
        let audio = audio.map(|bytes| {
            left = left.saturating_sub(bytes.len() as u64);
            let kind = audio_type(&bytes).unwrap_or("audio/*");
            format!("data:{kind};base64,{}", STANDARD.encode(bytes))
        });
        Some(Recording {
            name: subjects
                .get(&transcript.revision)
                .cloned()
                .unwrap_or_default(),
            revision: transcript.revision.0,
            embedded: audio.is_some(),
            source: audio.unwrap_or_else(|| file_address(path)),
            segments: passages(transcript),
        })
    };
    transcripts.filter_map(recording).collect()
}

fn passages(transcript: &Fact) -> Vec<Passage> {
    let segments = transcript.value.get("segments").and_then(Value::as_array);
    let passage = |segment: &Value| {
        let start = segment.get("start")?.as_f64()?;
        Some(Passage {
            start,
            clock: clock(start),
            text: segment
                .get("text")?
                .as_str()?
                .trim()
                .chars()
                .map(harmless::in_line)
                .collect(),
        })
    };
    segments.into_iter().flatten().filter_map(passage).collect()
}

/// A file's bytes, if there are no more than `most`.
fn embedded(path: &Path, most: u64) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let (file, _) = open(path).ok()?;
    // It may have grown since anybody looked.
    file.take(most + 1).read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 <= most).then_some(bytes)
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
