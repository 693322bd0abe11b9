//! From facts to sentences: the structure of a report, which nobody invents.

use std::collections::{BTreeMap, HashSet};

use aimass_locale::Text;
use aimass_runtime::{Extent, Fact, FactView, FoundLanguage, Noun, Views};

use super::documents::{Document, documents};
use super::near::{COMPARED, Near, hundredths, nearest};
use super::opening::opening;
use super::references::References;
use super::{Author, Report, Section, Sentence, statement};

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

/// Puts a report together. Blocks: views may read the files that facts are about.
pub(super) fn compose(facts: &[Fact], views: &Views) -> Draft {
    let documents = documents(facts, views);
    let nearest = nearest(&documents);
    let mut references = References::default();
    let mut sections = vec![overview(&documents, &nearest, &mut references)];
    let mut excerpts = Vec::new();
    for (at, document) in documents.iter().enumerate() {
        let near = nearest.get(at).and_then(Option::as_ref);
        let near = near.and_then(|near| Some((documents.get(near.other)?, near.similarity)));
        let at = sections.len();
        sections.push(section(document, near, &mut references));
        excerpts.extend(excerpt(document, &mut references, at));
    }
    let inputs = documents.len() as u32;
    let report = Report {
        title: statement::title(inputs).english,
        inputs,
        sections,
        references: references.into_all(),
        ..Report::default()
    };
    Draft { report, excerpts }
}

