//! From facts to sentences: the structure of a report, which nobody invents.

use std::collections::{BTreeMap, HashSet};

use aimass_locale::Locale;
use aimass_runtime::Fact;

use super::documents::{BEGINNING, Document, Medium, documents};
use super::near::{COMPARED, Near, hundredths, nearest};
use super::quotes::{opening, said};
use super::references::References;
use super::statement::title;
use super::{Author, Heading, LanguageCount, Report, Section, Sentence, Statement};

/// Passages of a recording that are quoted.
const QUOTED: usize = 5;
/// Bytes of a document that a model is shown.
const EXCERPT: usize = 2000;

/// A report made of facts only, and what a model may be asked to add.
pub(super) struct Draft {
    pub(super) report: Report,
    pub(super) excerpts: Vec<Excerpt>,
}

/// The text of a document, about which a model may say a sentence.
pub(super) struct Excerpt {
    /// Its section's place.
    pub(super) section: usize,
    /// The number of the fact that it comes from.
    pub(super) reference: u32,
    pub(super) text: String,
    pub(super) extent: Extent,
}

/// How much of a document an excerpt holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    Whole,
    Beginning,
}

/// Puts a report together. Reads the beginnings of text files, and blocks meanwhile.
pub(super) fn compose(facts: &[Fact]) -> Draft {
    let documents = documents(facts);
    let nearest = nearest(&documents);
    let mut references = References::default();
    let mut sections = vec![overview(&documents, &nearest, &mut references)];
    let mut excerpts = Vec::new();
    for (at, document) in documents.iter().enumerate() {
        let near = nearest.get(at).and_then(Option::as_ref);
        let near = near.and_then(|near| Some((documents.get(near.other)?, near.similarity)));
        let at = sections.len();
        let (section, excerpt) = section(document, near, &mut references, at);
        excerpts.extend(excerpt);
        sections.push(section);
    }
    let inputs = documents.len() as u32;
    let report = Report {
        title: title(inputs, Locale::English),
        language: Locale::English,
        inputs,
        sections,
        references: references.into_all(),
        formatted: None,
    };
    Draft { report, excerpts }
}

