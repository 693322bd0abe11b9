//! Texts from outside, such that whoever is shown them sees what they say: nothing in them moves a cursor or turns the direction of writing.

use std::borrow::Cow;

use aimass_config::is_unruly;

/// What stands in for a character that is not shown.
const INSTEAD: char = ' ';
/// What this program itself sends to a terminal, to style what it writes.
const STYLES: [&str; 4] = ["\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[31m"];

/// A character of a text in one line.
pub(crate) fn in_line(character: char) -> char {
    match is_unruly(character) {
        true => INSTEAD,
        false => character,
    }
}

/// A text of lines, in which our own styles may stand.
pub(crate) fn in_lines(text: &str) -> Cow<'_, str> {
    let stays = |character| matches!(character, '\n' | '\t') || !is_unruly(character);
    if text.chars().all(stays) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    let mut left = text;
    while let Some(character) = left.chars().next() {
        let style = STYLES.into_iter().find(|style| left.starts_with(style));
        let length = style.map_or(character.len_utf8(), str::len);
        match style {
            Some(style) => shown.push_str(style),
            None if stays(character) => shown.push(character),
            None => shown.push(INSTEAD),
        }
        left = left.get(length..).unwrap_or_default();
    }
    Cow::Owned(shown)
}

/// A JSON document, which says the same: JSON has another way to write such characters. Lines between values stay.
pub(crate) fn in_json(document: &str) -> Cow<'_, str> {
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
            .filter(|one| !matches!(one, ' ' | '\n' | '\t'))
    }

    #[test]
    fn what_is_shown_holds_nothing_unruly_and_all_else() {
        for one in unruly() {
            let text = format!("a{one}b\n\tc");
            assert_eq!(in_lines(&text), "a b\n\tc");
            assert_eq!(text.chars().map(in_line).collect::<String>(), "a b  c");
            let document = serde_json::json!({ "text": text }).to_string();
            let shown = in_json(&document);
            assert!(!shown.contains(one), "{shown}");
            let (same, read): (serde_json::Value, serde_json::Value) = (
                serde_json::from_str(&document).unwrap(),
                serde_json::from_str(&shown).unwrap(),
            );
            assert_eq!(same, read);
        }
        let mild = "Grüße, שלום, 你好 🦜";
        assert_eq!(in_lines(mild), mild);
    }

    #[test]
    fn our_own_styles_stay_and_others_do_not() {
        let text = "\x1b[1mname\x1b[0m \x1b[8mhidden\x1b[0m \x1b[2J";
        assert_eq!(in_lines(text), "\x1b[1mname\x1b[0m  [8mhidden\x1b[0m  [2J");
    }
}
