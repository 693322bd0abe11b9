//! Whether a sentence that a model wrote may stand: it must not know more than the text that it is about.

use std::collections::HashSet;

use aimass_locale::harmless::is_unruly;
use unicode_segmentation::UnicodeSegmentation;

use super::opening::is_written_closely;

/// Characters that a sentence may have.
const MAX_SENTENCE: usize = 300;

/// Words that begin sentences without being names.
const BEGINNINGS: [&str; 36] = [
    "a", "all", "an", "and", "as", "at", "both", "but", "each", "for", "from", "he", "here", "his",
    "her", "i", "if", "in", "it", "its", "on", "our", "she", "some", "that", "the", "their",
    "there", "these", "they", "this", "those", "to", "we", "when", "you",
];

/// Numbers in words.
const NUMBER_WORDS: [&str; 26] = [
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
];

/// Whether `sentence` names no number and no name that `source` has not.
///
/// Names are told by their capitals. So nothing can stand in a script without them, and a noun of German counts as a name: the check errs towards
/// leaving sentences out.
pub(super) fn is_borne_out(sentence: &str, source: &str) -> bool {
    let fits = !sentence.trim().is_empty() && sentence.chars().count() <= MAX_SENTENCE;
    let readable = |character: char| !is_unruly(character) && !is_written_closely(character);
    if !fits || !sentence.chars().all(readable) {
        return false;
    }
    let known: HashSet<String> = words(source).map(|word| word.to_lowercase()).collect();
    let numbers: HashSet<String> = numbers(source).collect();
    if self::numbers(sentence).any(|number| !numbers.contains(&number)) {
        return false;
    }
    words(sentence).enumerate().all(|(at, word)| {
        let lower = word.to_lowercase();
        let is_number = NUMBER_WORDS.contains(&&*lower);
        let is_name = word.chars().any(char::is_uppercase);
        let is_beginning = at == 0 && BEGINNINGS.contains(&&*lower);
        !(is_number || is_name) || is_beginning || lower == "i" || known.contains(&lower)
    })
}

/// The words of a text, without the `'s` of an owner.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let owner = |word| {
        let end = ["'s", "’s"].into_iter();
        let mut stripped = end.filter_map(move |end| str::strip_suffix(word, end));
        stripped.next().unwrap_or(word)
    };
    text.unicode_words().map(owner)
}

/// The numbers of a text, by their digits alone: `1,840` is 1840.
fn numbers(text: &str) -> impl Iterator<Item = String> {
    let pieces = text.split(|character: char| {
        !character.is_numeric() && !matches!(character, '.' | ',' | ':' | '\'')
    });
    let digits = |piece: &str| -> String {
        let digits = piece.chars().filter(|character| character.is_numeric());
        digits.collect()
    };
    pieces.map(digits).filter(|number| !number.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LETTER: &str = "Dear Ms Okafor, the crane on pier four stood still again for most of Tuesday. We have not received 1,840 euros, \
                          which were due on the third of May. Tom Brandt";

    #[test]
    fn a_sentence_that_knows_no_more_than_its_text_stands() {
        for sentence in [
            "The crane stood still on Tuesday.",
            "Tom Brandt's letter says that pier four lost most of Tuesday.",
            "It asks for 1840 euros, due in May.",
            "Okafor is told about the crane.",
        ] {
            assert!(is_borne_out(sentence, LETTER), "{sentence}");
        }
    }

    #[test]
    fn a_sentence_with_a_number_or_a_name_of_its_own_is_left_out() {
        for sentence in [
            "The crane stood still for 11 hours.",
            "The crane stood still for eleven hours.",
            "It asks for 1,850 euros.",
            "The letter is from John Smith.",
            "London is told about the crane.",
            "The crane of Rotterdam stood still.",
            "",
            "那台起重机停了。",
            "The crane\nstood still.",
        ] {
            assert!(!is_borne_out(sentence, LETTER), "{sentence}");
        }
        let long = format!("The crane{} stood still.", " and the crane".repeat(30));
        assert!(!is_borne_out(&long, LETTER));
    }
}
