//! Whether a sentence that a model wrote may stand: it must say what the text says, in the text's
//! words, or it is left out. A dull report is better than a false one.
//!
//! Small models put together what does not belong together, so it is not enough that each word of a
//! sentence occurs somewhere. All its words of content must stand close together in the text, in
//! their order, and be denied where the text denies them. Whether the sentence also means the same
//! is measured apart, by embeddings.

mod words;

use std::collections::HashSet;

use aimass_locale::harmless::is_unruly;

use super::annotate::Reason;
use super::mentions::{digits, is_month};
use super::sentences::{ends, is_written_closely, sentences};
use words::{Word, content, is_denial, is_person, words};

/// Characters that a sentence may have.
const MAX_SENTENCE: usize = 200;
/// Words of content that a sentence needs to say something.
const MIN_CONTENT: usize = 3;
/// Sentences of the text that together must hold what the sentence says.
const WINDOW: usize = 2;

/// Numbers in words.
const NUMBER_WORDS: [&str; 28] = [
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
    "thirty",
    "forty",
    "fifty",
    "hundred",
    "thousand",
    "million",
    "dozen",
    "half",
];

/// Returns what is wrong with a sentence about `source`, if anything is.
pub(super) fn flaw(sentence: &str, source: &str) -> Option<Reason> {
    let readable = |character: char| !is_unruly(character) && !is_written_closely(character);
    let fits = sentence.chars().count() <= MAX_SENTENCE && sentence.chars().all(readable);
    if !fits || !ends(sentence) || sentence.ends_with('?') {
        return Some(Reason::Form);
    }
    let said = words(sentence);
    if said.iter().any(|word| is_person(&word.lower)) {
        return Some(Reason::Person);
    }
    let known = words(source);
    let numbers: HashSet<String> = numbers(source).collect();
    let lower: HashSet<&str> = known.iter().map(|word| word.lower.as_str()).collect();
    let is_unknown = |word: &Word| !lower.contains(word.lower.as_str());
    let in_words = |word: &Word| NUMBER_WORDS.contains(&word.lower.as_str());
    if self::numbers(sentence).any(|number| !numbers.contains(&number))
        || said.iter().any(|word| in_words(word) && is_unknown(word))
    {
        return Some(Reason::Number);
    }
    // A sentence begins with a capital, whatever its first word is.
    let named = said.iter().skip(1).filter(|word| word.has_capital);
    let months = said.iter().filter(|word| is_month(&word.lower));
    if named.chain(months).any(is_unknown) {
        return Some(Reason::Name);
    }
    let content = content(&said);
    if content.len() < MIN_CONTENT {
        return Some(Reason::Form);
    }
    let stems: HashSet<&str> = known.iter().map(|word| word.stem.as_str()).collect();
    if !content.iter().all(|stem| stems.contains(stem)) {
        return Some(Reason::Word);
    }
    let Some(window) = window(&content, source) else {
        return Some(Reason::Order);
    };
    let denials = |words: &[Word]| words.iter().filter(|word| is_denial(&word.lower)).count();
    (denials(&said) != denials(&window)).then_some(Reason::Denial)
}

/// Returns the fewest sentences that follow each other in `source` and hold those words in their
/// order.
fn window(content: &[&str], source: &str) -> Option<Vec<Word>> {
    let sentences: Vec<Vec<Word>> = sentences(source).iter().map(|one| words(one)).collect();
    for length in 1..=WINDOW {
        let mut windows = sentences.windows(length).map(<[_]>::concat);
        if let Some(window) = windows.find(|window| holds(window, content)) {
            return Some(window);
        }
    }
    None
}

/// Whether the words of content stand in a window in that order.
fn holds(window: &[Word], content: &[&str]) -> bool {
    let mut stems = window.iter().map(|word| word.stem.as_str());
    content.iter().all(|stem| stems.any(|known| known == *stem))
}

/// The numbers of a text, by their digits alone: `1,840` is 1840.
fn numbers(text: &str) -> impl Iterator<Item = String> {
    let pieces = text.split(|character: char| {
        !character.is_numeric() && !matches!(character, '.' | ',' | ':' | '\'')
    });
    pieces.map(digits).filter(|number| !number.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LETTER: &str = "Dear Ms Okafor, the crane on pier four stood still again for most of Tuesday. The night shift found that \
                          the brake overheats whenever the wind turns. We have not received 1,840 euros, which were due on the \
                          third of May. Tom Brandt promised a new brake in June.";

    #[test]
    fn a_sentence_that_says_what_its_text_says_stands() {
        for sentence in [
            "The crane stood still on Tuesday.",
            "The text says that the crane on pier four stood still for most of Tuesday.",
            "The night shift found that the brake overheats when the wind turns.",
            "Tom Brandt promises a new brake in June.",
            "1,840 euros were not received that were due in May.",
        ] {
            let expected = match sentence.starts_with("1,840") {
                // Its words have another order, which small models get wrong too often.
                true => Some(Reason::Order),
                false => None,
            };
            assert_eq!(flaw(sentence, LETTER), expected, "{sentence}");
        }
    }

    #[test]
    fn a_sentence_that_knows_more_or_says_otherwise_is_left_out() {
        for (sentence, why) in [
            ("The crane stood still for 11 hours.", Reason::Number),
            ("The crane stood still for eleven hours.", Reason::Number),
            (
                "The crane on pier four of Rotterdam stood still.",
                Reason::Name,
            ),
            ("The crane on pier four stood still in April.", Reason::Name),
            ("The crane on pier four fell over.", Reason::Word),
            ("The brake promised a crane on Tuesday.", Reason::Order),
            (
                "The night shift received 1,840 euros due in May.",
                Reason::Denial,
            ),
            (
                "The euros were received that were due in May.",
                Reason::Order,
            ),
            (
                "The crane on pier four never stood still on Tuesday.",
                Reason::Denial,
            ),
            ("We lost the crane on pier four on Tuesday.", Reason::Person),
            ("It is about a crane.", Reason::Form),
            ("The crane on pier four stood still and", Reason::Form),
            ("Did the crane on pier four stand still?", Reason::Form),
            ("The crane on pier four\nstood still.", Reason::Form),
            ("", Reason::Form),
            ("那台起重机停了。", Reason::Form),
        ] {
            assert_eq!(flaw(sentence, LETTER), Some(why), "{sentence}");
        }
        let long = format!("The crane{} stood still.", " and the crane".repeat(30));
        assert_eq!(flaw(&long, LETTER), Some(Reason::Form));
    }
}
