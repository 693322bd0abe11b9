//! Many channels to one.
//!
//! The result is the plain average of all channels, whatever their position. Speech that is on one of two channels is then heard at half
//! its strength, which the models do not mind; a rule with positions would lose a microphone wherever a file's positions are wrong, as they
//! are in most files with more than two channels.

use std::ops::Range;

/// A sample that a model can hear: in -1..=1, with silence for what is no number.
pub(super) fn audible(sample: f32) -> f32 {
    if sample.is_finite() {
        sample.clamp(-1.0, 1.0)
    } else {
        0.0
    }
}

/// Averages a range of channels that lie one after the other, and appends the result to `mono`. All planes have the same length.
pub(super) fn planes(planes: &[Vec<f32>], range: Range<usize>, mono: &mut Vec<f32>) {
    let mut planes_in_range = planes.iter().filter_map(|plane| plane.get(range.clone()));
    let Some(first) = planes_in_range.next() else {
        return;
    };
    let start = mono.len();
    mono.extend(first.iter().copied().map(audible));
    if planes.len() == 1 {
        return;
    }
    let mixed = mono.get_mut(start..).unwrap_or_default();
    for plane in planes_in_range {
        for (sum, &sample) in mixed.iter_mut().zip(plane) {
            *sum += audible(sample);
        }
    }
    let count = planes.len() as f32;
    mixed.iter_mut().for_each(|sum| *sum /= count);
}

/// Averages channels that lie sample by sample, and appends the result to `mono`. The length is a multiple of `channels`.
pub(super) fn interleaved(samples: &[f32], channels: usize, mono: &mut Vec<f32>) {
    let count = channels as f32;
    mono.extend(
        samples
            .chunks_exact(channels)
            .map(|frame| frame.iter().copied().map(audible).sum::<f32>() / count),
    );
}
