//! Names, by their capitals: behind a title, or of two words and more. Who they are of is not
//! known.
//!
//! German writes every noun with a capital and Chinese none, so in these, and where the language is
//! not known, only what follows a title is taken for a name. A text with many capitals, such as one of three hundred years ago or a list
//! of headings, gives none.

use std::collections::HashSet;

use unicode_segmentation::UnicodeSegmentation;

use super::dates::is_month;
use super::{Kind, Mention};

/// Words before a name.
const TITLES: [&str; 16] = [
    "Mr",
    "Mrs",
    "Ms",
    "Miss",
    "Dr",
    "Prof",
    "Professor",
    "Herr",
    "Herrn",
    "Frau",
    "Monsieur",
    "Madame",
    "Mme",
    "Señor",
    "Señora",
    "Captain",
];
/// Small words inside names.
const LINKS: [&str; 8] = ["of", "de", "la", "van", "von", "der", "du", "del"];
/// Words with a capital that are no part of a name: of greetings, of the calendar, pronouns.
const OTHERS: [&str; 76] = [
    "i",
    "dear",
    "hi",
    "hello",
    "hey",
    "best",
    "kind",
    "warm",
    "regards",
    "wishes",
    "yours",
    "thank",
    "thanks",
    "sir",
    "madam",
    "subject",
    "re",
    "from",
    "to",
    "date",
    "cc",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "english",
    "french",
    "german",
    "chinese",
    "spanish",
    "please",
    "ok",
    "yes",
    "no",
    "chapter",
    "part",
    "figure",
    "table",
    "section",
    "note",
    "page",
    "kollegin",
    "kollege",
    "the",
    "a",
    "an",
    "this",
    "that",
    "these",
    "those",
    "we",
    "he",
    "she",
    "it",
    "they",
    "you",
    "my",
    "your",
    "our",
    "in",
    "on",
    "at",
    "and",
    "but",
    "for",
    "as",
    "if",
    "when",
    "there",
    "here",
    "what",
    "how",
    "why",
];
/// Languages whose nouns have no capitals, unless they are names.
const WITHOUT_CAPITALS: [&str; 8] = ["en", "fr", "es", "it", "pt", "nl", "pl", "tr"];
/// More capitals than this share of the words within sentences are a way of writing, and no names.
const MOST_CAPITALS: f64 = 0.2;
/// Words of one name.
const LONGEST: usize = 4;

/// A word of a text.
struct Word<'t> {
    text: &'t str,
    start: usize,
    begins_sentence: bool,
    /// Whether only a space, or the point of a title, stands before it.
    follows: bool,
}

impl Word<'_> {
    fn end(&self) -> usize {
        self.start + self.text.len()
    }

    fn is_title(&self) -> bool {
        TITLES.contains(&self.text)
    }

    /// A capital and small letters: what is all capitals is an abbreviation.
    fn has_capital(&self) -> bool {
        let mut characters = self.text.chars();
        let capital = characters.next().is_some_and(char::is_uppercase);
        capital && characters.any(char::is_lowercase)
    }

    fn may_be_name(&self, small: &HashSet<String>) -> bool {
        let lower = self.text.to_lowercase();
        self.has_capital()
            && !OTHERS.contains(&&*lower)
            && !is_month(&lower)
            && !small.contains(&lower)
    }
}

/// Returns the names of a text in that language.
pub(super) fn find(text: &str, language: Option<&str>) -> Vec<Mention> {
    let words = words(text);
    // What is also written small is a word like others.
    let small: HashSet<String> = words
        .iter()
        .filter(|word| word.text.chars().all(char::is_lowercase))
        .map(|word| word.text.to_owned())
        .collect();
    let by_capitals = language.is_some_and(|language| WITHOUT_CAPITALS.contains(&language))
        && share_of_capitals(&words) <= MOST_CAPITALS;
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let titled = word.is_title();
        if !(titled || by_capitals && word.may_be_name(&small)) {
            at += 1;
            continue;
        }
        let end = end_of_name(&words, at, &small);
        let least = if titled { 1 } else { 2 };
        let own = words.get(at..end).unwrap_or_default();
        let capitals = own.iter().filter(|word| word.has_capital()).count();
        if let Some(last) = own.last().filter(|_| capitals >= least && own.len() > 1) {
            let place = word.start..last.end();
            let shown = text.get(place.clone()).unwrap_or_default();
            let shown = shown.split_whitespace().collect::<Vec<_>>().join(" ");
            found.push(Mention {
                kind: Kind::Name,
                key: shown.to_lowercase(),
                text: shown,
                place,
            });
        }
        at = end.max(at + 1);
    }
    found
}

