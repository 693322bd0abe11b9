//! Quotes: pieces of texts, word for word, in one line.

use aimass_locale::harmless::in_line;

/// Characters that a quote may have.
#[cfg(any(feature = "speech", feature = "generation"))]
const MAX_QUOTE: usize = 280;

/// Returns a text in one line of bounded length, without what could move a cursor or turn the direction of
/// writing, and without the white space around it.
#[cfg(any(feature = "speech", feature = "generation"))]
pub(crate) fn quoted(text: &str) -> String {
    quoted_within(text, MAX_QUOTE)
}

/// Returns a text in one line of at most that many characters, without what could move a cursor or turn the direction of
/// writing, and without the white space around it.
pub(crate) fn quoted_within(text: &str, characters: usize) -> String {
    let text = text.trim();
    let mut quote: String = text.chars().take(characters).map(in_line).collect();
    if text.chars().nth(characters).is_some() {
        // A word that was cut in two goes as a whole, if that leaves enough.
        if let Some(space) = quote.rfind(' ').filter(|space| *space > characters / 2) {
            quote.truncate(space);
        }
        quote.push('…');
    }
    quote
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_move_a_cursor_is_no_part_of_a_quote() {
        assert_eq!(quoted(" a\x1b[2Jb\u{202e}c\n"), "a [2Jb c");
        let long = quoted(&"word ".repeat(100));
        assert!(
            long.ends_with("word…") && long.chars().count() <= MAX_QUOTE + 1,
            "{long}"
        );
    }
}
