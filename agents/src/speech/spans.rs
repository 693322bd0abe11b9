//! Where speech begins and ends, from the probabilities of frames.
//!
//! Speech begins with a frame of at least the threshold, and ends when the probability falls below
//! a second, lower threshold and does not come back within a short silence. A state machine without
//! IO: what it says depends on the probabilities only, one after the other, so it serves files and
//! live audio alike.
//!
//! Source: `get_speech_timestamps_from_probs` of the package silero-vad 6.2.3, with no limit to the
//! length of speech. With a padding of more than half of `min_silence`, which would make spans
//! touch, the results differ: here the padding is then that half.

use std::time::Duration;

use aimass_models::silero::FRAME;

use crate::speech::SAMPLE_RATE;

/// Samples of a frame.
pub(super) const FRAME_SAMPLES: u64 = FRAME as u64;
/// The default distance of the lower threshold from the upper one.
const HYSTERESIS: f32 = 0.15;
/// The lowest lower threshold.
const MIN_THRESHOLD: f32 = 0.01;

/// When speech begins and ends. The defaults are those of Silero VAD.
#[derive(Debug, Clone, PartialEq)]
pub struct SpanOptions {
    /// A frame at least this probable begins speech. 0.5.
    pub threshold: f32,
    /// Speech ends with frames less probable than this; when none is given, 0.15 below the
    /// threshold.
    pub neg_threshold: Option<f32>,
    /// What is not longer than this is no speech. 250 ms.
    pub min_speech: Duration,
    /// A silence shorter than this does not end speech. 100 ms.
    pub min_silence: Duration,
    /// What is added to speech at both ends, up to half of `min_silence`. 30 ms.
    pub padding: Duration,
}

impl Default for SpanOptions {
    fn default() -> Self {
        Self {
            threshold: 0.5,
            neg_threshold: None,
            min_speech: Duration::from_millis(250),
            min_silence: Duration::from_millis(100),
            padding: Duration::from_millis(30),
        }
    }
}

impl SpanOptions {
    /// The samples that are added to speech at both ends: so few that two spans never touch.
    pub(super) fn padding_samples(&self) -> u64 {
        in_samples(self.padding).min(in_samples(self.min_silence) / 2)
    }
}

/// A stretch of speech.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    /// Its first sample, counted from the beginning of the recording.
    pub start_sample: u64,
    /// The sample after its last one.
    pub end_sample: u64,
    /// The mean probability of its frames.
    pub probability: f32,
}

impl Span {
    /// The same with padding at both ends, within `from` and `to`.
    pub(super) fn padded(self, padding: u64, from: u64, to: u64) -> Self {
        Self {
            start_sample: self.start_sample.saturating_sub(padding).max(from),
            end_sample: self.end_sample.saturating_add(padding).min(to),
            ..self
        }
    }
}

/// Speech that has begun and not ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ongoing {
    pub(super) start: u64,
    /// Where it ends if it does not come back.
    end: Option<u64>,
    mean: Mean,
    mean_at_end: Mean,
}

/// A sum of probabilities on its way to a mean.
#[derive(Debug, Clone, Copy, Default)]
struct Mean {
    sum: f64,
    count: u32,
}

impl Mean {
    fn add(&mut self, value: f32) {
        self.sum += f64::from(value);
        self.count += 1;
    }

    fn get(self) -> f32 {
        (self.sum / f64::from(self.count.max(1))) as f32
    }
}

/// Finds speech in probabilities that come frame by frame.
#[derive(Debug, Clone)]
pub struct SpanDetector {
    threshold: f32,
    neg_threshold: f32,
    min_speech: u64,
    min_silence: u64,
    position: u64,
    ongoing: Option<Ongoing>,
}

impl SpanDetector {
    /// A detector at the beginning of a recording.
    #[must_use]
    pub fn new(options: &SpanOptions) -> Self {
        let lower = (options.threshold - HYSTERESIS).max(MIN_THRESHOLD);
        Self {
            threshold: options.threshold,
            neg_threshold: options.neg_threshold.unwrap_or(lower),
            min_speech: in_samples(options.min_speech),
            min_silence: in_samples(options.min_silence),
            position: 0,
            ongoing: None,
        }
    }

