//! The report on the page: sections of sentences, each with the facts that it rests on.

use aimass_locale::{Locale, harmless};
use aimass_runtime::{Author, Panel, Reference, ReportView};

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
    pub(crate) references: Vec<&'a Reference>,
}

/// The last report among facts.
pub(crate) fn last_report<'a>(rows: &'a [Row<'_>]) -> Option<&'a ReportView> {
    let mut rows = rows.iter().rev();
    rows.find_map(|row| match &row.panel {
        Some(Panel::Report(report)) => Some(report),
        _ => None,
    })
}

/// The sections of a report, each sentence with the references that it names.
pub(crate) fn shown_sections(report: &ReportView, locale: Locale) -> Vec<ShownSection<'_>> {
    let named = |n: &u32| report.references.iter().find(|one| one.n == *n);
    let sections = report.sections.iter().map(|section| ShownSection {
        heading: section.heading.in_locale(locale),
        sentences: section
            .sentences
            .iter()
            .map(|sentence| {
                let text = sentence.text.in_locale(locale).chars();
                ShownSentence {
                    text: text.map(harmless::in_line).collect(),
                    by_model: sentence.author == Author::Model,
                    references: sentence.references.iter().filter_map(named).collect(),
                }
            })
            .collect(),
    });
    sections.collect()
}
