//! From facts to sentences: the structure of a report, which nobody invents.

use std::collections::HashSet;

use aimass_runtime::{Fact, Views};

use super::details::details;
use super::digest::digest;
use super::documents::{Document, documents};
use super::near::nearest;
use super::references::References;
use super::{Author, Report, Section, Sentence, statement};

/// Bytes of a document that a model is shown.
const SHOWN: usize = 2000;

/// A report made of facts only, and what a model may be asked to add.
pub(super) struct Draft {
    pub(super) report: Report,
    pub(super) excerpts: Vec<Excerpt>,
}

/// The text of a document, about which a model may say a sentence.
pub(super) struct Excerpt {
    /// How the document is called.
    pub(super) name: String,
    /// The number of the fact that it comes from.
    pub(super) reference: u32,
    pub(super) text: String,
}

/// Puts a report together. Blocks: views may read the files that facts are about.
pub(super) fn compose(facts: &[Fact], views: &Views) -> Draft {
    let documents = documents(facts, views);
    let nearest = nearest(&documents);
    let mut references = References::default();
    // In this order, so that the digest has the first numbers.
    let sections = digest(&documents, &nearest, &mut references);
    let details = details(&documents, &nearest, &mut references);
    let excerpts = documents.iter();
    let excerpts = excerpts.filter_map(|document| excerpt(document, &mut references));
    let excerpts = excerpts.collect();
    let inputs = documents.len() as u32;
    let report = Report {
        title: statement::title(inputs).english,
        inputs,
        sections,
        details,
        references: references.into_all(),
        ..Report::default()
    };
    Draft { report, excerpts }
}

/// The words of a document.
fn excerpt(document: &Document<'_>, references: &mut References) -> Option<Excerpt> {
    let (fact, whole) = document.excerpt()?;
    let shown = &whole.text[..whole.text.floor_char_boundary(SHOWN)];
    Some(Excerpt {
        name: document.name.clone(),
        reference: references.cite(fact, &document.name),
        text: shown.to_owned(),
    })
}

impl Draft {
    /// Adds the sentences of a model, each with its reference, as the last part of the digest.
    pub(super) fn add(&mut self, sentences: Vec<(String, u32)>) {
        if sentences.is_empty() {
            return;
        }
        let sentences = sentences.into_iter().map(|(text, reference)| Sentence {
            text,
            references: vec![reference],
            author: Author::Model,
            texts: None,
        });
        let heading = statement::of_model();
        let section = Section::new(heading, sentences.collect());
        self.report.sections.push(section);
    }

    /// The report without sentences that rest on nothing: on no reference, or on one that is no
    /// fact of the episode.
    pub(super) fn checked(self, facts: &[Fact]) -> Report {
        let mut report = self.report;
        let known: HashSet<_> = facts.iter().map(|fact| fact.revision).collect();
        report
            .references
            .retain(|reference| known.contains(&reference.revision));
        let numbers: HashSet<u32> = report.references.iter().map(|one| one.n).collect();
        let rests = |sentence: &Sentence| {
            let mut references = sentence.references.iter();
            !sentence.references.is_empty() && references.all(|number| numbers.contains(number))
        };
        for sections in [&mut report.sections, &mut report.details] {
            for section in &mut *sections {
                section.sentences.retain(rests);
            }
            sections.retain(|section| !section.sentences.is_empty());
        }
        report
    }
}