    /// Hears the next frame. Gives the speech that is now known to have ended, without padding.
    pub fn push(&mut self, probability: f32) -> Option<Span> {
        let at = self.position;
        self.position += FRAME_SAMPLES;
        let Some(ongoing) = &mut self.ongoing else {
            if probability >= self.threshold {
                let mut mean = Mean::default();
                mean.add(probability);
                self.ongoing = Some(Ongoing {
                    start: at,
                    end: None,
                    mean,
                    mean_at_end: Mean::default(),
                });
            }
            return None;
        };
        if probability >= self.threshold {
            ongoing.end = None;
        }
        if probability < self.neg_threshold {
            if ongoing.end.is_none() {
                ongoing.mean_at_end = ongoing.mean;
            }
            let end = *ongoing.end.get_or_insert(at);
            if at - end >= self.min_silence {
                let mean = ongoing.mean_at_end;
                return self.end(end, mean);
            }
        }
        ongoing.mean.add(probability);
        None
    }

    /// The recording ends after this many samples: gives the speech that lasts until there, and is
    /// new again.
    pub fn finish(&mut self, samples: u64) -> Option<Span> {
        self.position = 0;
        let mean = self.ongoing?.mean;
        self.end(samples, mean)
    }

    fn end(&mut self, end: u64, mean: Mean) -> Option<Span> {
        let start = self.ongoing.take()?.start;
        let span = Span {
            start_sample: start,
            end_sample: end,
            probability: mean.get(),
        };
        self.is_speech(start, end).then_some(span)
    }

    /// The speech that goes on at this moment.
    pub(super) fn ongoing(&self) -> Option<Ongoing> {
        self.ongoing
    }

    /// Whether this is long enough to be speech.
    pub(super) fn is_speech(&self, start: u64, end: u64) -> bool {
        end.saturating_sub(start) > self.min_speech
    }
}

/// A duration in samples.
pub(super) fn in_samples(duration: Duration) -> u64 {
    (duration.as_secs_f64() * f64::from(SAMPLE_RATE)).round() as u64
}

/// Samples in seconds.
pub(super) fn in_seconds(samples: u64) -> f64 {
    samples as f64 / f64::from(SAMPLE_RATE)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    /// What silero-vad says about the same probabilities.
    #[derive(Deserialize)]
    struct Golden {
        probabilities: Vec<f32>,
        samples: u64,
        cases: Vec<Case>,
    }

    #[derive(Deserialize)]
    struct Case {
        threshold: f32,
        neg_threshold: Option<f32>,
        min_speech_ms: u64,
        min_silence_ms: u64,
        padding_ms: u64,
        spans: Vec<(u64, u64)>,
    }

    fn spans(golden: &Golden, options: &SpanOptions) -> Vec<Span> {
        let mut detector = SpanDetector::new(options);
        let probabilities = golden.probabilities.iter();
        let mut found: Vec<Span> = probabilities.filter_map(|p| detector.push(*p)).collect();
        found.extend(detector.finish(golden.samples));
        found
    }

    #[test]
    fn it_finds_what_the_reference_finds() {
        let goldens: Vec<Golden> =
            serde_json::from_str(include_str!("../../../models/goldens/silero/spans.json"))
                .unwrap();
        assert!(goldens.len() >= 3);
        for golden in &goldens {
            for case in &golden.cases {
                let options = SpanOptions {
                    threshold: case.threshold,
                    neg_threshold: case.neg_threshold,
                    min_speech: Duration::from_millis(case.min_speech_ms),
                    min_silence: Duration::from_millis(case.min_silence_ms),
                    padding: Duration::from_millis(case.padding_ms),
                };
                let padding = options.padding_samples();
                let found = spans(golden, &options).into_iter();
                let found = found.map(|span| span.padded(padding, 0, golden.samples));
                let found: Vec<_> = found
                    .map(|span| (span.start_sample, span.end_sample))
                    .collect();
                assert_eq!(found, case.spans, "{options:?}");
            }
        }
    }

    #[test]
    fn the_probability_of_speech_is_the_mean_of_its_frames_without_the_silence_after_it() {
        let mut detector = SpanDetector::new(&SpanOptions::default());
        let mut track = vec![0.8; 10];
        track.extend([0.1; 5]);
        let spans: Vec<Span> = track.iter().filter_map(|p| detector.push(*p)).collect();
        assert_eq!(spans.len(), 1);
        assert_eq!((spans[0].start_sample, spans[0].end_sample), (0, 5120));
        assert!((spans[0].probability - 0.8).abs() < 1e-6);
        assert!(detector.push(f32::NAN).is_none() && detector.ongoing().is_none());
    }
}
