//! The details: a section for each input, with all that was found out about it.

use aimass_runtime::FoundLanguage;

use super::documents::Document;
use super::near::{Near, hundredths};
use super::opening::opening;
use super::references::References;
use super::{Section, Sentence, statement};

/// Returns a section for each document, in their order.
pub(super) fn details(
    documents: &[Document<'_>],
    nearest: &[Option<Near>],
    references: &mut References,
) -> Vec<Section> {
    let mut sections = Vec::new();
    for (at, document) in documents.iter().enumerate() {
        let near = nearest.get(at).and_then(Option::as_ref);
        let near = near.and_then(|near| Some((documents.get(near.other)?, near.similarity)));
        sections.push(section(document, near, references));
    }
    sections
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
pub(super) fn identity(document: &Document<'_>, references: &mut References) -> Sentence {
    let name = document.name.as_str();
    let given = (document.input, name);
    let told = document.views();
    let told = told.filter_map(|(fact, view)| Some((fact, view.identity.clone()?)));
    if let Some((fact, sentence)) = told.last() {
        return references.sentence(sentence, &[given, (fact, name)]);
    }
    let Some(noun) = document.noun.as_ref().filter(|_| document.is_read()) else {
        return references.sentence(statement::unread(&name.into()), &[given]);
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
