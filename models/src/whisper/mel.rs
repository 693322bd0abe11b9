//! Log-mel spectrograms: what Whisper hears.
//!
//! Source: `whisper/audio.py` of openai/whisper, and librosa's Slaney-style mel filters, which it was made with.

use std::f64::consts::PI;
use std::sync::Arc;

use realfft::{RealFftPlanner, RealToComplex};

use super::{HOP, SAMPLE_RATE};

/// Samples of one Fourier transform: 25 milliseconds.
const WINDOW: usize = 400;
/// Frequencies of its result.
const BINS: usize = WINDOW / 2 + 1;

/// The logarithmic mel spectrogram of a piece of audio.
#[derive(Debug, Clone, PartialEq)]
pub struct LogMel {
    /// `[frames, mels]`: one row for each 10 milliseconds.
    values: Vec<f32>,
    mels: usize,
}

impl LogMel {
    /// The values, row by row: `[frames, mels]`.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The same, followed by rows of zeros up to `frames`, if those are more.
    ///
    /// Source: faster-whisper pads so, whose transcripts ours are compared with; openai/whisper pads the audio instead.
    #[must_use]
    pub fn padded(mut self, frames: usize) -> Self {
        let length = (frames * self.mels).max(self.values.len());
        self.values.resize(length, 0.0);
        self
    }

    /// How many rows it has.
    #[must_use]
    pub fn frames(&self) -> usize {
        self.values.len() / self.mels
    }

    /// The values of a row.
    #[must_use]
    pub fn mels(&self) -> usize {
        self.mels
    }
}

/// The mel filters of a network, with the plan of the Fourier transform. Immutable: workers share it.
pub struct MelFilters {
    /// For each filter, the first frequency that it lets through and the weights from there on.
    filters: Vec<(usize, Vec<f32>)>,
    /// The Hann window, periodic.
    window: Vec<f32>,
    transform: Arc<dyn RealToComplex<f32>>,
}

impl std::fmt::Debug for MelFilters {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("MelFilters")
            .field("mels", &self.filters.len())
            .finish_non_exhaustive()
    }
}

impl MelFilters {
    /// So many filters between 0 and 8,000 Hz.
    #[must_use]
    pub fn new(mels: usize) -> Self {
        let window = (0..WINDOW).map(|at| {
            let phase = 2.0 * PI * at as f64 / WINDOW as f64;
            (0.5 - 0.5 * phase.cos()) as f32
        });
        Self {
            filters: filters(mels),
            window: window.collect(),
            transform: RealFftPlanner::new().plan_fft_forward(WINDOW),
        }
    }

    /// The spectrogram of `samples` at 16 kHz, followed by silence up to `padded` samples, if those are more. It has one row for each 160 of
    /// them. Values are scaled so that the loudest is `(log10(power) + 4) / 4` and none is more than 8 decades below it.
    #[must_use]
    pub fn log_mel(&self, samples: &[f32], padded: usize) -> LogMel {
        let mels = self.filters.len();
        let length = samples.len().max(padded);
        let frames = length / HOP;
        let mut values = Vec::with_capacity(frames * mels);
        let mut input = vec![0f32; WINDOW];
        let mut spectrum = self.transform.make_output_vec();
        let mut scratch = self.transform.make_scratch_vec();
        let mut power = [0f32; BINS];
        for frame in 0..frames {
            let start = (frame * HOP) as isize - (WINDOW / 2) as isize;
            for (at, (value, window)) in input.iter_mut().zip(&self.window).enumerate() {
                *value = reflected(samples, length, start + at as isize) * window;
            }
            // It fails for buffers of another length only.
            let _ = self
                .transform
                .process_with_scratch(&mut input, &mut spectrum, &mut scratch);
            for (power, value) in power.iter_mut().zip(&spectrum) {
                *power = value.norm_sqr();
            }
            values.extend(self.filters.iter().map(|(first, weights)| {
                let power = power[*first..].iter();
                let sum: f32 = power
                    .zip(weights)
                    .map(|(power, weight)| power * weight)
                    .sum();
                sum.max(1e-10).log10()
            }));
        }
        let most = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        for value in &mut values {
            *value = (value.max(most - 8.0) + 4.0) / 4.0;
        }
        LogMel { values, mels }
    }
}