/// The place behind the last word of the name that begins at `at`.
fn end_of_name(words: &[Word<'_>], at: usize, small: &HashSet<String>) -> usize {
    let mut end = at + 1;
    while let Some(next) = words.get(end).filter(|next| next.follows) {
        if end - at >= LONGEST {
            break;
        }
        let behind = words.get(end + 1);
        let links = LINKS.contains(&next.text)
            && behind.is_some_and(|word| word.follows && word.may_be_name(small));
        if !links && !next.may_be_name(small) {
            break;
        }
        end += 1;
    }
    end
}

/// How many of the words within sentences have a capital for which nothing else accounts.
fn share_of_capitals(words: &[Word<'_>]) -> f64 {
    let (mut all, mut capitals) = (0_u32, 0_u32);
    let before = [None].into_iter().chain(words.iter().map(Some));
    for (word, before) in words.iter().zip(before) {
        if word.begins_sentence {
            continue;
        }
        let lower = word.text.to_lowercase();
        let titled = word.is_title() || before.is_some_and(Word::is_title);
        let accounted = titled || is_month(&lower) || OTHERS.contains(&&*lower);
        all += 1;
        capitals += u32::from(word.has_capital() && !accounted);
    }
    // A few words are too few to tell.
    if all < 20 {
        return 0.0;
    }
    f64::from(capitals) / f64::from(all)
}

fn words(text: &str) -> Vec<Word<'_>> {
    let mut words: Vec<Word<'_>> = Vec::new();
    for (start, word) in text.unicode_word_indices() {
        let last = words.last();
        let between = last.map_or("", |last| text.get(last.end()..start).unwrap_or_default());
        let behind_title = last.is_some_and(Word::is_title);
        let follows = last.is_some() && (between == " " || behind_title && between == ". ");
        let ends = between.contains(['.', '!', '?', '\n', ':', '“', '"', '•', '-']);
        words.push(Word {
            text: word,
            start,
            begins_sentence: last.is_none() || ends && !follows,
            follows,
        });
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, language: &str) -> Vec<String> {
        let found = find(text, Some(language)).into_iter();
        found.map(|one| one.text).collect()
    }

    #[test]
    fn names_are_told_by_titles_and_capitals() {
        for (text, language, names) in [
            (
                "I met Dr. Chen and Mrs Bell.",
                "en",
                vec!["Dr. Chen", "Mrs Bell"],
            ),
            (
                "We sailed from the Port of Rotterdam with Tom Brandt.",
                "en",
                vec!["Port of Rotterdam", "Tom Brandt"],
            ),
            (
                "Herr Braun bat Frau Öztürk um Geduld.",
                "de",
                vec!["Herr Braun", "Frau Öztürk"],
            ),
            ("Der Hund biss den Mann im Garten.", "de", vec![]),
            ("Dear Sir or Madam, I am well.", "en", vec![]),
            ("On Monday The Cat sat.", "en", vec![]),
        ] {
            assert_eq!(found(text, language), names, "{text}");
        }
    }

    #[test]
    fn a_text_that_writes_its_nouns_with_capitals_has_no_names() {
        let opticks = "By the Rays of Light I understand its least Parts, and those as well Successive in the same \
                       Lines, as Contemporary in several Lines. For it is manifest that Light consists of Parts.";
        assert_eq!(found(opticks, "en"), Vec::<String>::new());
    }
}
