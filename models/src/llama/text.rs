//! From the bytes of tokens to text that can be shown: whole characters, and nothing that may turn out to be the end.

/// The text of one sequence, as it grows.
#[derive(Debug)]
pub(super) struct TextStream {
    stops: Vec<String>,
    text: String,
    /// Bytes of a character that is not whole yet.
    rest: Vec<u8>,
    /// So much of the text was shown.
    shown: usize,
}

impl TextStream {
    /// A text that one of `stops` ends.
    pub(super) fn new(stops: Vec<String>) -> Self {
        Self {
            stops,
            text: String::new(),
            rest: Vec::new(),
            shown: 0,
        }
    }

    /// Appends what a token writes. True if the text ends there.
    pub(super) fn push(&mut self, bytes: &[u8]) -> bool {
        let before = self.text.len();
        self.rest.extend_from_slice(bytes);
        self.take_whole();
        self.stop(before)
    }

    /// What may be shown since the last time.
    pub(super) fn piece(&mut self) -> String {
        let until = (self.text.len() - self.held_back()).max(self.shown);
        let piece = self.text[self.shown..until].to_owned();
        self.shown = until;
        piece
    }

    /// The end: what was held back may be shown, and what is no whole character becomes `U+FFFD`.
    pub(super) fn finish(&mut self) -> String {
        if !self.rest.is_empty() {
            self.text.push('\u{fffd}');
            self.rest.clear();
        }
        let piece = self.text[self.shown..].to_owned();
        self.shown = self.text.len();
        piece
    }

    /// The whole text so far.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    fn take_whole(&mut self) {
        loop {
            match std::str::from_utf8(&self.rest) {
                Ok(whole) => {
                    self.text.push_str(whole);
                    self.rest.clear();
                    return;
                }
                Err(error) => {
                    let valid = error.valid_up_to();
                    let whole = String::from_utf8_lossy(&self.rest[..valid]);
                    self.text.push_str(&whole);
                    let Some(wrong) = error.error_len() else {
                        // It may become whole.
                        self.rest.drain(..valid);
                        return;
                    };
                    self.text.push('\u{fffd}');
                    self.rest.drain(..valid + wrong);
                }
            }
        }
    }

    /// Cuts the text at the first of its ends, if one came; nothing that begins `before` its new part by more than its length can be new.
    fn stop(&mut self, before: usize) -> bool {
        let found = self
            .stops
            .iter()
            .filter(|stop| !stop.is_empty())
            .filter_map(|stop| {
                let mut from = before.saturating_sub(stop.len());
                while !self.text.is_char_boundary(from) {
                    from -= 1;
                }
                Some(from + self.text[from..].find(stop.as_str())?)
            });
        let Some(end) = found.min() else {
            return false;
        };
        self.text.truncate(end);
        self.rest.clear();
        true
    }

    /// How many bytes at the end may be the beginning of an end.
    fn held_back(&self) -> usize {
        let begun = self.stops.iter().map(|stop| {
            let lengths = stop.char_indices().map(|(place, _)| place).skip(1);
            let begun = lengths.filter(|length| self.text.ends_with(&stop[..*length]));
            begun.max().unwrap_or(0)
        });
        begun.max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pieces that are shown, and whether the text ended.
    fn shown(stops: &[&str], parts: &[&[u8]]) -> (Vec<String>, bool) {
        let stops = stops.iter().map(|stop| (*stop).to_owned()).collect();
        let mut stream = TextStream::new(stops);
        let mut pieces = Vec::new();
        for part in parts {
            if stream.push(part) {
                pieces.push(stream.finish());
                assert_eq!(pieces.concat(), stream.text());
                return (pieces, true);
            }
            pieces.push(stream.piece());
        }
        pieces.push(stream.finish());
        assert_eq!(pieces.concat(), stream.text());
        (pieces, false)
    }

    #[test]
    fn characters_are_shown_whole() {
        let snow = "☃".as_bytes();
        let (pieces, _) = shown(&[], &[b"a", &snow[..1], &snow[1..], b"b"]);
        assert_eq!(pieces, ["a", "", "☃", "b", ""]);
        let (pieces, _) = shown(&[], &[b"a\xff", b"b\xe2\x98"]);
        assert_eq!(pieces, ["a\u{fffd}", "b", "\u{fffd}"]);
    }

    #[test]
    fn an_end_is_found_across_tokens_and_never_shown() {
        let (pieces, ended) = shown(&["END"], &[b"one E", b"N", b"D two"]);
        assert_eq!((pieces.concat().as_str(), ended), ("one ", true));
        assert_eq!(pieces[0], "one ");
        let (pieces, ended) = shown(&["END"], &[b"one E", b"NT"]);
        assert_eq!(
            (pieces, ended),
            (vec!["one ".into(), "ENT".into(), String::new()], false)
        );
        let (pieces, _) = shown(&["b", "ab"], &[b"xab"]);
        assert_eq!(pieces, ["x"]);
        let (pieces, _) = shown(&["é!"], &["né".as_bytes(), "é!".as_bytes()]);
        assert_eq!(pieces.concat(), "né");
    }
}
