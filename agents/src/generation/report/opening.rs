//! How texts begin, and the sentence that says first what one is about.

use super::sentences::{ends, push, sentences};
use crate::quotes::quoted;

/// Characters at which a beginning is long enough.
const MIN_EXCERPT_CHARS: usize = 120;
/// Words that a sentence needs to say something; of scripts without spaces, characters.
const MIN_WORDS: usize = 6;
const MIN_CHARACTERS: usize = 10;

/// Returns the first sentences of a text, until they say something; nothing of a text without words.
pub(super) fn opening(text: &str) -> Option<String> {
    let mut quote = String::new();
    for sentence in sentences(text) {
        push(&mut quote, &sentence);
        if quote.chars().count() >= MIN_EXCERPT_CHARS {
            break;
        }
    }
    (!quote.is_empty()).then(|| quoted(&quote))
}

/// Returns the first whole sentence of a text that says something: behind greeting and heading. Of a
/// text without one, how it begins.
pub(super) fn key_sentence(text: &str) -> Option<String> {
    let all = sentences(text);
    let says = |sentence: &&String| {
        let words = sentence.split_whitespace().count();
        let characters = sentence.chars().filter(|one| one.is_alphabetic()).count();
        let closely = sentence.chars().any(super::sentences::is_written_closely);
        ends(sentence) && (words >= MIN_WORDS || closely && characters >= MIN_CHARACTERS)
    };
    let first = all.iter().find(says).or_else(|| all.first())?;
    Some(first.clone())
}

/// Returns the first sentence of a text, if it has one that ends.
pub(super) fn first_sentence(text: &str) -> Option<String> {
    let first = sentences(text).into_iter().next()?;
    ends(&first).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_is_read_across_lines_and_stops_when_it_says_something() {
        let letter = "Dear Ms Okafor,\n\nthe crane on pier four stood still\nagain for most of Tuesday. The night shift found that the \
                      brake overheats whenever the wind turns. We lost eleven hours.";
        assert_eq!(
            opening(letter).as_deref(),
            Some(
                "Dear Ms Okafor, the crane on pier four stood still again for most of Tuesday. The night shift found that the brake \
                 overheats whenever the wind turns."
            )
        );
        assert_eq!(opening(" \n\n "), None);
        let chinese = "尊敬的客服：\n\n我上个月购买了一台咖啡机，\n使用不到两周就开始漏水。";
        let whole = "尊敬的客服：我上个月购买了一台咖啡机，使用不到两周就开始漏水。";
        assert_eq!(opening(chinese).as_deref(), Some(whole));
    }

    #[test]
    fn the_first_sentence_that_says_something_is_no_greeting_and_no_heading() {
        for (text, expected) in [
            (
                "Dear Ms Okafor,\n\nthe crane stood still for most of Tuesday. We lost hours.",
                "the crane stood still for most of Tuesday.",
            ),
            (
                "尊敬的客服：\n\n我上个月购买了一台咖啡机。使用不到两周就开始漏水。",
                "我上个月购买了一台咖啡机。",
            ),
            ("Milk\nEggs", "Milk Eggs"),
            ("Front, center.", "Front, center."),
        ] {
            assert_eq!(key_sentence(text).as_deref(), Some(expected));
        }
        assert_eq!(key_sentence(" "), None);
    }

    #[test]
    fn a_first_sentence_must_end() {
        assert_eq!(
            first_sentence("It rains. It pours").as_deref(),
            Some("It rains.")
        );
        assert_eq!(first_sentence("It rains and"), None);
        assert_eq!(first_sentence(""), None);
    }
}