/// The sample at `place`, mirrored at both ends of `length` samples, and 0 behind those that are there.
fn reflected(samples: &[f32], length: usize, place: isize) -> f32 {
    let place = match place {
        ..0 => place.unsigned_abs(),
        _ if (place as usize) < length => place as usize,
        _ => (2 * length).saturating_sub(place as usize + 2),
    };
    samples.get(place).copied().unwrap_or(0.0)
}

/// Triangles of equal width on the mel scale, each with the area 1 in Hz.
fn filters(mels: usize) -> Vec<(usize, Vec<f32>)> {
    let highest = mel_of(SAMPLE_RATE as f64 / 2.0);
    let corner = |index: usize| hertz_of(highest * index as f64 / (mels + 1) as f64);
    let hertz = |bin: usize| bin as f64 * SAMPLE_RATE as f64 / WINDOW as f64;
    let filter = |index: usize| {
        let (low, middle, high) = (corner(index), corner(index + 1), corner(index + 2));
        let weights = (0..BINS).map(|bin| {
            let rising = (hertz(bin) - low) / (middle - low);
            let falling = (high - hertz(bin)) / (high - middle);
            (rising.min(falling).max(0.0) * 2.0 / (high - low)) as f32
        });
        let weights: Vec<f32> = weights.collect();
        let first = weights.iter().position(|weight| *weight > 0.0);
        let last = weights.iter().rposition(|weight| *weight > 0.0);
        let (first, last) = (first.unwrap_or(0), last.unwrap_or(0));
        (first, weights[first..=last].to_vec())
    };
    (0..mels).map(filter).collect()
}

/// Slaney's mel scale: linear below 1,000 Hz, logarithmic above.
fn mel_of(hertz: f64) -> f64 {
    match hertz < 1000.0 {
        true => hertz * 3.0 / 200.0,
        false => 15.0 + (hertz / 1000.0).ln() * 27.0 / 6.4f64.ln(),
    }
}

fn hertz_of(mel: f64) -> f64 {
    match mel < 15.0 {
        true => mel * 200.0 / 3.0,
        false => 1000.0 * ((mel - 15.0) * 6.4f64.ln() / 27.0).exp(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_is_loudest_in_the_filter_of_its_frequency() {
        let filters = MelFilters::new(80);
        let tone: Vec<f32> = (0..16_000)
            .map(|at| (2.0 * PI * 1000.0 * at as f64 / 16_000.0).sin() as f32)
            .collect();
        let spectrum = filters.log_mel(&tone, 0);
        assert_eq!((spectrum.frames(), spectrum.mels()), (100, 80));
        let row = &spectrum.values()[50 * 80..51 * 80];
        let loudest = (0..80).max_by(|one, other| row[*one].total_cmp(&row[*other]));
        let expected = (mel_of(1000.0) / mel_of(8000.0) * 81.0).round() as usize - 1;
        assert_eq!(loudest, Some(expected));
    }

    #[test]
    fn silence_and_nothing_are_sound_spectrograms() {
        let filters = MelFilters::new(128);
        let silence = filters.log_mel(&[], 3200);
        assert_eq!((silence.frames(), silence.mels()), (20, 128));
        assert!(silence.values().iter().all(|value| *value == -1.5));
        assert_eq!(filters.log_mel(&[], 0).frames(), 0);
        assert_eq!(filters.log_mel(&[0.5], 0).frames(), 0);
    }

    #[test]
    fn the_scale_reads_back_what_it_wrote() {
        for hertz in [0.0, 440.0, 999.0, 1000.0, 3456.0, 8000.0] {
            assert!((hertz_of(mel_of(hertz)) - hertz).abs() < 1e-9);
        }
    }
}
