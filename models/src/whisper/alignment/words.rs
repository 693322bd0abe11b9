//! Tokens as words.

use std::ops::Range;

use crate::whisper::Vocabulary;

/// Languages that do not put spaces between words: there each letter is a word.
const WITHOUT_SPACES: [&str; 6] = ["zh", "ja", "th", "lo", "my", "yue"];
/// Punctuation that belongs to the word behind it.
const OPENING: &str = "\"'“¿([{-";
/// Punctuation that belongs to the word before it.
const CLOSING: &str = "\"'.。,，!！?？:：”)]}、";

/// A word, and its place in the tokens.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) tokens: Range<usize>,
}

/// The words of a text, in order: together they take all of its tokens.
pub(super) fn split(vocabulary: &Vocabulary, tokens: &[u32], language: Option<&str>) -> Vec<Word> {
    let letters = letters(vocabulary, tokens);
    let words = match language.is_some_and(|code| WITHOUT_SPACES.contains(&code)) {
        true => letters,
        false => by_spaces(letters),
    };
    with_punctuation(words)
}

/// The smallest pieces that are whole letters.
fn letters(vocabulary: &Vocabulary, tokens: &[u32]) -> Vec<Word> {
    let mut pieces = Vec::new();
    let mut start = 0;
    for end in 1..=tokens.len() {
        let text = vocabulary.decode(&tokens[start..end]);
        // A token may hold a part of a letter only.
        if text.contains('\u{fffd}') && end < tokens.len() {
            continue;
        }
        pieces.push(Word {
            text,
            tokens: start..end,
        });
        start = end;
    }
    pieces
}

fn by_spaces(pieces: Vec<Word>) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    for piece in pieces {
        let punctuation = !piece.text.trim().is_empty()
            && piece
                .text
                .trim()
                .chars()
                .all(|letter| letter.is_ascii_punctuation());
        match words.last_mut() {
            Some(word) if !piece.text.starts_with(' ') && !punctuation => join(word, &piece),
            _ => words.push(piece),
        }
    }
    words
}

fn with_punctuation(words: Vec<Word>) -> Vec<Word> {
    let mut joined: Vec<Word> = Vec::new();
    for word in words {
        let closes = is_one_of(&word.text, CLOSING) && !word.text.starts_with(' ');
        match joined.last_mut() {
            Some(last) if closes || is_one_of(last.text.trim_start(), OPENING) => join(last, &word),
            _ => joined.push(word),
        }
    }
    joined
}

fn is_one_of(text: &str, marks: &str) -> bool {
    let mut letters = text.chars();
    let first = letters.next();
    letters.next().is_none() && first.is_some_and(|letter| marks.contains(letter))
}

fn join(word: &mut Word, piece: &Word) {
    word.text.push_str(&piece.text);
    word.tokens.end = piece.tokens.end;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(texts: &[&str]) -> Vec<Word> {
        let places = 0..texts.len();
        let pieces = texts.iter().zip(places).map(|(text, at)| Word {
            text: (*text).to_owned(),
            tokens: at..at + 1,
        });
        pieces.collect()
    }

    #[test]
    fn pieces_join_to_words_with_their_punctuation() {
        let words = with_punctuation(by_spaces(pieces(&[
            " Hel", "lo", ",", " \"", "wor", "ld", "\"", "!", " It", "'s",
        ])));
        let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
        assert_eq!(texts, [" Hello,", " \"world\"!", " It's"]);
        assert_eq!(words[1].tokens, 3..8);
    }
}
