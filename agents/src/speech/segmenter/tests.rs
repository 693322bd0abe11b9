//! What windows promise, by examples and by chance.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::speech::spans::in_samples;
use crate::speech::{SAMPLE_RATE, SpanOptions};

const SPEECH: f32 = 0.9;
const SILENCE: f32 = 0.02;

/// Audio in which each sample is its own number, so that one can see where it comes from.
fn audio(samples: u64) -> Vec<f32> {
    (0..samples).map(|sample| sample as f32).collect()
}

/// The probabilities of stretches of so many seconds.
fn track(stretches: &[(f64, f32)]) -> Vec<f32> {
    let frames = |seconds: f64| (seconds * f64::from(SAMPLE_RATE) / 512.0).round() as usize;
    let all = stretches.iter();
    all.flat_map(|(seconds, probability)| std::iter::repeat_n(*probability, frames(*seconds)))
        .collect()
}

fn windows(options: &SegmenterOptions, track: &[f32]) -> Vec<Window> {
    let mut segmenter = Segmenter::new(options.clone());
    let mut windows = segmenter.push(&audio(track.len() as u64 * FRAME_SAMPLES), track);
    windows.extend(segmenter.finish());
    windows
}

/// Beginning and end of the windows with the default options, in seconds.
fn places(stretches: &[(f64, f32)]) -> Vec<(f64, f64)> {
    let seconds = |samples: u64| (samples as f64 / 1600.0).round() / 10.0;
    let windows = windows(&SegmenterOptions::default(), &track(stretches));
    let place = |window: &Window| (seconds(window.start_sample), seconds(window.end_sample()));
    windows.iter().map(place).collect()
}

#[test]
fn a_long_pause_ends_a_window_and_a_short_one_a_long_window() {
    let pause = |seconds| (seconds, SILENCE);
    let speech = |seconds| (seconds, SPEECH);
    assert_eq!(places(&[pause(60.0)]), []);
    assert_eq!(
        places(&[pause(1.0), speech(10.0), pause(3.0), speech(5.0)]),
        [(0.7, 11.3), (13.7, 19.0)]
    );
    assert_eq!(
        places(&[speech(5.0), pause(1.0), speech(5.0), pause(1.0)]),
        [(0.0, 11.3)]
    );
    assert_eq!(
        places(&[speech(16.0), pause(0.8), speech(5.0), pause(1.0)]),
        [(0.0, 16.3), (16.5, 22.1)]
    );
    assert_eq!(
        places(&[speech(16.0), pause(0.3), speech(5.0), pause(1.0)]),
        [(0.0, 21.6)]
    );
}

#[test]
fn a_window_that_would_be_too_long_is_cut_where_speech_is_least_probable() {
    let dip = (0.1, 0.4);
    let cut = places(&[(25.0, SPEECH), dip, (20.0, SPEECH)]);
    assert_eq!(cut, [(0.0, 25.0), (25.0, 45.1)]);
    // The pause is among the last 8 s; of one before them, nothing is known to be better.
    let pause = (0.4, SILENCE);
    let cut = places(&[(12.0, SPEECH), pause, (12.0, SPEECH), pause, (20.0, SPEECH)]);
    assert_eq!(cut, [(0.0, 24.7), (24.7, 44.8)]);
    // In a pause, the window ends with it.
    let cut = places(&[(28.5, SPEECH), (1.9, SILENCE), (5.0, SPEECH)]);
    assert_eq!(cut, [(0.0, 28.8), (30.1, 35.4)]);
}

#[test]
fn the_last_frame_may_be_short_and_nothing_is_added_to_it() {
    let mut segmenter = Segmenter::new(SegmenterOptions::default());
    let samples = audio(20 * FRAME_SAMPLES + 100);
    assert_eq!(segmenter.push(&samples, &[SPEECH; 21]), []);
    assert_eq!(
        segmenter.growing().unwrap().end_sample(),
        20 * FRAME_SAMPLES
    );
    let windows = segmenter.finish();
    assert_eq!(windows[0].samples, samples);
    assert_eq!(windows[0].spans[0].end_sample, samples.len() as u64);
    assert_eq!(segmenter.finish(), []);
}

#[test]
fn an_hour_of_silence_and_an_hour_of_speech_take_bounded_memory() {
    for probability in [SILENCE, SPEECH] {
        let mut segmenter = Segmenter::new(SegmenterOptions::default());
        let piece = vec![0.0; 20 * FRAME_SAMPLES as usize];
        for _ in 0..3600 * SAMPLE_RATE as usize / piece.len() {
            let windows = segmenter.push(&piece, &[probability; 20]);
            assert!(windows.len() < 2);
            assert!(segmenter.samples.len() <= 30 * SAMPLE_RATE as usize);
            assert!(segmenter.track.len() <= 30 * SAMPLE_RATE as usize / 512 + 2);
        }
    }
}

