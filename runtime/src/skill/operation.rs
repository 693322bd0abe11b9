//! What skills do, in the words of the field.

use serde::{Deserialize, Serialize};

/// What a skill does. By this, commands, routes and agents find a skill that they do not know by its name. Those of the same operation take and give what its
/// usual form has, and may have more fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Operation {
    /// Answers a conversation: `messages` to `text`.
    Chat,
    /// Goes on with a text: `prompt` to `text`.
    Complete,
    /// Says a text in fewer words: `text` or `path` to `text`.
    Summarize,
    /// Turns a text into a vector: `text` or `path` to `embedding`.
    Embed,
    /// Sorts a text into one of some classes: `text` or `path`, and `labels`, to `classes`.
    Classify,
    /// Says which language a text is in: `text` or `path` to `language`.
    DetectLanguage,
    /// Finds what is like a query: `query` to `hits`.
    Search,
    /// Finds words, their forms and what they name: `text` or `path` to `tokens`.
    Analyze,
    /// Writes down what is said in a recording: `path` to `text` and `segments`.
    Transcribe,
    /// As [`Self::Transcribe`], in English.
    TranslateSpeech,
    /// Says when somebody speaks in a recording: `path` to spans.
    DetectSpeech,
    /// Writes down what is said as it is said.
    Listen,
    /// Speaks a text: `text` to audio.
    Synthesize,
    /// Says what a picture shows: `path` to `text`.
    DescribeImage,
    /// Finds things in a picture: `path` to boxes.
    DetectObjects,
    /// Reads the words in a picture: `path` to lines with boxes.
    ReadImage,
    /// Follows things through a clip: `path` to tracks.
    Track,
    /// Recommends items: `user` to `items`.
    Recommend,
    /// Reports on an episode: `episode` to sections of sentences.
    Report,
}
