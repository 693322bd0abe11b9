//! Passages: pieces of a text that are short enough for the model and end where sentences do, as far as they can.

/// Cuts a text into passages of at most `most` bytes, but one character at least, at the ends of paragraphs, else sentences, else words, else characters.
pub(crate) fn passages(text: &str, most: usize) -> Vec<&str> {
    let mut passages = Vec::new();
    let mut rest = text.trim();
    while rest.len() > most {
        let limit = rest.floor_char_boundary(most);
        let limit = limit.max(rest.chars().next().map_or(0, char::len_utf8));
        let (passage, later) = rest.split_at(best_cut(&rest[..limit]));
        passages.push(passage.trim_end());
        rest = later.trim_start();
    }
    if !rest.is_empty() {
        passages.push(rest);
    }
    passages.retain(|passage| !passage.is_empty());
    passages
}

/// The best place to cut in the second half of a window.
fn best_cut(window: &str) -> usize {
    let half = window.floor_char_boundary(window.len() / 2);
    let after = |found: Option<(usize, &str)>| found.map(|(at, mark)| half + at + mark.len());
    let tail = &window[half..];
    after(tail.rmatch_indices("\n\n").next())
        .or_else(|| {
            after(
                tail.rmatch_indices(['.', '!', '?', '。', '！', '？', '\n'])
                    .next(),
            )
        })
        .or_else(|| after(tail.rmatch_indices(char::is_whitespace).next()))
        .unwrap_or(window.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const AIM: usize = 600;

    #[test]
    fn nothing_is_lost_and_nothing_is_too_long() {
        let sentence = "The parcel came late and the cup was broken. ";
        let text = sentence.repeat(100);
        let passages = passages(&text, AIM);
        assert!(passages.len() > 5);
        assert!(
            passages
                .iter()
                .all(|passage| passage.len() <= AIM && passage.ends_with('.'))
        );
        let words: usize = passages
            .iter()
            .map(|passage| passage.split_whitespace().count())
            .sum();
        assert_eq!(words, 900);
    }

    #[test]
    fn text_without_spaces_is_cut_between_characters() {
        let text = "漢".repeat(1000);
        assert_eq!(passages(&text, AIM).concat(), text);
        assert_eq!(passages("  ", AIM), Vec::<&str>::new());
    }
}
