//! What was found: the first statement that an agent's view makes of each input, where it is more
//! than the words of the input.

use super::super::documents::Document;
use super::super::references::References;
use super::super::{Sentence, statement};
use super::short;

/// Statements that are shown.
const SHOWN: usize = 4;

pub(super) fn sentences(documents: &[Document<'_>], references: &mut References) -> Vec<Sentence> {
    let mut sentences = Vec::new();
    let mut more = Vec::new();
    for document in documents {
        for (fact, view) in document.views() {
            // The statements of a view with words quote them.
            let Some(first) = view.statements.first().filter(|_| view.excerpt.is_none()) else {
                continue;
            };
            let name = document.name.as_str();
            if sentences.len() == SHOWN {
                more.push((fact, name));
                continue;
            }
            let says = match first.english.contains(name) {
                true => first.clone(),
                false => statement::of(&short(document), first),
            };
            sentences.push(references.sentence(says, &[(fact, name)]));
        }
    }
    if !more.is_empty() {
        sentences.push(references.sentence(statement::more_found(more.len() as u32), &more));
    }
    sentences
}
