//! Transcripts: what was said in a recording, and when.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What was said in a recording.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Transcript {
    /// The whole text.
    pub text: String,
    /// Code of the spoken language; absent if there is no speech.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Duration of the recording in seconds.
    pub duration: f64,
    /// What could not be read, such as the rest of a truncated file; absent if nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incomplete: Option<String>,
    /// Segments, in order.
    #[schemars(extend("x-view" = "timed"))]
    pub segments: Vec<Segment>,
    /// The transcript in the requested format.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub formatted: Option<String>,
}

/// What was said between two times.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Segment {
    /// Start in seconds.
    pub start: f64,
    /// End in seconds.
    pub end: f64,
    /// What was said.
    pub text: String,
    /// Words with times, if requested.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<Word>,
    /// Probability that there is no speech, 0 to 1.
    pub no_speech: f32,
}

/// A word.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Word {
    /// Start in seconds.
    pub start: f64,
    /// End in seconds.
    pub end: f64,
    /// Text with leading space and punctuation; concatenated, the words give the text.
    pub text: String,
    /// Probability, 0 to 1.
    pub probability: f32,
}

impl Segment {
    /// The same, beginning no later than at this second.
    #[must_use]
    pub(super) fn begun_by(mut self, latest: f64) -> Self {
        self.start = self.start.min(latest.max(0.0));
        self
    }

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