#[test]
fn probabilities_that_are_no_numbers_are_no_speech() {
    assert_eq!(places(&[(20.0, f32::NAN)]), []);
}

/// Short limits, so that a short recording meets all of them.
fn options() -> impl Strategy<Value = SegmenterOptions> {
    let millis = |range: std::ops::Range<u64>| range.prop_map(Duration::from_millis);
    let spans = (millis(0..600), millis(0..400), millis(0..100), 0.2f32..0.8);
    let windows = (
        millis(0..900),
        millis(0..1500),
        millis(0..800),
        millis(0..4000),
        millis(0..6000),
        millis(0..4000),
    );
    (spans, windows).prop_map(|(spans, windows)| SegmenterOptions {
        spans: SpanOptions {
            min_speech: spans.0,
            min_silence: spans.1,
            padding: spans.2,
            threshold: spans.3,
            neg_threshold: None,
        },
        padding: windows.0,
        long_pause: windows.1,
        short_pause: windows.2,
        long_window: windows.3,
        max_window: windows.4,
        cut_range: windows.5,
    })
}

/// Stretches that are rather speech or rather silence, with some noise.
fn tracks() -> impl Strategy<Value = Vec<f32>> {
    let stretch = (0f32..1.0, 0f32..0.5, 1usize..120, any::<u64>());
    prop::collection::vec(stretch, 0..12).prop_map(|stretches| {
        let mut track = Vec::new();
        for (level, noise, frames, mut seed) in stretches {
            for _ in 0..frames {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let random = (seed >> 40) as f32 / (1u64 << 24) as f32;
                track.push((level + noise * (random - 0.5)).clamp(0.0, 1.0));
            }
        }
        track
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn windows_are_in_order_apart_and_hold_all_speech(
        options in options(), track in tracks(), missing in 0u64..512
    ) {
        let length = (track.len() as u64 * FRAME_SAMPLES).saturating_sub(missing);
        let samples = audio(length);
        let mut segmenter = Segmenter::new(options.clone());
        let mut windows = segmenter.push(&samples, &track);
        windows.extend(segmenter.finish());
        let mut end = 0;
        for window in &windows {
            prop_assert!(window.start_sample >= end && !window.spans.is_empty());
            end = window.end_sample();
            let limit = in_samples(options.max_window.max(Duration::from_secs(2)));
            prop_assert!(window.samples.len() as u64 <= limit);
            let place = window.start_sample as usize..end as usize;
            prop_assert_eq!(&window.samples, &samples[place]);
            let mut last = window.start_sample;
            for span in &window.spans {
                prop_assert!(span.start_sample >= last && span.end_sample > span.start_sample);
                prop_assert!((0.0..=1.0).contains(&span.probability));
                last = span.end_sample;
            }
            prop_assert!(last <= end);
        }
        let mut detector = SpanDetector::new(&options.limited_spans());
        let mut speech: Vec<Span> = track.iter().filter_map(|p| detector.push(*p)).collect();
        speech.extend(detector.finish(length));
        let silent = track.iter().all(|probability| *probability < options.spans.threshold);
        prop_assert!(windows.is_empty() || !silent);
        for span in speech {
            let mut covered = span.start_sample;
            for window in &windows {
                if window.start_sample <= covered {
                    covered = covered.max(window.end_sample());
                }
            }
            prop_assert!(covered >= span.end_sample, "{:?} is not in {:?}", span, windows.iter().map(|window| (window.start_sample, window.end_sample())).collect::<Vec<_>>());
        }
    }

    #[test]
    fn windows_do_not_depend_on_how_the_audio_is_cut(
        options in options(), track in tracks(), cuts in prop::collection::vec((0usize..9000, 0usize..40), 0..60)
    ) {
        let samples = audio((track.len() as u64 * FRAME_SAMPLES).saturating_sub(77));
        let mut whole = Segmenter::new(options.clone());
        let mut expected = whole.push(&samples, &track);
        expected.extend(whole.finish());
        let mut segmenter = Segmenter::new(options);
        let (mut samples, mut track) = (&samples[..], &track[..]);
        let mut windows = Vec::new();
        for (some, frames) in cuts {
            let (now, later) = samples.split_at(some.min(samples.len()));
            let (probabilities, others) = track.split_at(frames.min(track.len()));
            windows.extend(segmenter.push(now, probabilities));
            (samples, track) = (later, others);
        }
        windows.extend(segmenter.push(samples, track));
        windows.extend(segmenter.finish());
        prop_assert_eq!(windows, expected);
    }
}
