//! What may stand on a terminal: our own styles, and of texts from outside what does no harm.

use std::borrow::Cow;

use aimass_locale::harmless::{INSTEAD, is_unruly};
use anstyle::{AnsiColor, Reset, Style};

/// Of what stands out.
pub(crate) const STRONG: Style = Style::new().bold();
/// Of what went wrong.
pub(crate) const BAD: Style = AnsiColor::Red.on_default();
/// Of what has lesser weight.
pub(crate) const FAINT: Style = Style::new().dimmed();

/// A text of lines, in which our own styles may stand.
pub(crate) fn in_lines(text: &str) -> Cow<'_, str> {
    let stays = |character| matches!(character, '\n' | '\t') || !is_unruly(character);
    if text.chars().all(stays) {
        return Cow::Borrowed(text);
    }
    let ours = [STRONG, BAD, FAINT].map(|style| style.render().to_string());
    let reset = Reset.render().to_string();
    let mut shown = String::with_capacity(text.len());
    let mut left = text;
    while let Some(character) = left.chars().next() {
        let mut ours = ours.iter().chain([&reset]);
        let style = ours.find(|style| left.starts_with(*style));
        let length = style.map_or(character.len_utf8(), String::len);
        match style {
            Some(style) => shown.push_str(style),
            None if stays(character) => shown.push(character),
            None => shown.push(INSTEAD),
        }
        left = left.get(length..).unwrap_or_default();
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_holds_nothing_unruly_and_all_else() {
        assert_eq!(in_lines("a\u{202e}b\x1b[2J\r\n\tc"), "a b [2J \n\tc");
        let mild = "Grüße, שלום, 你好 🦜";
        assert_eq!(in_lines(mild), mild);
    }

    #[test]
    fn our_own_styles_stay_and_others_do_not() {
        let text = "\x1b[1mname\x1b[0m \x1b[31mbad\x1b[0m \x1b[2mfaint\x1b[0m";
        assert_eq!(in_lines(text), text);
        let text = "\x1b[1mname\x1b[0m \x1b[8mhidden\x1b[0m \x1b[2J";
        assert_eq!(in_lines(text), "\x1b[1mname\x1b[0m  [8mhidden\x1b[0m  [2J");
    }
}
