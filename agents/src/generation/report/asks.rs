//! Sentences that ask for something, or complain of it, found by their words in five languages.
//!
//! Words are a weak sign of what somebody wants, so nothing is concluded from them: a report quotes
//! the sentence, and says where it stands.

use std::sync::LazyLock;

use unicode_segmentation::UnicodeSegmentation;

use super::sentences::{is_written_closely, sentences};

/// How a request begins, or what it holds.
const REQUESTS: [&str; 46] = [
    "please",
    "could you",
    "can you",
    "would you",
    "will you",
    "i would like",
    "i'd like",
    "we would like",
    "we'd like",
    "i ask you to",
    "we ask you to",
    "i request",
    "we request",
    "i demand",
    "let me know",
    "let us know",
    "i want my",
    "i want a",
    "i expect",
    "we expect",
    "looking forward to your",
    "refund me",
    "money back",
    "get back to me",
    "call me back",
    "bitte",
    "könnten sie",
    "können sie",
    "ich möchte",
    "wir möchten",
    "ich fordere",
    "ich verlange",
    "veuillez",
    "merci de",
    "s'il vous plaît",
    "pouvez-vous",
    "pourriez-vous",
    "je demande",
    "je voudrais",
    "por favor",
    "podría",
    "podrían",
    "quisiera",
    "solicito",
    "quiero que",
    "pido que",
];
/// What a complaint holds.
const COMPLAINTS: [&str; 50] = [
    "broken",
    "broke",
    "damaged",
    "defective",
    "faulty",
    "scratch",
    "scratched",
    "leaks",
    "leaking",
    "does not work",
    "doesn't work",
    "did not work",
    "didn't work",
    "not working",
    "stopped working",
    "never arrived",
    "did not arrive",
    "didn't arrive",
    "has not arrived",
    "hasn't arrived",
    "have not received",
    "haven't received",
    "never received",
    "disappointed",
    "disappointing",
    "unacceptable",
    "complain",
    "complaint",
    "unhappy",
    "terrible",
    "awful",
    "poor quality",
    "waste of money",
    "overcharged",
    "kaputt",
    "zerbrochen",
    "defekt",
    "beschwere",
    "beschwerde",
    "enttäuscht",
    "mangel",
    "cassé",
    "cassée",
    "en panne",
    "défectueux",
    "déçu",
    "déçue",
    "roto",
    "defectuoso",
    "no funciona",
];
/// The same of Chinese, which has no spaces to tell words by.
const CHINESE_REQUESTS: [&str; 7] = ["请", "希望", "要求", "能否", "麻烦", "可否", "能不能"];
const CHINESE_COMPLAINTS: [&str; 9] = [
    "投诉",
    "坏了",
    "漏水",
    "破损",
    "失望",
    "没有收到",
    "没收到",
    "不能用",
    "质量差",
];
/// Whom a question is put to.
const YOU: [&str; 9] = [
    "you", "your", "sie", "ihr", "vous", "votre", "usted", "您", "你",
];

/// Phrases between spaces, so that `please` is not found in `pleased`.
static SPACED_REQUESTS: LazyLock<Vec<String>> = LazyLock::new(|| all_spaced(&REQUESTS));
static SPACED_COMPLAINTS: LazyLock<Vec<String>> = LazyLock::new(|| all_spaced(&COMPLAINTS));

/// A sentence that asks or complains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ask {
    pub(super) sentence: String,
    weight: u32,
}

impl Ask {
    /// How plainly it asks: 3 of a request, 2 of a complaint, 1 of a question to the reader.
    pub(super) fn weight(&self) -> u32 {
        self.weight
    }
}

/// Returns the sentences of a text that ask or complain, the plainest first, then as they stand.
pub(super) fn asks(text: &str) -> Vec<Ask> {
    let ask = |sentence: String| {
        let weight = weight(&sentence);
        (weight > 0).then_some(Ask { sentence, weight })
    };
    let mut asks: Vec<Ask> = sentences(text).into_iter().filter_map(ask).collect();
    asks.sort_by_key(|ask| std::cmp::Reverse(ask.weight));
    asks
}

fn weight(sentence: &str) -> u32 {
    let lower = sentence.to_lowercase().replace('’', "'");
    if lower.chars().any(is_written_closely) {
        let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
        return if has(&CHINESE_REQUESTS) {
            3
        } else if has(&CHINESE_COMPLAINTS) {
            2
        } else {
            u32::from(lower.ends_with('？') && has(&YOU))
        };
    }
    let spaced = spaced(&lower);
    let has = |phrases: &[String]| {
        phrases
            .iter()
            .any(|phrase| spaced.contains(phrase.as_str()))
    };
    if has(&SPACED_REQUESTS) {
        return 3;
    }
    if has(&SPACED_COMPLAINTS) {
        return 2;
    }
    let asks_you = || spaced.split(' ').any(|word| YOU.contains(&word));
    u32::from(lower.trim_end().ends_with('?') && asks_you())
}

fn all_spaced(phrases: &[&str]) -> Vec<String> {
    phrases.iter().map(|phrase| spaced(phrase)).collect()
}

/// The words of a text, each between spaces.
fn spaced(text: &str) -> String {
    let words: Vec<&str> = text.unicode_words().collect();
    format!(" {} ", words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_is_asked_for_what_it_wants() {
        let letter = "Dear Sir or Madam,\n\nthe left lens has a scratch right across the middle. I was pleased before. \
                      Please send me a new pair by the end of May, or return the 129 euros. Do you hear?";
        let found: Vec<(String, u32)> = asks(letter)
            .into_iter()
            .map(|ask| (ask.sentence, ask.weight))
            .collect();
        let expected = [
            (
                "Please send me a new pair by the end of May, or return the 129 euros.",
                3,
            ),
            ("the left lens has a scratch right across the middle.", 2),
            ("Do you hear?", 1),
        ];
        assert_eq!(
            found,
            expected.map(|(text, weight)| (text.to_owned(), weight))
        );
    }

    #[test]
    fn other_languages_ask_in_their_words() {
        for (text, weight) in [
            ("Könnten Sie mir bitte antworten?", 3),
            ("Veuillez me rembourser.", 3),
            ("La máquina no funciona.", 2),
            ("希望能够更换一台新的。", 3),
            ("It does not rain.", 0),
            ("他来了。", 0),
        ] {
            let found = asks(text).first().map_or(0, |ask| ask.weight);
            assert_eq!(found, weight, "{text}");
        }
    }
}
