//! Segments that were delivered before a transcription was interrupted, so that it goes on behind
//! them.
//!
//! Windows depend on the audio only, and a segment belongs to the window in which it begins. So a
//! window whose segments were all delivered need not be recognized again, and one of which some
//! were gives the others.

use std::sync::Arc;

use crate::speech::Segment;
use crate::speech::spans::in_seconds;

/// Seconds by which a segment may begin before its window does: its times are rounded.
const ROUNDING: f64 = 0.01;
/// Seconds before the end of a window by which its last segment begins.
pub(super) const LAST_START: f64 = 2.0 * ROUNDING;

/// What was delivered, in order.
#[derive(Default)]
pub(super) struct Delivered(Vec<Arc<Segment>>);

impl Delivered {
    pub(super) fn new(segments: Vec<Arc<Segment>>) -> Self {
        Self(segments)
    }

    /// All of it.
    pub(super) fn segments(&self) -> Vec<Segment> {
        self.0.iter().map(|segment| (**segment).clone()).collect()
    }

    /// Whether all segments of a window that ends there were delivered: one of a later window was.
    pub(super) fn is_past(&self, end_sample: u64) -> bool {
        let last = self.0.last();
        last.is_some_and(|last| last.start >= in_seconds(end_sample) - ROUNDING)
    }

    /// How many segments of a window were delivered.
    pub(super) fn count_in(&self, start_sample: u64, end_sample: u64) -> usize {
        let from = in_seconds(start_sample) - ROUNDING;
        let to = in_seconds(end_sample) - ROUNDING;
        let begins_in = |segment: &&Arc<Segment>| (from..to).contains(&segment.start);
        self.0.iter().filter(begins_in).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 16_000;

    fn delivered(starts: &[f64]) -> Delivered {
        let segment = |start: &f64| Segment {
            start: *start,
            end: start + 1.0,
            text: String::new(),
            words: Vec::new(),
            no_speech: 0.0,
        };
        Delivered::new(
            starts
                .iter()
                .map(|start| Arc::new(segment(start)))
                .collect(),
        )
    }

    #[test]
    fn a_segment_belongs_to_the_window_in_which_it_begins() {
        // Windows from 0 to 10, 10 to 20 and 25 to 30 seconds.
        let delivered = delivered(&[0.0, 9.98, 10.0, 14.0, 19.98]);
        assert_eq!(delivered.count_in(0, 10 * SECOND), 2);
        assert_eq!(delivered.count_in(10 * SECOND, 20 * SECOND), 3);
        assert_eq!(delivered.count_in(25 * SECOND, 30 * SECOND), 0);
        assert!(delivered.is_past(10 * SECOND));
        // Whether that was its last one, nobody knows.
        assert!(!delivered.is_past(20 * SECOND));
        assert!(!Delivered::default().is_past(0));
    }

    #[test]
    fn rounding_moves_no_segment_into_another_window() {
        // A window that begins at sample 160,079 begins at 10.0049 s.
        let delivered = delivered(&[10.0]);
        assert_eq!(delivered.count_in(0, 160_079), 0);
        assert_eq!(delivered.count_in(160_079, 20 * SECOND), 1);
        assert!(delivered.is_past(160_079));
    }
}
