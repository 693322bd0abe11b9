//! Windows: pieces of a recording that hold speech and are short enough for a model that hears half a minute at a time.
//!
//! A state machine without IO, the same for files and live audio: it never looks ahead, and its windows do not depend on how the audio is cut into
//! pushes. A window is closed
//!
//! - when a long pause follows,
//! - when it is long already and a short pause follows,
//! - when it would become longer than a window may be: in its last pause, or in speech where that is least probable.
//!
//! Windows are in order, never overlap, and hold all speech; what is between them is silence. It holds one window of audio at most.
//!
//! Source of the idea: Bain et al., "WhisperX: Time-Accurate Speech Transcription of Long-Form Audio", 2023, "VAD Cut & Merge".

mod options;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use options::Limits;
pub use options::SegmenterOptions;

use crate::speech::spans::{FRAME_SAMPLES, Ongoing};
use crate::speech::{Span, SpanDetector};

/// A contiguous piece of a recording that holds speech.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// Where it begins, in samples of 16 kHz from the beginning of the recording.
    pub start_sample: u64,
    /// Its audio.
    pub samples: Vec<f32>,
    /// The speech in it, in order: at least one span. Places are counted from the beginning of the recording.
    pub spans: Vec<Span>,
}

impl Window {
    /// The sample after its last one.
    #[must_use]
    pub fn end_sample(&self) -> u64 {
        self.start_sample + self.samples.len() as u64
    }
}

/// Cuts audio into windows: in order, never overlapping, each holding speech and short enough for a model that hears half a minute.
#[derive(Debug, Clone)]
pub struct Segmenter {
    options: SegmenterOptions,
    limits: Limits,
    detector: SpanDetector,
    /// Audio from the sample `first` on.
    samples: VecDeque<f32>,
    first: u64,
    /// Probabilities from the frame that holds the sample `first` on.
    track: VecDeque<f32>,
    /// Probabilities of frames whose samples have not come.
    waiting: VecDeque<f32>,
    /// How many samples were looked at.
    position: u64,
    /// Where the last window ended.
    closed: u64,
    open: Option<OpenWindow>,
}

/// A window that is still growing.
#[derive(Debug, Clone)]
struct OpenWindow {
    start: u64,
    /// The speech that has ended, without padding.
    spans: Vec<(u64, u64)>,
}

impl Segmenter {
    /// A segmenter at the beginning of a recording.
    #[must_use]
    pub fn new(options: SegmenterOptions) -> Self {
        Self {
            limits: options.limits(),
            detector: SpanDetector::new(&options.limited_spans()),
            options,
            samples: VecDeque::new(),
            first: 0,
            track: VecDeque::new(),
            waiting: VecDeque::new(),
            position: 0,
            closed: 0,
            open: None,
        }
    }

    /// Takes audio of 16 kHz and the probabilities of its frames of 512 samples; gives the windows that are closed by it. Either may run ahead of the
    /// other: a frame is looked at when both are there.
    pub fn push(&mut self, samples: &[f32], probabilities: &[f32]) -> Vec<Window> {
        self.samples.extend(samples);
        self.waiting.extend(probabilities);
        let mut windows = Vec::new();
        while self.received() - self.position >= FRAME_SAMPLES {
            let Some(probability) = self.waiting.pop_front() else {
                break;
            };
            self.advance(probability, FRAME_SAMPLES, &mut windows);
        }
        windows
    }

    /// The recording has ended: gives the windows that are left, and begins anew. The last frame may be short; a frame without a probability counts as
    /// silence.
    pub fn finish(&mut self) -> Vec<Window> {
        let mut windows = Vec::new();
        while self.position < self.received() {
            let length = FRAME_SAMPLES.min(self.received() - self.position);
            let probability = self.waiting.pop_front().unwrap_or(0.0);
            self.advance(probability, length, &mut windows);
        }
        if let Some(span) = self.detector.finish(self.position) {
            self.add(span.start_sample, span.end_sample);
        }
        windows.extend(self.close_in_silence());
        *self = Self::new(self.options.clone());
        windows
    }

    /// The window that is growing, as it would be if the recording ended here: for partial results of live audio.
    #[must_use]
    pub fn growing(&self) -> Option<Window> {
        let open = self.open.as_ref()?;
        let mut spans = open.spans.clone();
        if let Some(ongoing) = self.detector.ongoing() {
            let (start, end) = (ongoing.start.max(open.start), self.position);
            if self.detector.is_speech(ongoing.start, end) && start < end {
                spans.push((start, end));
            }
        }
        let (_, end) = *spans.last()?;
        let end = (end + self.limits.padding).min(self.position);
        let from = (open.start - self.first) as usize;
        let length = (end - open.start) as usize;
        let samples = self.samples.iter().skip(from).take(length);
        Some(Window {
            start_sample: open.start,
            samples: samples.copied().collect(),
            spans: self.finished_spans(&spans, open.start, end),
        })
    }

    fn received(&self) -> u64 {
        self.first + self.samples.len() as u64
    }

    /// Looks at the next frame.
    fn advance(&mut self, probability: f32, length: u64, windows: &mut Vec<Window>) {
        let grown = |open: &OpenWindow| self.position + length - open.start;
        if self.open.as_ref().map_or(0, grown) > self.limits.max_window {
            windows.extend(self.close_full());
        }
        // What is no number is no speech.
        let probability = if probability.is_nan() {
            0.0
        } else {
            probability
        };
        self.track.push_back(probability);
        let ended = self.detector.push(probability);
        self.position += length;
        if let Some(span) = ended {
            self.add(span.start_sample, span.end_sample);
        }
        if let (None, Some(ongoing)) = (&self.open, self.detector.ongoing()) {
            self.open(ongoing.start);
        }
        if self.is_complete() {
            windows.extend(self.close_in_silence());
        }
        self.forget();
    }

