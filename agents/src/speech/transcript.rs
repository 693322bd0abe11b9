//! Transcripts: what was said in a recording, and when.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What was said in a recording.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Transcript {
    /// All of it.
    pub text: String,
    /// The code of the language that was spoken; none if nothing was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// How long the recording is, in seconds.
    pub duration: f64,
    /// What of the recording could not be heard, such as the rest of a file that breaks off; none when all of it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incomplete: Option<String>,
    /// Piece by piece, in order.
    pub segments: Vec<Segment>,
    /// The same in the format that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub formatted: Option<String>,
}

/// What was said between two times.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Segment {
    /// When it begins, in seconds.
    pub start: f64,
    /// When it ends, in seconds.
    pub end: f64,
    /// What was said.
    pub text: String,
    /// Word by word, if that was asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<Word>,
    /// How likely it is that nobody speaks, from 0 to 1.
    pub no_speech: f32,
}

/// A word.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Word {
    /// When it begins, in seconds.
    pub start: f64,
    /// When it ends, in seconds.
    pub end: f64,
    /// The word, with the space before it and the punctuation around it: together the words give the text.
    pub text: String,
    /// How likely it is, from 0 to 1.
    pub probability: f32,
}

impl Segment {
    /// The same, with times counted from `offset` seconds earlier.
    #[must_use]
    pub(super) fn later(mut self, offset: f64) -> Self {
        let moved = |seconds: f64| ((seconds + offset) * 1000.0).round() / 1000.0;
        self.start = moved(self.start);
        self.end = moved(self.end);
        for word in &mut self.words {
            word.start = moved(word.start);
            word.end = moved(word.end);
        }
        self
    }
}

/// The text of segments: each brings the space before it, where its language has one.
pub(super) fn text_of(segments: &[Segment]) -> String {
    let text: String = segments
        .iter()
        .map(|segment| segment.text.as_str())
        .collect();
    text.trim().to_owned()
}
