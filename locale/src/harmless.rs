//! Texts from outside, such that whoever is shown them sees what they say: nothing in them moves a cursor or turns the direction of writing.

use std::borrow::Cow;

/// What stands in for a character that is not shown.
pub const INSTEAD: char = ' ';

/// Returns whether a character does something to what stands around it instead of being shown: it moves a cursor, as ESC can, or turns the direction
/// in which everything up to the end of a line is written, so that a name reads as another.
#[must_use]
pub fn is_unruly(character: char) -> bool {
    let turns = matches!(
        character,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    turns || character.is_control()
}

/// Returns a character as it is shown in a text of one line.
#[must_use]
pub fn in_line(character: char) -> char {
    match is_unruly(character) {
        true => INSTEAD,
        false => character,
    }
}

/// Returns the beginning of a text in one line of at most that many characters, with an ellipsis where there is more.
///
/// ```
/// use aimass_locale::harmless::brief;
///
/// assert_eq!(brief("two\nlines", 20), "two lines");
/// assert_eq!(brief("two\nlines", 5), "two l…");
/// ```
#[must_use]
pub fn brief(text: &str, characters: usize) -> String {
    let mut brief: String = text.chars().take(characters).map(in_line).collect();
    if text.chars().nth(characters).is_some() {
        brief.push('…');
    }
    brief
}

/// Returns a JSON document that says the same: JSON has another way to write such characters. Lines between values stay.
#[must_use]
pub fn in_json(document: &str) -> Cow<'_, str> {
    let stays = |character| character == '\n' || !is_unruly(character);
    if document.chars().all(stays) {
        return Cow::Borrowed(document);
    }
    let mut shown = String::with_capacity(document.len());
    for character in document.chars() {
        match stays(character) {
            true => shown.push(character),
            // None of them needs more than four digits.
            false => shown.push_str(&format!("\\u{:04x}", u32::from(character))),
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every character that must not reach a terminal as it is.
    fn unruly() -> impl Iterator<Item = char> {
        let turns = "\u{61c}\u{200e}\u{200f}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}";
        ('\0'..=' ')
            .chain('\x7f'..='\u{9f}')
            .chain(turns.chars())
            .filter(|one| *one != ' ')
    }

    #[test]
    fn what_is_shown_holds_nothing_unruly_and_all_else() {
        for one in unruly() {
            assert!(is_unruly(one), "{one:?}");
            let text = format!("a{one}b");
            assert_eq!(text.chars().map(in_line).collect::<String>(), "a b");
        }
        let mild = "Grüße, שלום, 你好 🦜";
        assert_eq!(mild.chars().map(in_line).collect::<String>(), mild);
    }

    #[test]
    fn a_document_says_the_same_without_them() {
        for one in unruly().filter(|one| *one != '\n') {
            let shown = in_json(&format!("\"a{one}b\"")).into_owned();
            assert_eq!(shown, format!("\"a\\u{:04x}b\"", u32::from(one)));
        }
        let mild = "[\n  \"Grüße\"\n]";
        assert!(matches!(in_json(mild), Cow::Borrowed(same) if same == mild));
    }
}
