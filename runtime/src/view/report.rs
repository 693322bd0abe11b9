//! A report on an episode, as it is shown: sentences that name the facts they rest on.

use aimass_locale::{Locale, Text};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use aimass_environment::Revision;

/// A report.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ReportView {
    /// Its subject.
    pub title: Text,
    /// How many inputs the episode has.
    #[serde(default)]
    pub inputs: u32,
    /// What it says in short: on a page at most.
    pub sections: Vec<Section>,
    /// What it says of each input, at length.
    #[serde(default)]
    pub details: Vec<Section>,
    /// The facts that its sentences rest on.
    pub references: Vec<Reference>,
}

/// A part of a report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Section {
    /// Its heading.
    pub heading: Text,
    /// Its sentences.
    pub sentences: Vec<Sentence>,
}

/// A sentence of a report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sentence {
    /// What it says. A quote, or a sentence of a model, is the same in both languages.
    pub text: Text,
    /// The numbers of the references that it rests on.
    pub references: Vec<u32>,
    /// Who wrote it.
    pub author: Author,
}

/// Who wrote a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Author {
    /// Nobody: it was put together from facts.
    Facts,
    /// A language model.
    Model,
}

/// A fact that sentences rest on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// Its number in the report, from 1.
    pub n: u32,
    /// The fact.
    pub revision: Revision,
    /// The fact's kind.
    pub kind: String,
    /// The input that it is about.
    pub source: String,
}

impl ReportView {
    /// Returns the report in one language, for programs.
    pub fn to_json(&self, locale: Locale) -> Value {
        let sentence = |sentence: &Sentence| {
            json!({
                "text": sentence.text.in_locale(locale),
                "references": sentence.references,
                "author": sentence.author,
            })
        };
        let section = |section: &Section| {
            let sentences: Vec<Value> = section.sentences.iter().map(sentence).collect();
            json!({ "heading": section.heading.in_locale(locale), "sentences": sentences })
        };
        let all = |sections: &[Section]| sections.iter().map(section).collect::<Vec<Value>>();
        json!({
            "title": self.title.in_locale(locale),
            "language": locale,
            "inputs": self.inputs,
            "sections": all(&self.sections),
            "details": all(&self.details),
            "references": self.references,
        })
    }
}
