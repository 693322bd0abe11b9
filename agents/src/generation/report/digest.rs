//! The digest: what an episode came to, on a page at most, whatever the number of its inputs.
//!
//! Its parts are what came, what it is about, what is asked or complained of, what was found, what
//! hangs together, and what came to nothing. Each has a few sentences of bounded length, and says
//! how much it leaves out; the details have all.

mod about;
mod asked;
mod came;
mod found;
#[cfg(test)]
mod tests;
mod ties;

use aimass_locale::{Text, harmless};

use super::documents::Document;
use super::mentions::mentioned;
use super::near::Near;
use super::references::References;
use super::{Section, statement};

/// Inputs that are spoken of one by one. Of more there are counts and groups.
const FEW: usize = 3;
/// Characters of a name.
const NAME: usize = 32;
/// Characters of a quote.
const QUOTE: usize = 120;

/// Returns the parts of the digest that have something to say.
pub(super) fn digest(
    documents: &[Document<'_>],
    nearest: &[Option<Near>],
    references: &mut References,
) -> Vec<Section> {
    let mentioned = mentioned(documents);
    let came = came::sentences(documents, references);
    let about = about::sentences(documents, &mentioned, references);
    let asked = asked::sentences(documents, references);
    let found = found::sentences(documents, references);
    let ties = ties::sentences(documents, nearest, &mentioned, references);
    let failed = came::unread(documents, references);
    let parts = [
        (statement::came(), came),
        (statement::about(), about),
        (statement::asked(), asked),
        (statement::found(), found),
        (statement::ties(), ties),
        (statement::failed(), failed.into_iter().collect()),
    ];
    let parts = parts.into_iter();
    let parts = parts.filter(|(_, sentences)| !sentences.is_empty());
    parts
        .map(|(heading, sentences)| Section::new(heading, sentences))
        .collect()
}

/// How a document is called in the digest.
fn short(document: &Document<'_>) -> String {
    harmless::brief(&document.name, NAME)
}

/// A sentence, word for word, as far as there is room for it.
fn quote(sentence: &str) -> String {
    crate::quotes::quoted_within(sentence, QUOTE)
}

/// `a.txt, b.txt and 4 more`: the names of documents, as far as there is room.
fn named(documents: &[&Document<'_>]) -> Text {
    let names: Vec<String> = documents.iter().take(FEW).map(|one| short(one)).collect();
    statement::named(&names, documents.len().saturating_sub(names.len()))
}
