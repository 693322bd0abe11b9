//! The sentences of a text, each in one line.

use unicode_segmentation::UnicodeSegmentation;

/// Short forms behind whose point a sentence goes on.
const SHORT_FORMS: [&str; 22] = [
    "Mr.", "Mrs.", "Ms.", "Dr.", "Prof.", "St.", "No.", "Nr.", "Fig.", "e.g.", "i.e.", "etc.",
    "cf.", "vs.", "Jr.", "Sr.", "Hr.", "Fr.", "z.B.", "bzw.", "ca.", "approx.",
];
/// What ends a sentence.
const ENDS: [char; 6] = ['.', '!', '?', '。', '！', '？'];

/// Returns the sentences of a text, and the pieces that stand in paragraphs of their own.
pub(super) fn sentences(text: &str) -> Vec<String> {
    let mut sentences: Vec<String> = Vec::new();
    for paragraph in paragraphs(text) {
        let mut goes_on = false;
        for piece in paragraph.unicode_sentences().map(str::trim) {
            match sentences.last_mut() {
                Some(last) if goes_on => push(last, piece),
                _ => sentences.push(piece.to_owned()),
            }
            let word = piece.rsplit([' ', '(']).next().unwrap_or_default();
            let is_initial = word.chars().count() == 2 && word.starts_with(char::is_uppercase);
            goes_on = SHORT_FORMS.contains(&word) || is_initial && word.ends_with('.');
        }
    }
    sentences
}

/// Returns whether a sentence ends as sentences do, and is no heading.
pub(super) fn ends(sentence: &str) -> bool {
    let closed = sentence.trim_end_matches(['"', '”', '’', '\'', ')', '」', '»']);
    closed.ends_with(ENDS)
}

/// Returns the paragraphs of a text, each in one line.
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
pub(super) fn push(text: &mut String, more: &str) {
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

/// Returns whether the character is of a script without spaces between words: Chinese and Japanese,
/// with their punctuation.
pub(super) fn is_written_closely(character: char) -> bool {
    matches!(character, '\u{3000}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ff65}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_go_on_behind_short_forms_and_across_lines() {
        let text =
            "Dear Dr. Chen,\n\nI saw Mr. A. Bell\nyesterday. He waved! Why?\n\n他来了。你呢？";
        let expected = [
            "Dear Dr. Chen,",
            "I saw Mr. A. Bell yesterday.",
            "He waved!",
            "Why?",
            "他来了。",
            "你呢？",
        ];
        assert_eq!(sentences(text), expected);
        assert!(ends("“Why?”") && !ends("Dear Dr. Chen,"));
    }

    #[test]
    fn chinese_lines_are_joined_without_a_space() {
        let letter = "我上个月购买了一台咖啡机，\n使用不到两周就开始漏水。";
        assert_eq!(
            sentences(letter),
            ["我上个月购买了一台咖啡机，使用不到两周就开始漏水。"]
        );
    }
}
