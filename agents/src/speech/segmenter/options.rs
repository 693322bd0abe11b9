//! How long windows are, and where they may end.

use std::time::Duration;

use crate::speech::SpanOptions;
use crate::speech::spans::in_samples;

/// The shortest limits that windows can keep.
const MIN_CUT_RANGE: Duration = Duration::from_secs(1);

/// Where windows begin and end. The defaults suit Whisper.
#[derive(Debug, Clone, PartialEq)]
pub struct SegmenterOptions {
    /// When speech begins and ends.
    pub spans: SpanOptions,
    /// How much audio a window has before its first speech and after its last, where there is as
    /// much. 300 ms.
    pub padding: Duration,
    /// A pause this long ends every window. 2 s.
    pub long_pause: Duration,
    /// A pause this long ends a window that is long already. 500 ms.
    pub short_pause: Duration,
    /// From here on a window is long. 15 s.
    pub long_window: Duration,
    /// No window is longer; at least 2 s. 30 s.
    pub max_window: Duration,
    /// At the end of a window that would be longer, it is cut somewhere within so much; from 1 s to
    /// half of `max_window`. 8 s.
    pub cut_range: Duration,
}

impl Default for SegmenterOptions {
    fn default() -> Self {
        Self {
            spans: SpanOptions::default(),
            padding: Duration::from_millis(300),
            long_pause: Duration::from_secs(2),
            short_pause: Duration::from_millis(500),
            long_window: Duration::from_secs(15),
            max_window: Duration::from_secs(30),
            cut_range: Duration::from_secs(8),
        }
    }
}

/// The same in samples, within what can be kept.
#[derive(Debug, Clone)]
pub(super) struct Limits {
    pub(super) padding: u64,
    pub(super) span_padding: u64,
    pub(super) long_pause: u64,
    pub(super) short_pause: u64,
    pub(super) long_window: u64,
    pub(super) max_window: u64,
    pub(super) cut_range: u64,
}

impl SegmenterOptions {
    pub(super) fn limits(&self) -> Limits {
        let cut_range = self.limited_cut_range();
        Limits {
            // So that a full window holds speech before the stretch in which it is cut.
            padding: in_samples(self.padding.min(cut_range / 2)),
            span_padding: self.limited_spans().padding_samples(),
            long_pause: in_samples(self.long_pause),
            short_pause: in_samples(self.short_pause),
            long_window: in_samples(self.long_window),
            max_window: in_samples(self.max_window.max(2 * MIN_CUT_RANGE)),
            cut_range: in_samples(cut_range),
        }
    }

    /// Speech must show as such well before a window that begins with it is full.
    pub(super) fn limited_spans(&self) -> SpanOptions {
        SpanOptions {
            min_speech: self.spans.min_speech.min(self.limited_cut_range() / 2),
            ..self.spans.clone()
        }
    }

    fn limited_cut_range(&self) -> Duration {
        let most = self.max_window.max(2 * MIN_CUT_RANGE) / 2;
        self.cut_range.clamp(MIN_CUT_RANGE, most)
    }
}
