//! Three judges of a text's language, and what they say together.
//!
//! - **whatlang** knows 69 languages by their letters and by the order of their most frequent
//!   trigrams, after Cavnar and Trenkle, "N-Gram-Based Text Categorization", 1994. It says itself
//!   how sure it is.
//! - **whichlang** knows 16 languages by a linear model over hashed n-grams of letters. It is right
//!   more often than whatlang on a few words, and does not say how sure it is: it is asked again
//!   with one letter less, for each letter, and the share of equal answers is taken for that. A
//!   text in another language makes it waver, and of a few letters it is sure too soon. It is not
//!   asked where it knows one language of a script, or where a letter is foreign to it.
//! - **Common words**: see `common_words.rs`. They decide where a text is a greeting, or has an
//!   article.
//!
//! A vote has a weight from 0 to 1. Votes for the same language join as independent evidence does,
//! and what speaks for the runner-up takes from the winner. The constants below were chosen with
//! the development half of `agents/tests/data/language`.

use std::collections::BTreeMap;

use whatlang::{Info, Lang, Script};

use super::codes::two_letters;
use super::common_words;

/// The confidence of whatlang from which on it gets its full weight.
const MIN_SURE_CONFIDENCE: f64 = 0.5;
/// The weight of whatlang's vote.
const WHATLANG: f64 = 0.9;
/// The confidence of whatlang from which on it is believed that a text is in a language that
/// whichlang does not know.
const MIN_CONFIDENCE: f64 = 0.2;
/// The weight of whichlang's vote, and the letters that a text needs for it.
const WHICHLANG: f64 = 0.9;
const MIN_LETTERS: f64 = 25.0;
/// The share of equal answers up to which whichlang's vote counts nothing.
const WAVERING: f64 = 0.6;
/// Letters of a text that whichlang is shown, and the most it is shown the text again for.
const SHOWN: usize = 200;
const SHOWN_AGAIN: usize = 32;
/// The weight of the common words, and how many of one language are needed for it.
const COMMON_WORDS: f64 = 0.8;
const MIN_COMMON_WORDS: f64 = 1.4;
/// How much of what speaks for the runner-up is taken from the winner.
const DOUBT: f64 = 0.5;

/// The languages that whichlang knows of those in Latin letters.
const KNOWN_TO_WHICHLANG: [&str; 10] = ["de", "en", "es", "fr", "it", "nl", "pt", "sv", "tr", "vi"];
/// Letters of theirs among those beyond Latin-1.
const KNOWN_LETTERS: &str = "ĂăĐđĞğĨĩİıŒœŞşŨũƠơƯưŸ";

/// The language that speaks most for itself, and how sure that is; none for a text without letters
/// of a known script.
pub(super) fn guess(text: &str) -> Option<(&'static str, f64)> {
    let info = whatlang::detect(text)?;
    if !shares_its_script(info.script()) {
        return Some((two_letters(info.lang()), info.confidence()));
    }
    let beginning: Vec<char> = text.chars().take(SHOWN).collect();
    let votes = [
        Some(whatlang_says(&info)),
        whichlang_says(&info, &beginning),
        common_words_say(&beginning.iter().collect::<String>()),
    ];
    Some(decide(votes.into_iter().flatten()))
}

/// Whether several languages that whatlang knows are written in that script.
fn shares_its_script(script: Script) -> bool {
    matches!(
        script,
        Script::Latin | Script::Cyrillic | Script::Arabic | Script::Devanagari | Script::Hebrew
    )
}

