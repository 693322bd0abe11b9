//! The recordings of an episode, each with its transcript, as the page shows them.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;

use aimass_config::files::open;
use aimass_pages::{Passage, Recording, Sound};
use aimass_runtime::{Fact, Revision, audio_type};
use serde_json::Value;

/// The largest recording that becomes a part of the page, in bytes.
const MAX_EMBEDDED: u64 = 4 << 20;
/// What all of them together may take.
const MAX_EMBEDDED_IN_ALL: u64 = 24 << 20;

pub(super) fn recordings(facts: &[Fact], subjects: &HashMap<Revision, String>) -> Vec<Recording> {
    let mut left = MAX_EMBEDDED_IN_ALL;
    let transcripts = facts
        .iter()
        .filter(|fact| fact.kind.name() == "speech.transcribe");
    let recording = |transcript: &Fact| {
        let cause = transcript.provenance.cause?;
        let file = facts.iter().find(|fact| fact.revision == cause)?;
        let path = file.value.get("path")?.as_str()?;
        let sound = match embedded(Path::new(path), MAX_EMBEDDED.min(left)) {
            Some(bytes) => {
                left = left.saturating_sub(bytes.len() as u64);
                let media_type = audio_type(&bytes).unwrap_or("audio/*");
                Sound::Within { media_type, bytes }
            }
            None => Sound::Beside {
                path: path.to_owned(),
            },
        };
        let name = subjects.get(&transcript.revision).cloned();
        Some(Recording {
            name: name.unwrap_or_default(),
            transcript: transcript.revision,
            sound,
            passages: passages(transcript),
        })
    };
    transcripts.filter_map(recording).collect()
}

fn passages(transcript: &Fact) -> Vec<Passage> {
    let segments = transcript.value.get("segments").and_then(Value::as_array);
    let passage = |segment: &Value| {
        Some(Passage {
            start: segment.get("start")?.as_f64()?,
            text: segment.get("text")?.as_str()?.trim().to_owned(),
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
