//! Recordings to try the agent on.

use std::f32::consts::TAU;
use std::path::{Path, PathBuf};

/// A recording of 5.7 s with two stretches of speech, from about 0.2 s to 2.9 s and from 4.0 s to 5.2 s.
pub(crate) fn speech_file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/goldens/silero/speech.wav")
}

/// The same as samples of 16 kHz.
pub(crate) fn speech() -> Vec<f32> {
    let file = std::fs::read(speech_file()).unwrap();
    let (samples, _) = file[44..].as_chunks::<2>();
    let samples = samples.iter();
    samples
        .map(|sample| f32::from(i16::from_le_bytes(*sample)) / 32_768.0)
        .collect()
}

/// Numbers from -1 to 1 that are the same in each run.
pub(crate) fn white_noise(samples: usize) -> Vec<f32> {
    let mut seed = 7_u64;
    let mut next = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..samples).map(|_| next()).collect()
}

/// Chords of plucked strings over a drum, two a second: like music, and without a voice.
pub(crate) fn music(samples: usize) -> Vec<f32> {
    let noise = white_noise(samples);
    let chords = [
        [220.0, 277.2, 329.6],
        [146.8, 220.0, 293.7],
        [164.8, 246.9, 329.6],
    ];
    let sample = |at: usize| {
        let time = at as f32 / 16_000.0;
        let beat = time % 0.5;
        let chord = chords[(time / 2.0) as usize % chords.len()];
        let strings: f32 = chord
            .iter()
            .flat_map(|pitch| (1..6).map(move |harmonic| (pitch, harmonic as f32)))
            .map(|(pitch, harmonic)| (TAU * pitch * harmonic * time).sin() / (harmonic * harmonic))
            .sum();
        0.15 * strings * (-4.0 * beat).exp() + 0.2 * noise[at] * (-40.0 * beat).exp()
    };
    (0..samples).map(sample).collect()
}

/// A wav file of 16-bit mono samples.
pub(crate) fn wav(samples: &[f32], sample_rate: u32) -> Vec<u8> {
    interleaved_wav(samples, sample_rate, 1)
}

/// The samples as they are read from a wav file that was written of them.
pub(crate) fn stored(samples: &[f32]) -> Vec<f32> {
    let stored = |sample: &f32| f32::from((sample * 32_767.0) as i16) / 32_768.0;
    samples.iter().map(stored).collect()
}

/// A wav file of 16-bit samples of several channels, side by side.
pub(crate) fn interleaved_wav(samples: &[f32], sample_rate: u32, channels: u16) -> Vec<u8> {
    let bytes = 2 * samples.len() as u32;
    let frame = 2 * u32::from(channels);
    let mut file = b"RIFF".to_vec();
    file.extend((36 + bytes).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16_u32.to_le_bytes());
    file.extend([1_u16, channels].map(u16::to_le_bytes).concat());
    file.extend(
        [sample_rate, frame * sample_rate]
            .map(u32::to_le_bytes)
            .concat(),
    );
    file.extend([2 * channels, 16].map(u16::to_le_bytes).concat());
    file.extend(b"data");
    file.extend(bytes.to_le_bytes());
    let sample = |sample: &f32| ((sample * 32_767.0) as i16).to_le_bytes();
    file.extend(samples.iter().flat_map(sample));
    file
}
