//! What hangs together: inputs that speak of the same thing, and the two that mean the most similar.

use aimass_runtime::Fact;

use super::super::documents::Document;
use super::super::mentions::{Kind, Mentioned};
use super::super::near::{COMPARED, GROUPED, Near};
use super::super::references::References;
use super::super::{Sentence, statement};
use super::{named, short};

/// Things that inputs share, as far as they are named.
const SHARED: usize = 3;

pub(super) fn sentences(
    documents: &[Document<'_>],
    nearest: &[Option<Near>],
    mentioned: &[Mentioned],
    references: &mut References,
) -> Vec<Sentence> {
    let mut sentences = shared(documents, mentioned, references);
    sentences.extend(closest(documents, nearest, references));
    let is_compared = |document: &Document<'_>| document.meaning().is_some();
    if documents.iter().skip(COMPARED).any(is_compared) {
        let all: Vec<(&Fact, &str)> = documents
            .iter()
            .map(|document| (document.input, document.name.as_str()))
            .collect();
        sentences.push(references.sentence(statement::compared(COMPARED), &all));
    }
    sentences
}

/// The things that several inputs speak of: numbers and names tie more closely than amounts and days.
fn shared(
    documents: &[Document<'_>],
    mentioned: &[Mentioned],
    references: &mut References,
) -> Vec<Sentence> {
    let of = |kind| {
        let shared = mentioned.iter().filter(move |one| one.kind == kind);
        shared.filter(|one| one.documents.len() > 1 && one.is_particular())
    };
    let kinds = [Kind::Number, Kind::Name, Kind::Amount, Kind::Date];
    let sentence = |shared: &Mentioned| {
        let members: Vec<&Document<'_>> = shared
            .documents
            .iter()
            .filter_map(|at| documents.get(*at))
            .collect();
        let rests_on: Vec<(&Fact, &str)> = members
            .iter()
            .filter_map(|one| Some((one.excerpt()?.0, one.name.as_str())))
            .collect();
        let says = statement::share(&named(&members), members.len(), &shared.text);
        references.sentence(says, &rests_on)
    };
    kinds
        .into_iter()
        .flat_map(of)
        .take(SHARED)
        .map(sentence)
        .collect()
}

fn closest(
    documents: &[Document<'_>],
    nearest: &[Option<Near>],
    references: &mut References,
) -> Option<Sentence> {
    if documents.len() < 2 {
        return None;
    }
    let all = nearest.iter().enumerate();
    let all = all.filter_map(|(at, near)| Some((at, near.as_ref()?)));
    let all = all.filter(|(_, near)| near.similarity >= GROUPED);
    let (at, near) = all.reduce(|best, next| match next.1.similarity > best.1.similarity {
        true => next,
        false => best,
    })?;
    let (one, other) = (documents.get(at)?, documents.get(near.other)?);
    let rests_on = [
        (one.meaning()?.0, one.name.as_str()),
        (other.meaning()?.0, other.name.as_str()),
    ];
    let closest = statement::closest(&short(one), &short(other), near.similarity);
    Some(references.sentence(closest, &rests_on))
}
