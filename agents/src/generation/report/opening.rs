//! How texts begin, and where their first sentences end.

use unicode_segmentation::UnicodeSegmentation;

use crate::quotes::quoted;

/// Characters at which a beginning is long enough.
const MIN_EXCERPT_CHARS: usize = 120;

/// The first sentences of a text, until they say something; nothing of a text without words.
pub(super) fn opening(text: &str) -> Option<String> {
    let mut quote = String::new();
    for paragraph in paragraphs(text) {
        for sentence in paragraph.unicode_sentences() {
            push(&mut quote, sentence.trim());
            if quote.chars().count() >= MIN_EXCERPT_CHARS {
                return Some(quoted(&quote));
            }
        }
    }
    (!quote.is_empty()).then(|| quoted(&quote))
}

/// The first sentence of a text, if it has one that ends.
pub(super) fn first_sentence(text: &str) -> Option<String> {
    let paragraph = paragraphs(text).into_iter().next()?;
    let sentence = paragraph.unicode_sentences().next()?.trim();
    let ends = sentence.ends_with(['.', '!', '?', '。', '！', '？']);
    ends.then(|| sentence.to_owned())
}

/// The paragraphs of a text, each in one line.
fn paragraphs(text: &str) -> Vec<String> {
    let mut paragraphs = vec![String::new()];
    for line in text.lines().map(str::trim) {
        match paragraphs.last_mut() {
            Some(paragraph) if !line.is_empty() => push(paragraph, line),
            Some(paragraph) if paragraph.is_empty() => {}
            _ => paragraphs.push(String::new()),
        }
    }
    paragraphs.retain(|paragraph| !paragraph.is_empty());
    paragraphs
}

/// Goes on with a text: after a space, where its script has spaces between words.
fn push(text: &mut String, more: &str) {
    let before = text.chars().next_back();
    let needs_space = before.is_some_and(|before| !is_written_closely(before))
        || more
            .chars()
            .next()
            .is_some_and(|next| !is_written_closely(next));
    if before.is_some() && needs_space {
        text.push(' ');
    }
    text.push_str(more);
}

/// Whether the character is of a script without spaces between words: Chinese and Japanese, with
/// their punctuation.
pub(super) fn is_written_closely(character: char) -> bool {
    matches!(character, '\u{3000}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ff65}' | '\u{20000}'..='\u{3ffff}')
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
    }

    #[test]
    fn chinese_lines_are_joined_without_a_space() {
        let letter = "尊敬的客服：\n\n我上个月购买了一台咖啡机，\n使用不到两周就开始漏水。";
        let whole = "尊敬的客服：我上个月购买了一台咖啡机，使用不到两周就开始漏水。";
        assert_eq!(opening(letter).as_deref(), Some(whole));
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
