//! Reports: what the facts of an episode hold, in sentences that each name the facts they rest on.
//!
//! The sentences are put together from facts: what was given, in which language it is, what is said
//! when, how it begins, what is near what. Where the team has a skill that completes texts, it is
//! asked for one sentence about each document, which stands only if all numbers and names in it are
//! in the document. Each sentence says who wrote it.

mod annotate;
mod asks;
mod check;
mod compose;
mod details;
mod digest;
mod documents;
mod mentions;
mod near;
mod opening;
mod phrase;
mod references;
mod sentences;
mod statement;
#[cfg(test)]
mod tests;
mod text;
mod view;
mod write;

use std::collections::BTreeMap;

use aimass_locale::{Locale, Text};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use aimass_runtime::Revision;
pub use annotate::{Annotate, Annotated, LeftOut, Reason};
pub use text::ReportFormat;
pub use write::{ReportInput, WriteReport};

/// What an episode came to, for a reader.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// Its subject.
    pub title: String,
    /// The language of its words, `en` or `zh`. Quotes are in their own.
    #[schemars(with = "String")]
    pub language: Locale,
    /// Number of inputs of the episode.
    pub inputs: u32,
    /// The digest: what the episode came to, on a page at most.
    pub sections: Vec<Section>,
    /// A section for each input, with all that was found out about it.
    #[serde(default)]
    pub details: Vec<Section>,
    /// The facts that the sentences rest on.
    pub references: Vec<Reference>,
    /// The report in the requested format.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub formatted: Option<String>,
}

/// A part of a report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Section {
    /// Its heading.
    pub heading: String,
    /// The heading in each language, by its code.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, String>")]
    pub headings: Text,
    /// Its sentences.
    pub sentences: Vec<Sentence>,
}

/// One sentence, with the facts that it rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Sentence {
    /// The sentence.
    pub text: String,
    /// The numbers of the references that it rests on; at least one.
    pub references: Vec<u32>,
    /// Who wrote it.
    pub author: Author,
    /// The sentence in each language, by its code; absent if a model wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<BTreeMap<String, String>>")]
    pub texts: Option<Text>,
}

/// Who wrote a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Author {
    /// Nobody: it was put together from facts.
    Facts,
    /// A language model.
    Model,
}

/// A fact that sentences rest on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reference {
    /// Its number in the report, from 1.
    pub n: u32,
    /// The fact.
    pub revision: Revision,
    /// The fact's kind.
    pub kind: String,
    /// The input that it is about.
    pub source: String,
    /// The agent that found it; none of an input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
}

impl Section {
    fn new(headings: Text, sentences: Vec<Sentence>) -> Self {
        Self {
            heading: headings.english.clone(),
            headings,
            sentences,
        }
    }
}

impl Sentence {
    /// A sentence that was put together from facts.
    fn of_facts(texts: Text, references: Vec<u32>) -> Self {
        Self {
            text: texts.english.clone(),
            references,
            author: Author::Facts,
            texts: Some(texts),
        }
    }
}

impl Report {
    /// The same report in another language. Quotes, and sentences that a model wrote, stay as they
    /// are.
    #[must_use]
    pub fn in_locale(mut self, locale: Locale) -> Self {
        self.language = locale;
        self.title = statement::title(self.inputs).in_locale(locale).to_owned();
        for section in self.sections.iter_mut().chain(&mut self.details) {
            if !section.headings.is_empty() {
                section.heading = section.headings.in_locale(locale).to_owned();
            }
            for sentence in &mut section.sentences {
                if let Some(texts) = &sentence.texts {
                    sentence.text = texts.in_locale(locale).to_owned();
                }
            }
        }
        self
    }
}
