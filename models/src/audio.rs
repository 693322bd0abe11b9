//! Audio files and live samples as the speech models hear them: mono, `f32` in -1..=1, at 16 kHz, a
//! second at a time.
//!
//! [`AudioFile`] decodes wav, aiff, flac, mp3, ogg (Vorbis, Opus, FLAC) and m4a (AAC-LC, ALAC) with
//! symphonia. [`Resampler`] does the same for samples that come live. Neither ever holds more than
//! a few seconds, however long the recording is.

mod claims;
mod corrections;
mod decode;
mod edits;
mod file;
mod info;
mod limits;
mod mix;
mod opus;
mod pages;
mod rebuilt;
mod resample;
mod riff;
mod source;
mod tables;
mod truncated;

pub use file::AudioFile;
pub use info::AudioInfo;
pub use limits::AudioLimits;
pub use resample::Resampler;

/// The sample rate, in Hz, of everything that this module gives out, and of every speech model in
/// this crate.
pub const SAMPLE_RATE: u32 = 16_000;