fn overview(
    documents: &[Document<'_>],
    nearest: &[Option<Near>],
    references: &mut References,
) -> Section {
    let mut sentences = Vec::new();
    let count = |medium: fn(Medium) -> bool| {
        let fitting = documents.iter().filter(|document| medium(document.medium));
        fitting.count() as u32
    };
    let inputs = Statement::Inputs {
        recordings: count(|medium| medium == Medium::Recording),
        texts: count(|medium| medium == Medium::Text),
        others: count(|medium| !matches!(medium, Medium::Recording | Medium::Text)),
    };
    let all: Vec<(&Fact, &str)> = documents
        .iter()
        .map(|document| (document.input, document.name.as_str()))
        .collect();
    sentences.push(references.sentence(inputs, &all));
    sentences.extend(languages(documents, references));
    sentences.extend(closest(documents, nearest, references));
    let is_embedded = |document: &Document<'_>| document.embedding.is_some();
    if documents.iter().skip(COMPARED).any(is_embedded) {
        let inputs = COMPARED as u32;
        sentences.push(references.sentence(Statement::Compared { inputs }, &all));
    }
    Section {
        heading: Heading::Overview.write(Locale::English),
        about: Heading::Overview,
        sentences,
    }
}

fn languages(documents: &[Document<'_>], references: &mut References) -> Option<Sentence> {
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    let mut rests_on = Vec::new();
    for document in documents {
        if let Some((fact, language)) = language_of(document) {
            *counts.entry(language).or_default() += 1;
            rests_on.push((fact, document.name.as_str()));
        }
    }
    // Of a single one its own section says it.
    if rests_on.len() < 2 {
        return None;
    }
    let mut languages: Vec<LanguageCount> = counts
        .into_iter()
        .map(|(language, inputs)| LanguageCount {
            language: language.to_owned(),
            inputs,
        })
        .collect();
    languages.sort_by_key(|count| std::cmp::Reverse(count.inputs));
    Some(references.sentence(Statement::Languages { languages }, &rests_on))
}

/// The language of a document: what was heard comes before what its letters look like.
fn language_of<'a>(document: &'a Document<'_>) -> Option<(&'a Fact, &'a str)> {
    let heard = document.transcript.as_ref().and_then(|transcript| {
        let language = transcript.value.language.as_deref()?;
        Some((transcript.fact, language))
    });
    heard.or_else(|| {
        let read = document.read_language()?;
        Some((read.fact, read.value.language.as_str()))
    })
}

fn closest(
    documents: &[Document<'_>],
    nearest: &[Option<Near>],
    references: &mut References,
) -> Option<Sentence> {
    // Of two documents each says of itself what is nearest.
    if documents.len() < 3 {
        return None;
    }
    let all = nearest.iter().enumerate();
    let all = all.filter_map(|(at, near)| Some((at, near.as_ref()?)));
    let (at, near) = all.reduce(|best, next| match next.1.similarity > best.1.similarity {
        true => next,
        false => best,
    })?;
    let (one, other) = (documents.get(at)?, documents.get(near.other)?);
    let rests_on = [
        (one.embedding.as_ref()?.fact, one.name.as_str()),
        (other.embedding.as_ref()?.fact, other.name.as_str()),
    ];
    let closest = Statement::Closest {
        one: one.name.clone(),
        other: other.name.clone(),
        similarity: near.similarity,
    };
    Some(references.sentence(closest, &rests_on))
}

/// A document's section, the one at that place, and its text.
fn section(
    document: &Document<'_>,
    near: Option<(&Document<'_>, f32)>,
    references: &mut References,
    at: usize,
) -> (Section, Option<Excerpt>) {
    let (mut sentences, excerpt) = match document.medium {
        Medium::Recording => recording(document, references, at),
        Medium::Text => text(document, references, at),
        Medium::Other | Medium::StringOr => (vec![unread(document, references)], None),
    };
    sentences.extend(nearness(document, near, references));
    let about = Heading::Input {
        name: document.name.clone(),
    };
    let section = Section {
        heading: about.write(Locale::English),
        about,
        sentences,
    };
    (section, excerpt)
}

fn unread(document: &Document<'_>, references: &mut References) -> Sentence {
    let name = document.name.clone();
    let rests_on = [(document.input, document.name.as_str())];
    references.sentence(Statement::Unread { name }, &rests_on)
}

type Written = (Vec<Sentence>, Option<Excerpt>);

fn recording(document: &Document<'_>, references: &mut References, at: usize) -> Written {
    let Some(transcript) = &document.transcript else {
        return (vec![unread(document, references)], None);
    };
    let name = document.name.as_str();
    let seconds = transcript.value.duration;
    let mut segments = transcript.value.segments.iter();
    let spoken = segments.clone().count();
    let statement = match spoken {
        0 => Statement::Silent {
            name: name.to_owned(),
            seconds,
        },
        _ => Statement::Recording {
            name: name.to_owned(),
            seconds,
            language: transcript.value.language.clone(),
        },
    };
    let whole = [(document.input, name), (transcript.fact, name)];
    let mut sentences = vec![references.sentence(statement, &whole)];
    let heard = [(transcript.fact, name)];
    for segment in segments.by_ref().take(QUOTED) {
        let said = Statement::Said {
            start: segment.start,
            quote: said(&segment.text),
        };
        sentences.push(references.sentence(said, &heard));
    }
    let passages = segments.count() as u32;
    if passages > 0 {
        sentences.push(references.sentence(Statement::MoreSaid { passages }, &heard));
    }
    if spoken == 0 {
        return (sentences, None);
    }
    let reference = references.cite(transcript.fact, name);
    let excerpt = Excerpt::of(&transcript.value.text, Extent::Whole, reference, at);
    (sentences, Some(excerpt))
}

fn text(document: &Document<'_>, references: &mut References, at: usize) -> Written {
    let name = document.name.as_str();
    let language = document.read_language();
    let statement = Statement::Text {
        name: name.to_owned(),
        bytes: document.bytes(),
        language: language.map(|found| found.value.language.clone()),
        confidence: language.map_or(0.0, |found| hundredths(found.value.confidence)),
    };
    let mut rests_on = vec![(document.input, name)];
    rests_on.extend(language.map(|found| (found.fact, name)));
    let mut sentences = vec![references.sentence(statement, &rests_on)];
    let Some(beginning) = document.beginning() else {
        return (sentences, None);
    };
    let read = [(document.input, name)];
    if let Some(quote) = opening(&beginning) {
        sentences.push(references.sentence(Statement::Begins { quote }, &read));
    }
    let reference = references.cite(document.input, name);
    let read = match document.bytes() > BEGINNING {
        true => Extent::Beginning,
        false => Extent::Whole,
    };
    let excerpt = Excerpt::of(&beginning, read, reference, at);
    (sentences, Some(excerpt))
}

impl Excerpt {
    /// Of a text of which so much was read.
    fn of(text: &str, read: Extent, reference: u32, section: usize) -> Self {
        let shown = &text[..text.floor_char_boundary(EXCERPT)];
        let extent = match shown.len() < text.len() {
            true => Extent::Beginning,
            false => read,
        };
        Self {
            section,
            reference,
            text: shown.to_owned(),
            extent,
        }
    }
}

fn nearness(
    document: &Document<'_>,
    near: Option<(&Document<'_>, f32)>,
    references: &mut References,
) -> Option<Sentence> {
    let (other, similarity) = near?;
    let rests_on = [
        (document.embedding.as_ref()?.fact, document.name.as_str()),
        (other.embedding.as_ref()?.fact, other.name.as_str()),
    ];
    let nearest = Statement::Nearest {
        other: other.name.clone(),
        similarity,
    };
    Some(references.sentence(nearest, &rests_on))
}

impl Draft {
    /// Adds a model's sentence behind the first one of its section.
    pub(super) fn add(&mut self, section: usize, reference: u32, text: String) {
        if let Some(section) = self.report.sections.get_mut(section) {
            let at = section.sentences.len().min(1);
            let sentence = Sentence {
                text,
                references: vec![reference],
                author: Author::Model,
                says: None,
            };
            section.sentences.insert(at, sentence);
        }
    }

    /// Says that the sentences which a model added about some documents rest on their beginnings.
    pub(super) fn tell_of_beginnings(&mut self, references: Vec<u32>) {
        let says = Statement::Beginnings {
            inputs: references.len() as u32,
            bytes: EXCERPT as u32,
        };
        self.tell(says, references);
    }

    /// Says that a model was asked about so many documents, and not about these behind them.
    pub(super) fn tell_of_unasked(&mut self, asked: u32, unasked: &[Excerpt]) {
        let first = unasked.first();
        let first = first.and_then(|first| self.report.sections.get(first.section));
        let Some(first) = first.map(|section| section.heading.clone()) else {
            return;
        };
        let says = Statement::Asked {
            inputs: asked,
            left_out: unasked.len() as u32,
            first,
        };
        self.tell(says, unasked.iter().map(|one| one.reference).collect());
    }

    fn tell(&mut self, says: Statement, references: Vec<u32>) {
        let Some(overview) = self.report.sections.first_mut() else {
            return;
        };
        if !references.is_empty() {
            overview.sentences.push(Sentence {
                text: says.write(Locale::English),
                references,
                author: Author::Facts,
                says: Some(says),
            });
        }
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
        for section in &mut report.sections {
            section.sentences.retain(rests);
        }
        report
            .sections
            .retain(|section| !section.sentences.is_empty());
        report
    }
}
