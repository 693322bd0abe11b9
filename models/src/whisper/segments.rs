//! Segments: what was said between two times.

use super::decoding::Decoded;
use super::{TIMESTAMP_SECONDS, Vocabulary};

/// A piece of a transcript, with the seconds since the audio's beginning.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    /// When it begins.
    pub start: f64,
    /// When it ends.
    pub end: f64,
    /// Its tokens of text.
    pub tokens: Vec<u32>,
}

/// The segments of a decoding, and how many of `duration` seconds they account for. What lies behind is to be heard again.
///
/// Source: `whisper/transcribe.py` of openai/whisper.
#[must_use]
pub fn segments(vocabulary: &Vocabulary, decoded: &Decoded, duration: f64) -> (Vec<Segment>, f64) {
    let mut segments = Vec::new();
    let mut start = 0.0;
    let mut tokens = Vec::new();
    let mut last = None;
    for token in &decoded.tokens {
        let Some(seconds) = vocabulary.seconds(*token) else {
            tokens.push(*token);
            continue;
        };
        let seconds = seconds.min(duration);
        last = Some(seconds);
        if tokens.is_empty() {
            start = seconds;
            continue;
        }
        segments.push(Segment {
            start,
            end: seconds.max(start),
            tokens: std::mem::take(&mut tokens),
        });
        start = seconds;
    }
    let mut times = decoded.tokens.iter().rev();
    let mut is_time = || {
        let token = times.next();
        token.is_some_and(|token| vocabulary.seconds(*token).is_some())
    };
    let (ends_with_time, with_pair) = (is_time(), is_time());
    if !tokens.is_empty() {
        // Text behind the last time lasts to the end.
        segments.push(Segment {
            start,
            end: duration,
            tokens,
        });
        return (segments, duration);
    }
    // A pair of times at the end opens a segment that had no room. A single one says that nothing follows.
    let heard = match (ends_with_time && with_pair, last) {
        (true, Some(last)) if last > TIMESTAMP_SECONDS => last,
        _ => duration,
    };
    (segments, heard)
}
