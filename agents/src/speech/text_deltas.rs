//! What a listener was not told yet of a text that grows at its end.

use crate::speech::Segment;

/// The text of segments, piece by piece: together the pieces are the text of all segments, without
/// space at its ends.
#[derive(Debug, Default)]
pub(super) struct TextDeltas {
    /// Segments that were told.
    told: usize,
    /// Whether anything but space was.
    begun: bool,
    /// Space at the end of what was told: it belongs to the text only once something follows.
    space: String,
}

impl TextDeltas {
    /// What has come since the call before.
    pub(super) fn take(&mut self, segments: &[Segment]) -> String {
        let new = segments.get(self.told..).unwrap_or_default();
        let mut text = self.after(new);
        self.told = segments.len();
        let end = text.trim_end().len();
        self.space = text.split_off(end);
        self.begun = self.begun || !text.is_empty();
        text
    }

    /// What would come next if these segments did.
    pub(super) fn preview(&self, segments: &[Segment]) -> String {
        self.after(segments).trim_end().to_owned()
    }

    fn after(&self, segments: &[Segment]) -> String {
        let new = segments.iter().map(|segment| segment.text.as_str());
        let text: String = std::iter::once(self.space.as_str()).chain(new).collect();
        match self.begun {
            true => text,
            false => text.trim_start().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::speech::transcript::text_of;

    fn said(text: &str) -> Segment {
        Segment {
            start: 0.0,
            end: 1.0,
            text: text.to_owned(),
            words: Vec::new(),
            no_speech: 0.0,
        }
    }

    #[test]
    fn the_pieces_are_the_text() {
        for texts in [
            &[" Good morning.", " How are you?", "", " Fine. "][..],
            &["  ", " a", " ", "b ", "\n", " c\t", " "],
            &["你好。", "今天好吗？"],
            &["", " "],
            &[],
        ] {
            let segments: Vec<Segment> = texts.iter().map(|text| said(text)).collect();
            for step in 1..=segments.len().max(1) {
                let mut deltas = TextDeltas::default();
                let mut pieces = String::new();
                for known in (0..=segments.len()).step_by(step) {
                    pieces += &deltas.take(&segments[..known]);
                    let shown = pieces.clone() + &deltas.preview(&segments[known..]);
                    assert_eq!(shown.trim_end(), text_of(&segments), "{texts:?}");
                }
                pieces += &deltas.take(&segments);
                assert_eq!(pieces, text_of(&segments), "{texts:?}");
                assert_eq!(deltas.take(&segments), "");
            }
        }
    }
}
