//! What is asked or complained of: the sentences themselves.

use aimass_runtime::Fact;

use super::super::asks::{Ask, asks};
use super::super::documents::Document;
use super::super::references::References;
use super::super::{Sentence, statement};
use super::{FEW, quote, short};

/// Sentences that are quoted.
const QUOTED: usize = 3;
/// Sentences of one document, where there are few.
const OF_ONE: usize = 2;

pub(super) fn sentences(documents: &[Document<'_>], references: &mut References) -> Vec<Sentence> {
    let found = |document| -> Option<(&Document<'_>, &Fact, Vec<Ask>)> {
        let document: &Document<'_> = document;
        let (fact, excerpt) = document.excerpt()?;
        let asks = asks(&excerpt.text);
        (!asks.is_empty()).then_some((document, fact, asks))
    };
    let mut found: Vec<_> = documents.iter().filter_map(found).collect();
    // Who asks most plainly comes first; of those that ask alike, who asks most, then who came first.
    let plainness = |asks: &[Ask]| (asks.first().map(Ask::weight), asks.len());
    found.sort_by_key(|(_, _, asks)| std::cmp::Reverse(plainness(asks)));
    let of_one = if found.len() <= FEW { OF_ONE } else { 1 };
    let mut sentences = Vec::new();
    let mut said = 0;
    for (document, fact, asks) in &found {
        if sentences.len() >= QUOTED {
            break;
        }
        said += 1;
        for ask in asks.iter().take(of_one.min(QUOTED - sentences.len())) {
            let says = statement::says(&short(document), &quote(&ask.sentence));
            sentences.push(references.sentence(says, &[(fact, &document.name)]));
        }
    }
    let more: Vec<(&Fact, &str)> = found
        .iter()
        .skip(said)
        .map(|(document, fact, _)| (*fact, document.name.as_str()))
        .collect();
    if !more.is_empty() {
        sentences.push(references.sentence(statement::more_ask(more.len() as u32), &more));
    }
    sentences
}
