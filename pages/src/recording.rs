//! A recording on the page: its audio beside what is said in it.

use std::collections::HashMap;

use aimass_runtime::{Panel, Revision};

use crate::facts::Row;
use crate::media::Media;
use crate::panel::{ShownPassage, shown_passages};

/// A recording as the template takes it.
pub(crate) struct ShownRecording<'a> {
    pub(crate) name: &'a str,
    /// The fact that holds what is said in it; without one, the recording itself.
    pub(crate) revision: Revision,
    /// The address of its audio.
    pub(crate) source: String,
    /// Whether the page holds it.
    pub(crate) embedded: bool,
    pub(crate) passages: Vec<ShownPassage>,
}

/// The recordings among facts, each with the last text with times that was found in it. Gives also the facts that are shown so.
pub(crate) fn recordings<'a>(
    rows: &'a [Row<'a>],
    media: &HashMap<String, Media>,
) -> Vec<ShownRecording<'a>> {
    let inputs = inputs(rows);
    let recording = |row: &'a Row<'a>| {
        let Some(Panel::Sound { path }) = &row.panel else {
            return None;
        };
        let said = rows.iter().rev().find_map(|other| {
            let is_about = inputs.get(&other.fact.revision) == Some(&row.fact.revision);
            match &other.panel {
                Some(Panel::TimedText { passages }) if is_about => Some((other, passages)),
                _ => None,
            }
        });
        let content = media.get(path);
        Some(ShownRecording {
            name: &row.subject,
            revision: said.map_or(row.fact.revision, |(said, _)| said.fact.revision),
            source: Media::address(content, path),
            embedded: content.is_some(),
            passages: said.map_or_else(Vec::new, |(_, passages)| shown_passages(passages)),
        })
    };
    rows.iter().filter_map(recording).collect()
}

/// The fact at the beginning of what led to each fact. Rows come in the order of their revisions.
fn inputs(rows: &[Row<'_>]) -> HashMap<Revision, Revision> {
    let mut inputs = HashMap::new();
    for row in rows {
        let cause = row.fact.provenance.cause;
        let first = cause.and_then(|cause| inputs.get(&cause)).copied();
        inputs.insert(row.fact.revision, first.unwrap_or(row.fact.revision));
    }
    inputs
}