/// A language, and how much speaks for it.
type Vote = (&'static str, f64);

fn whatlang_says(info: &Info) -> Vote {
    let sure = (info.confidence() / MIN_SURE_CONFIDENCE).min(1.0);
    (two_letters(info.lang()), sure * WHATLANG)
}

fn whichlang_says(info: &Info, text: &[char]) -> Option<Vote> {
    let other = !KNOWN_TO_WHICHLANG.contains(&two_letters(info.lang()));
    let foreign = |letter: &char| {
        ('\u{100}'..='\u{24f}').contains(letter) && !KNOWN_LETTERS.contains(*letter)
    };
    if info.script() != Script::Latin
        || (other && info.confidence() >= MIN_CONFIDENCE)
        || text.iter().any(foreign)
    {
        return None;
    }
    let ask = |letters: &mut dyn Iterator<Item = &char>| {
        whichlang::detect_language(&letters.collect::<String>())
    };
    let answer = ask(&mut text.iter());
    let step = text.len().div_ceil(SHOWN_AGAIN).max(1);
    let without: Vec<usize> = (0..text.len()).step_by(step).collect();
    let same = without
        .iter()
        .filter(|at| ask(&mut text[..**at].iter().chain(&text[**at + 1..])) == answer)
        .count();
    let share = same as f64 / without.len().max(1) as f64;
    let language = Lang::from_code(answer.three_letter_code())?;
    let sure = ((share - WAVERING) / (1.0 - WAVERING)).max(0.0);
    let letters = text.iter().filter(|letter| letter.is_alphabetic()).count();
    let enough = (letters as f64 / MIN_LETTERS).min(1.0);
    Some((two_letters(language), sure * enough * WHICHLANG))
}

fn common_words_say(text: &str) -> Option<Vote> {
    let (language, lead) = common_words::lead(text)?;
    Some((language, (lead / MIN_COMMON_WORDS).min(1.0) * COMMON_WORDS))
}

/// The language with most in favour of it, the first one of the alphabet among equals.
fn decide(votes: impl Iterator<Item = Vote>) -> Vote {
    let mut against: BTreeMap<&'static str, f64> = BTreeMap::new();
    for (language, weight) in votes {
        *against.entry(language).or_insert(1.0) *= 1.0 - weight;
    }
    let mut ranked: Vec<(&'static str, f64)> = against.into_iter().collect();
    ranked.sort_by(|one, other| one.1.total_cmp(&other.1));
    let (language, doubt) = ranked.first().copied().unwrap_or(("", 1.0));
    let runner_up = ranked.get(1).map_or(0.0, |(_, doubt)| 1.0 - doubt);
    (language, (1.0 - doubt) * (1.0 - DOUBT * runner_up))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn votes_for_the_same_language_join_and_others_take_from_them() {
        let say = |votes: &[Vote]| decide(votes.iter().copied());
        assert_eq!(say(&[("de", 0.5)]), ("de", 0.5));
        assert_eq!(say(&[("de", 0.5), ("de", 0.5)]), ("de", 0.75));
        assert_eq!(say(&[("de", 0.5), ("nl", 0.5), ("de", 0.5)]).0, "de");
        assert!(say(&[("de", 0.5), ("nl", 0.5)]).1 < 0.5);
        assert_eq!(say(&[("nl", 0.0), ("de", 0.0)]), ("de", 0.0));
    }

    #[test]
    fn whichlang_is_asked_what_it_can_know_only() {
        let says = |text: &str| {
            let letters: Vec<char> = text.chars().collect();
            whichlang_says(&whatlang::detect(text).unwrap(), &letters)
        };
        assert!(matches!(says("Where is the station?"), Some(("en", _))));
        assert!(matches!(says("Où est la gare ?"), Some(("fr", _))));
        for text in ["Где вокзал?", "این کتاب", "Příští týden", "Žádný pokoj"]
        {
            assert_eq!(says(text), None, "{text}");
        }
    }

    #[test]
    fn whichlang_knows_the_languages_that_are_listed() {
        let known = whichlang::LANGUAGES
            .iter()
            .filter_map(|language| Lang::from_code(language.three_letter_code()))
            .map(two_letters)
            .filter(|code| !["ar", "zh", "hi", "ja", "ko", "ru"].contains(code));
        let mut known: Vec<_> = known.collect();
        known.sort_unstable();
        assert_eq!(known, KNOWN_TO_WHICHLANG);
    }
}
