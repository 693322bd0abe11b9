//! The report on the page: sections of sentences, each with the facts that it rests on.

use std::collections::HashMap;

use aimass_locale::{Locale, harmless};
use aimass_runtime::{Author, Panel, Reference, ReportView, Section, Sentence};

use crate::facts::Row;

/// A section as the template takes it.
pub(crate) struct ShownSection<'a> {
    pub(crate) heading: &'a str,
    pub(crate) sentences: Vec<ShownSentence<'a>>,
}

/// A sentence as the template takes it.
pub(crate) struct ShownSentence<'a> {
    pub(crate) text: String,
    pub(crate) by_model: bool,
    /// The first facts that it rests on.
    pub(crate) references: Vec<&'a Reference>,
    /// How many more there are.
    pub(crate) more: usize,
}

/// Facts that are linked behind a sentence. One about all inputs rests on one of each.
const LINKED: usize = 6;

/// The last report among facts.
pub(crate) fn last_report<'a>(rows: &'a [Row<'_>]) -> Option<&'a ReportView> {
    let mut rows = rows.iter().rev();
    rows.find_map(|row| match &row.panel {
        Some(Panel::Report(report)) => Some(report),
        _ => None,
    })
}

/// The sections of a report, each sentence with the references that it names.
pub(crate) fn shown_sections<'a>(
    report: &'a ReportView,
    sections: &'a [Section],
    locale: Locale,
) -> Vec<ShownSection<'a>> {
    let places: HashMap<u32, &Reference> =
        report.references.iter().map(|one| (one.n, one)).collect();
    let sentence = |sentence: &'a Sentence| {
        let text = sentence.text.in_locale(locale).chars();
        let named = sentence.references.iter();
        let named: Vec<&Reference> = named.filter_map(|n| places.get(n).copied()).collect();
        let more = named.len().saturating_sub(LINKED);
        ShownSentence {
            text: text.map(harmless::in_line).collect(),
            by_model: sentence.author == Author::Model,
            references: named.into_iter().take(LINKED).collect(),
            more,
        }
    };
    let section = |section: &'a Section| ShownSection {
        heading: section.heading.in_locale(locale),
        sentences: section.sentences.iter().map(sentence).collect(),
    };
    sections.iter().map(section).collect()
}
