//! What it is about: a sentence of each of a few inputs, or of the largest groups of many; and the
//! dates, amounts and names in them.

use aimass_runtime::Fact;

use super::super::documents::Document;
use super::super::mentions::{Kind, Mentioned};
use super::super::near::groups;
use super::super::opening::key_sentence;
use super::super::references::References;
use super::super::{Sentence, statement};
use super::{FEW, quote, short};

/// Things of one kind that are named.
const NAMED: usize = 5;

pub(super) fn sentences(
    documents: &[Document<'_>],
    mentioned: &[Mentioned],
    references: &mut References,
) -> Vec<Sentence> {
    let mut sentences = match documents.len() <= FEW {
        true => documents
            .iter()
            .filter_map(|document| says(document, references))
            .collect(),
        false => grouped(documents, references),
    };
    for kind in [Kind::Date, Kind::Amount, Kind::Name] {
        sentences.extend(things(documents, mentioned, kind, references));
    }
    sentences
}

/// A sentence of a document.
fn says(document: &Document<'_>, references: &mut References) -> Option<Sentence> {
    let (fact, excerpt) = document.excerpt()?;
    let quote = quote(&key_sentence(&excerpt.text)?);
    let says = statement::says(&short(document), &quote);
    Some(references.sentence(says, &[(fact, &document.name)]))
}

/// Of the largest groups of documents that are close in meaning, a sentence of the first document of
/// each.
fn grouped(documents: &[Document<'_>], references: &mut References) -> Vec<Sentence> {
    let mut sentences = Vec::new();
    for group in groups(documents) {
        if sentences.len() == FEW {
            break;
        }
        let members: Vec<&Document<'_>> =
            group.iter().filter_map(|at| documents.get(*at)).collect();
        let Some(first) = members.first() else {
            continue;
        };
        if members.len() == 1 {
            sentences.extend(says(first, references));
            continue;
        }
        let sentence = first.excerpt();
        let sentence =
            sentence.and_then(|(fact, excerpt)| Some((fact, key_sentence(&excerpt.text)?)));
        let Some((fact, sentence)) = sentence else {
            continue;
        };
        let says = statement::group(members.len(), &short(first), &quote(&sentence));
        let meanings = members
            .iter()
            .filter_map(|one| Some((one.meaning()?.0, one.name.as_str())));
        let mut rests_on: Vec<(&Fact, &str)> = vec![(fact, &first.name)];
        rests_on.extend(meanings);
        sentences.push(references.sentence(says, &rests_on));
    }
    sentences
}

/// The things of a kind that documents speak of, those of most documents first.
fn things(
    documents: &[Document<'_>],
    mentioned: &[Mentioned],
    kind: Kind,
    references: &mut References,
) -> Option<Sentence> {
    let all: Vec<&Mentioned> = mentioned.iter().filter(|one| one.kind == kind).collect();
    let shown = all.get(..all.len().min(NAMED))?;
    if shown.is_empty() {
        return None;
    }
    let mut rests_on = Vec::new();
    for at in shown.iter().flat_map(|one| &one.documents) {
        let document = documents.get(*at)?;
        rests_on.push((document.excerpt()?.0, document.name.as_str()));
    }
    let texts: Vec<&str> = shown.iter().map(|one| one.text.as_str()).collect();
    let says = statement::things(kind, &texts, all.len() - shown.len());
    Some(references.sentence(says, &rests_on))
}
