//! What people are shown of a report.

use aimass_locale::{Text, text};
use aimass_runtime::{self as kernel, FactView, Panel, ReportView};

use super::{Annotated, Author, Reference, Report, Section, Sentence, statement};

impl Report {
    /// What people are shown of a report: how much it says, and at length all of it.
    pub fn view(&self, _: &str) -> FactView {
        let sentences: usize = self.sections.iter().map(|one| one.sentences.len()).sum();
        let facts = self.references.len();
        let line = text!(
            "report of {sentences} sentences on {facts} facts",
            "报告：{sentences} 句，依据 {facts} 条事实"
        );
        FactView::new(line).panel(Panel::Report(ReportView {
            title: statement::title(self.inputs),
            inputs: self.inputs,
            sections: self.sections.iter().map(section).collect(),
            details: self.details.iter().map(section).collect(),
            references: self.references.iter().map(reference).collect(),
        }))
    }
}

impl Annotated {
    /// What people are shown of it: the report, and how much of what the model wrote is in it.
    pub fn view(&self, name: &str) -> FactView {
        let wrote = |sentence: &&Sentence| sentence.author == Author::Model;
        let sentences = self.report.sections.iter().flat_map(|one| &one.sentences);
        let kept = sentences.filter(wrote).count();
        let all = kept + self.left_out.len();
        let view = self.report.view(name);
        let line = text!(
            "the model wrote {all} sentences, of which {kept} passed the check",
            "模型撰写了 {all} 句，其中 {kept} 句通过核对"
        );
        FactView { line, ..view }
    }
}

fn section(section: &Section) -> kernel::Section {
    kernel::Section {
        heading: either(&section.headings, &section.heading),
        sentences: section.sentences.iter().map(sentence).collect(),
    }
}

fn sentence(sentence: &Sentence) -> kernel::Sentence {
    kernel::Sentence {
        text: match &sentence.texts {
            Some(texts) => texts.clone(),
            None => sentence.text.as_str().into(),
        },
        references: sentence.references.clone(),
        author: match sentence.author {
            Author::Facts => kernel::Author::Facts,
            Author::Model => kernel::Author::Model,
        },
    }
}

fn reference(reference: &Reference) -> kernel::Reference {
    kernel::Reference {
        n: reference.n,
        revision: reference.revision,
        kind: reference.kind.clone(),
        source: reference.source.clone(),
    }
}

/// The texts of a report that was written before there were any in both languages are those that it has.
fn either(texts: &Text, text: &str) -> Text {
    match texts.is_empty() {
        true => text.into(),
        false => texts.clone(),
    }
}
