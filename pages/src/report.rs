//! The report on the page: sections of sentences, each with the facts that it rests on.

use aimass_locale::harmless;
use aimass_runtime::Revision;

/// A report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What it is on.
    pub title: String,
    /// Its parts.
    pub sections: Vec<Section>,
    /// The facts that its sentences rest on.
    pub references: Vec<Reference>,
}

/// A part of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// What it is about.
    pub heading: String,
    /// What it says.
    pub sentences: Vec<Sentence>,
}

/// A sentence of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentence {
    /// What it says.
    pub text: String,
    /// Whether a model wrote it.
    pub by_model: bool,
    /// The numbers of its references.
    pub references: Vec<u32>,
}

/// A fact that sentences rest on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Its number in the report.
    pub n: u32,
    /// The fact.
    pub revision: Revision,
    /// The fact's kind.
    pub kind: String,
    /// The input that it is about.
    pub source: String,
}

/// A section as the template takes it.
pub(crate) struct ShownSection<'a> {
    pub(crate) heading: &'a str,
    pub(crate) sentences: Vec<ShownSentence<'a>>,
}

/// A sentence as the template takes it.
pub(crate) struct ShownSentence<'a> {
    pub(crate) text: String,
    pub(crate) by_model: bool,
    pub(crate) references: Vec<&'a Reference>,
}

impl Report {
    /// The sections, each sentence with the references that it names.
    pub(crate) fn shown(&self) -> Vec<ShownSection<'_>> {
        let named = |n: &u32| self.references.iter().find(|one| one.n == *n);
        let sections = self.sections.iter().map(|section| ShownSection {
            heading: &section.heading,
            sentences: section
                .sentences
                .iter()
                .map(|sentence| ShownSentence {
                    text: sentence.text.chars().map(harmless::in_line).collect(),
                    by_model: sentence.by_model,
                    references: sentence.references.iter().filter_map(named).collect(),
                })
                .collect(),
        });
        sections.collect()
    }
}
