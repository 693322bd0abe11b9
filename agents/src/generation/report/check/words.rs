//! Words as the check compares them: by their stems, without those that only hold a sentence
//! together.

use rust_stemmers::{Algorithm, Stemmer};
use unicode_segmentation::UnicodeSegmentation;

/// Words that hold sentences together and say nothing alone.
const FUNCTION_WORDS: [&str; 104] = [
    "a",
    "an",
    "the",
    "this",
    "that",
    "these",
    "those",
    "there",
    "here",
    "it",
    "its",
    "he",
    "she",
    "his",
    "her",
    "him",
    "they",
    "them",
    "their",
    "who",
    "whom",
    "whose",
    "which",
    "what",
    "when",
    "where",
    "while",
    "how",
    "is",
    "are",
    "was",
    "were",
    "be",
    "been",
    "being",
    "am",
    "has",
    "have",
    "had",
    "having",
    "do",
    "does",
    "did",
    "will",
    "would",
    "shall",
    "should",
    "can",
    "could",
    "of",
    "to",
    "in",
    "on",
    "at",
    "by",
    "for",
    "from",
    "with",
    "about",
    "into",
    "onto",
    "as",
    "and",
    "or",
    "but",
    "so",
    "if",
    "then",
    "than",
    "also",
    "too",
    "such",
    "some",
    "any",
    "each",
    "other",
    "another",
    "very",
    "much",
    "many",
    "more",
    "most",
    "just",
    "only",
    "up",
    "down",
    "out",
    "over",
    "off",
    "because",
    "since",
    "during",
    "through",
    "between",
    "both",
    "themselves",
    "himself",
    "herself",
    "itself",
    "own",
    "whenever",
    "wherever",
    "until",
    "again",
];
/// Words by which a sentence speaks of the text.
const FRAME_WORDS: [&str; 12] = [
    "text",
    "passage",
    "says",
    "say",
    "said",
    "states",
    "describes",
    "tells",
    "mentions",
    "explains",
    "author",
    "writer",
];
/// Words that deny. A word that ends in `n't` does, too.
const DENIALS: [&str; 13] = [
    "not", "no", "never", "none", "nobody", "nothing", "neither", "nor", "without", "cannot",
    "hardly", "nowhere", "unless",
];
/// The words of somebody who speaks, or is spoken to.
const PERSONS: [&str; 14] = [
    "i",
    "me",
    "my",
    "mine",
    "myself",
    "we",
    "us",
    "our",
    "ours",
    "ourselves",
    "you",
    "your",
    "yours",
    "yourself",
];

/// A word of a text.
#[derive(Debug, Clone)]
pub(super) struct Word {
    pub(super) lower: String,
    pub(super) stem: String,
    pub(super) has_capital: bool,
}

/// Returns the words of a text, without the `'s` of an owner.
pub(super) fn words(text: &str) -> Vec<Word> {
    let stemmer = Stemmer::create(Algorithm::English);
    let word = |word: &str| {
        let lower = word.to_lowercase().replace('’', "'");
        let lower = lower.strip_suffix("'s").unwrap_or(&lower).to_owned();
        Word {
            stem: stemmer.stem(&lower).into_owned(),
            has_capital: word.chars().any(char::is_uppercase),
            lower,
        }
    };
    text.unicode_words().map(word).collect()
}

/// Returns the stems of the words of a sentence that say something.
pub(super) fn content(words: &[Word]) -> Vec<&str> {
    let says = |word: &&Word| {
        let lower = word.lower.as_str();
        let holds = FUNCTION_WORDS.contains(&lower) || FRAME_WORDS.contains(&lower);
        !holds && !is_denial(lower)
    };
    words
        .iter()
        .filter(says)
        .map(|word| word.stem.as_str())
        .collect()
}

/// Whether a word, in small letters, denies.
pub(super) fn is_denial(lower: &str) -> bool {
    DENIALS.contains(&lower) || lower.ends_with("n't")
}

/// Whether a word, in small letters, is that of somebody who speaks or is spoken to.
pub(super) fn is_person(lower: &str) -> bool {
    let before = lower.split('\'').next().unwrap_or(lower);
    PERSONS.contains(&before)
}