fn overview(
    documents: &[Document<'_>],
    nearest: &[Option<Near>],
    references: &mut References,
) -> Section {
    let all: Vec<(&Fact, &str)> = documents
        .iter()
        .map(|document| (document.input, document.name.as_str()))
        .collect();
    let mut sentences = vec![references.sentence(given(documents), &all)];
    sentences.extend(languages(documents, references));
    sentences.extend(closest(documents, nearest, references));
    let is_compared = |document: &Document<'_>| document.meaning().is_some();
    if documents.iter().skip(COMPARED).any(is_compared) {
        sentences.push(references.sentence(statement::compared(COMPARED), &all));
    }
    Section::new(statement::overview(), sentences)
}

/// How many inputs of each kind there are.
fn given(documents: &[Document<'_>]) -> Text {
    let mut kinds: Vec<(Noun, u32)> = Vec::new();
    let mut others = 0;
    for document in documents {
        let Some(noun) = &document.noun else {
            others += 1;
            continue;
        };
        match kinds.iter_mut().find(|(known, _)| known == noun) {
            Some((_, count)) => *count += 1,
            None => kinds.push((noun.clone(), 1)),
        }
    }
    statement::inputs(&kinds, others)
}

fn languages(documents: &[Document<'_>], references: &mut References) -> Option<Sentence> {
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    let mut rests_on = Vec::new();
    for document in documents {
        if let Some((fact, language)) = document.language() {
            *counts.entry(&language.code).or_default() += 1;
            rests_on.push((fact, document.name.as_str()));
        }
    }
    // Of a single one its own section says it.
    if rests_on.len() < 2 {
        return None;
    }
    let counts = counts
        .into_iter()
        .map(|(code, count)| (code.to_owned(), count));
    let mut counts: Vec<(String, u32)> = counts.collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    Some(references.sentence(statement::languages(&counts), &rests_on))
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
        (one.meaning()?.0, one.name.as_str()),
        (other.meaning()?.0, other.name.as_str()),
    ];
    let closest = statement::closest(&one.name, &other.name, near.similarity);
    Some(references.sentence(closest, &rests_on))
}

/// The section of a document: what it is, what its views state, and what is near it.
fn section(
    document: &Document<'_>,
    near: Option<(&Document<'_>, f32)>,
    references: &mut References,
) -> Section {
    let name = document.name.as_str();
    let mut sentences = vec![identity(document, references)];
    sentences.extend(opening_of(document, references));
    for (fact, view) in document.views() {
        let stated = view.statements.iter();
        sentences.extend(stated.map(|text| references.sentence(text.clone(), &[(fact, name)])));
    }
    sentences.extend(nearness(document, near, references));
    Section::new(document.name.as_str().into(), sentences)
}

/// How an input begins that is a text itself.
fn opening_of(document: &Document<'_>, references: &mut References) -> Option<Sentence> {
    let excerpt = document.given().excerpt.as_ref()?;
    let quote = opening(&excerpt.text)?;
    let given = (document.input, document.name.as_str());
    Some(references.sentence(statement::begins(&quote), &[given]))
}

/// What a document is: as the last view says it, else by its kind.
fn identity(document: &Document<'_>, references: &mut References) -> Sentence {
    let name = document.name.as_str();
    let given = (document.input, name);
    let told = document.views();
    let told = told.filter_map(|(fact, view)| Some((fact, view.identity.clone()?)));
    if let Some((fact, sentence)) = told.last() {
        return references.sentence(sentence, &[given, (fact, name)]);
    }
    let tells = |view: &FactView| {
        let says = !view.statements.is_empty() || view.excerpt.is_some();
        says || view.language.is_some() || view.meaning.is_some()
    };
    let is_known = document.views().any(|(_, view)| tells(view));
    let Some(noun) = document.noun.as_ref().filter(|_| is_known) else {
        return references.sentence(statement::unread(name), &[given]);
    };
    let language = document.language();
    let found = language.map(|(_, found)| {
        let confidence = hundredths(found.confidence);
        FoundLanguage {
            confidence,
            ..found.clone()
        }
    });
    let sentence = statement::identity(name, noun, document.bytes(), found.as_ref());
    let mut rests_on = vec![given];
    rests_on.extend(language.map(|(fact, _)| (fact, name)));
    references.sentence(sentence, &rests_on)
}

fn nearness(
    document: &Document<'_>,
    near: Option<(&Document<'_>, f32)>,
    references: &mut References,
) -> Option<Sentence> {
    let (other, similarity) = near?;
    let rests_on = [
        (document.meaning()?.0, document.name.as_str()),
        (other.meaning()?.0, other.name.as_str()),
    ];
    Some(references.sentence(statement::nearest(&other.name, similarity), &rests_on))
}

/// The words of a document, for its section at that place.
fn excerpt(
    document: &Document<'_>,
    references: &mut References,
    section: usize,
) -> Option<Excerpt> {
    let (fact, whole) = document.excerpt()?;
    let shown = &whole.text[..whole.text.floor_char_boundary(EXCERPT)];
    let extent = match shown.len() < whole.text.len() {
        true => Extent::Beginning,
        false => whole.extent,
    };
    Some(Excerpt {
        section,
        reference: references.cite(fact, &document.name),
        text: shown.to_owned(),
        extent,
    })
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
                texts: None,
            };
            section.sentences.insert(at, sentence);
        }
    }

    /// Says that the sentences which a model added about some documents rest on their beginnings.
    pub(super) fn tell_of_beginnings(&mut self, references: Vec<u32>) {
        self.tell(
            statement::beginnings(references.len() as u32, EXCERPT),
            references,
        );
    }

    /// Says that a model was asked about so many documents, and not about these behind them.
    pub(super) fn tell_of_unasked(&mut self, asked: u32, unasked: &[Excerpt]) {
        let first = unasked.first();
        let first = first.and_then(|first| self.report.sections.get(first.section));
        let Some(first) = first.map(|section| section.heading.clone()) else {
            return;
        };
        let says = statement::asked(asked, unasked.len(), &first);
        self.tell(says, unasked.iter().map(|one| one.reference).collect());
    }

    fn tell(&mut self, says: Text, references: Vec<u32>) {
        let Some(overview) = self.report.sections.first_mut() else {
            return;
        };
        if !references.is_empty() {
            overview
                .sentences
                .push(Sentence::of_facts(says, references));
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
