//! Views: what people are shown of a fact, in both languages. An agent makes them where it lives, so that nobody else needs to know its types.

mod panel;
mod report;

use std::path::Path;

use aimass_environment::{Fact, ModelVersion};
use aimass_locale::{Text, harmless};
use serde::{Deserialize, Serialize};

pub use panel::{Axis, Curve, Edge, Panel, Passage, PictureBox, Track, TrackPoint};
pub use report::{Author, Reference, ReportView, Section, Sentence};

/// What people are shown of one fact.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FactView {
    /// What the fact says, in a few words: what a run prints while the team works. Where it is empty, the fact is described by its kind.
    pub line: Text,
    /// What the input is that the fact is about, as a sentence that names it: "call.wav is a recording of 0:12 in English."
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<Text>,
    /// What a report says of the input, a sentence each, the most important one first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub statements: Vec<Text>,
    /// The fact at length.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub panel: Option<Panel>,
    /// The language of the input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<FoundLanguage>,
    /// The words of the input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub excerpt: Option<Excerpt>,
    /// The meaning of the input, to compare it with that of others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meaning: Option<Meaning>,
}

/// The language of an input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FoundLanguage {
    /// Its ISO 639-1 code.
    pub code: String,
    /// How sure that is, from 0 to 1.
    pub confidence: f64,
    /// Where it comes from. What was heard comes before what letters look like.
    pub evidence: Evidence,
}

/// What a language was detected by. The later one counts more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// By words and letters.
    Writing,
    /// By sound.
    Speech,
}

/// The words of an input, or how they begin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Excerpt {
    /// The words.
    pub text: String,
    /// How much of the input they are.
    pub extent: Extent,
}

/// How much of an input an excerpt is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Extent {
    /// All of it.
    Whole,
    /// Its beginning.
    Beginning,
}

/// A vector that is near those of similar inputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Meaning {
    /// The vector, of length 1.
    pub vector: Vec<f32>,
    /// The version of the model that made it: vectors of different versions cannot be compared.
    pub model: ModelVersion,
}

/// Characters of a name that are shown.
const MAX_NAME: usize = 200;

/// Returns the name of the file that a fact is about, if it tells one.
pub(crate) fn subject_of(fact: &Fact) -> Option<String> {
    let path = Path::new(fact.value.get("path")?.as_str()?);
    let name = path.file_name()?.to_str()?;
    Some(harmless::brief(name, MAX_NAME))
}

impl FactView {
    /// Returns a view that consists of a line.
    pub fn new(line: impl Into<Text>) -> Self {
        Self {
            line: line.into(),
            ..Self::default()
        }
    }

    /// Says in a sentence what the input is that the fact is about.
    #[must_use]
    pub fn identity(mut self, sentence: Text) -> Self {
        self.identity = Some(sentence);
        self
    }

    /// Adds a sentence for reports.
    #[must_use]
    pub fn statement(mut self, sentence: Text) -> Self {
        self.statements.push(sentence);
        self
    }

    /// Shows the fact at length.
    #[must_use]
    pub fn panel(mut self, panel: Panel) -> Self {
        self.panel = Some(panel);
        self
    }

    /// Tells the language of the input.
    #[must_use]
    pub fn language(mut self, code: &str, confidence: f64, evidence: Evidence) -> Self {
        self.language = Some(FoundLanguage {
            code: code.to_owned(),
            confidence,
            evidence,
        });
        self
    }

    /// Adds the words of the input.
    #[must_use]
    pub fn excerpt(mut self, text: impl Into<String>, extent: Extent) -> Self {
        let text = text.into();
        self.excerpt = Some(Excerpt { text, extent });
        self
    }

    /// Adds the vector by which the input is compared with others.
    #[must_use]
    pub fn meaning(mut self, vector: Vec<f32>, model: ModelVersion) -> Self {
        self.meaning = Some(Meaning { vector, model });
        self
    }
}
