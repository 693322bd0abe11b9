//! What came: how many inputs of each kind, in which languages, and of which nothing was found out.

use std::collections::BTreeMap;

use aimass_locale::Text;
use aimass_runtime::{Fact, Noun};

use super::super::details::identity;
use super::super::documents::Document;
use super::super::references::References;
use super::super::{Sentence, statement};
use super::{FEW, named};

pub(super) fn sentences(documents: &[Document<'_>], references: &mut References) -> Vec<Sentence> {
    let all: Vec<(&Fact, &str)> = documents
        .iter()
        .map(|document| (document.input, document.name.as_str()))
        .collect();
    let mut sentences = vec![references.sentence(given(documents), &all)];
    if documents.len() <= FEW {
        let read = documents.iter().filter(|document| document.is_read());
        sentences.extend(read.map(|document| identity(document, references)));
    }
    sentences.extend(languages(documents, references));
    sentences
}

/// The inputs of which nothing was found out.
pub(super) fn unread(documents: &[Document<'_>], references: &mut References) -> Option<Sentence> {
    let unread: Vec<&Document<'_>> = documents.iter().filter(|one| !one.is_read()).collect();
    if unread.is_empty() {
        return None;
    }
    let facts: Vec<(&Fact, &str)> = unread
        .iter()
        .map(|document| (document.input, document.name.as_str()))
        .collect();
    Some(references.sentence(statement::unread(&named(&unread)), &facts))
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
    // Of few inputs it is said with each.
    if documents.len() <= FEW || rests_on.is_empty() {
        return None;
    }
    let counts = counts
        .into_iter()
        .map(|(code, count)| (code.to_owned(), count));
    let mut counts: Vec<(String, u32)> = counts.collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    Some(references.sentence(statement::languages(&counts), &rests_on))
}