    fn open(&mut self, speech: u64) {
        let start = speech.saturating_sub(self.limits.padding).max(self.closed);
        self.open = Some(OpenWindow {
            start,
            spans: Vec::new(),
        });
    }

    /// Adds speech that has ended to the window, as far as it is not in one before.
    fn add(&mut self, start: u64, end: u64) {
        if let Some(open) = &mut self.open {
            let start = start.max(open.start);
            if start < end {
                open.spans.push((start, end));
            }
        }
    }

    /// Whether the window ends with the pause of this moment, or holds nothing.
    fn is_complete(&self) -> bool {
        let Some(open) = self
            .open
            .as_ref()
            .filter(|_| self.detector.ongoing().is_none())
        else {
            return false;
        };
        let Some((_, end)) = open.spans.last() else {
            return true;
        };
        let pause = self.position - end;
        let is_long = end - open.start >= self.limits.long_window;
        pause >= self.limits.long_pause || (is_long && pause >= self.limits.short_pause)
    }

    /// Closes the window a little after the last speech in it. Without speech there is none.
    fn close_in_silence(&mut self) -> Option<Window> {
        let open = self.open.take()?;
        let (_, last) = *open.spans.last()?;
        let end = (last + self.limits.padding).min(self.position);
        Some(self.take(&open, end))
    }

    /// Closes a window that has become too long.
    fn close_full(&mut self) -> Option<Window> {
        let Some(ongoing) = self.detector.ongoing() else {
            return self.close_in_silence();
        };
        let open = self.open.take()?;
        let cut = self.cut(&open, ongoing);
        let mut spans = open.spans.clone();
        // What is not known to have ended goes on: it may be silent already, and may come back.
        spans.push((ongoing.start.max(open.start), u64::MAX));
        let before = spans.iter().filter(|(start, _)| *start < cut);
        let before: Vec<_> = before
            .map(|(start, end)| (*start, *end.min(&cut)))
            .collect();
        let after = open.spans.iter().filter(|(_, end)| *end > cut);
        let after: Vec<_> = after.map(|(start, end)| (*start.max(&cut), *end)).collect();
        let next = after
            .first()
            .map_or(ongoing.start.max(cut), |(start, _)| *start);
        let (_, last) = *before.last()?;
        let end = match next == cut {
            true => cut,
            false => cut.min(last + self.limits.padding),
        };
        let window = OpenWindow {
            start: open.start,
            spans: before,
        };
        let window = self.take(&window, end);
        self.open(next);
        if let Some(open) = &mut self.open {
            open.spans = after;
        }
        Some(window)
    }

    /// The middle of the frame that, with its neighbours, is the least probable to hold speech: at the end of the window, and not in what may yet turn out
    /// to be too short for speech.
    fn cut(&self, open: &OpenWindow, ongoing: Ongoing) -> u64 {
        let until = match self.detector.is_speech(ongoing.start, self.position) {
            true => self.position,
            false => ongoing.start,
        };
        let from = open
            .start
            .max(self.position.saturating_sub(self.limits.cut_range));
        let frames = from.div_ceil(FRAME_SAMPLES)..until / FRAME_SAMPLES;
        let around = |frame: &u64| -> f32 {
            let near = frame.saturating_sub(1)..frame + 2;
            near.map(|frame| self.probability(frame)).sum()
        };
        // The last one of several, so that the window is as long as can be.
        let least = frames
            .rev()
            .min_by(|one, other| around(one).total_cmp(&around(other)));
        least.map_or(until, |frame| frame * FRAME_SAMPLES + FRAME_SAMPLES / 2)
    }

    fn probability(&self, frame: u64) -> f32 {
        let known = frame.checked_sub(self.first / FRAME_SAMPLES);
        let known = known.and_then(|at| self.track.get(at as usize));
        known.copied().unwrap_or(1.0)
    }

    /// Takes the window's audio out.
    fn take(&mut self, window: &OpenWindow, end: u64) -> Window {
        let spans = self.finished_spans(&window.spans, window.start, end);
        self.drop_until(window.start);
        let length = (end - window.start) as usize;
        let samples: Vec<f32> = self.samples.iter().take(length).copied().collect();
        self.closed = end;
        Window {
            start_sample: window.start,
            samples,
            spans,
        }
    }

    fn finished_spans(&self, spans: &[(u64, u64)], from: u64, to: u64) -> Vec<Span> {
        let finished = |&(start, end): &(u64, u64)| {
            let frames = start / FRAME_SAMPLES..end.div_ceil(FRAME_SAMPLES);
            let count = (frames.end - frames.start).max(1) as f32;
            let sum: f32 = frames.map(|frame| self.probability(frame)).sum();
            let span = Span {
                start_sample: start,
                end_sample: end,
                probability: sum / count,
            };
            span.padded(self.limits.span_padding, from, to)
        };
        spans.iter().map(finished).collect()
    }

    /// Forgets the audio that no window can need.
    fn forget(&mut self) {
        let needed = match &self.open {
            Some(open) => open.start,
            None => self
                .closed
                .max(self.position.saturating_sub(self.limits.padding)),
        };
        self.drop_until(needed);
    }

    fn drop_until(&mut self, sample: u64) {
        let frames = sample / FRAME_SAMPLES - self.first / FRAME_SAMPLES;
        self.track.drain(..self.track.len().min(frames as usize));
        let samples = sample - self.first;
        self.samples
            .drain(..self.samples.len().min(samples as usize));
        self.first = sample;
    }
}
