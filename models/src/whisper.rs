//! Whisper: speech to text, and to English, with times.
//!
//! Source: Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision", 2022, and its reference code, openai/whisper. The network
//! takes [`LogMel`] spectrograms of pieces of audio that need not fill the 30 seconds it was trained on, several pieces in one batch, and decodes
//! all their hypotheses together, since a decoder on a processor costs what reading its weights costs.

pub mod alignment;
mod config;
mod decoder;
pub mod decoding;
mod encoder;
mod layer;
mod mel;
pub mod recognition;
mod segments;
mod vocabulary;
mod weights;

pub use config::{GenerationConfig, WhisperConfig};
pub use decoder::{DecoderState, EncodedAudio};
pub use encoder::EncoderPass;
pub use mel::{LogMel, MelFilters};
pub use segments::{Segment, segments};
pub use vocabulary::{SpecialTokens, Vocabulary};
pub use weights::WhisperWeights;

/// Samples in a second of the audio that Whisper hears.
pub const SAMPLE_RATE: usize = 16_000;
/// Samples from one column of the spectrogram to the next.
pub const HOP: usize = 160;
/// Samples behind one position of the encoder's output: 20 milliseconds.
pub const SAMPLES_PER_POSITION: usize = 2 * HOP;
/// Seconds from one timestamp token to the next.
pub const TIMESTAMP_SECONDS: f64 = 0.02;
