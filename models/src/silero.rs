//! Silero VAD: how probably each 32 ms of a recording hold speech.
//!
//! The network of Silero VAD 6 for 16 kHz: the magnitudes of a short-time Fourier transform, four convolutions, a long short-term memory, and one
//! number from 0 to 1. Only the memory goes from frame to frame, so a stretch of audio passes the rest as one batch.
//!
//! Source: Silero Team, "Silero VAD", <https://github.com/snakers4/silero-vad>. The graph is that of `tinygrad_model.py` in its package 6.2.3. The weights
//! are those of its ONNX files: the safetensors file beside them holds older ones, whose probabilities differ by up to 0.24.

mod lstm;
mod network;
mod state;

pub use network::{Silero, SileroWeights};
pub use state::SileroState;

/// Samples of a second of the audio that the network takes.
pub const SAMPLE_RATE: u32 = 16_000;
/// Samples of one frame: for each there is one probability.
pub const FRAME: usize = 512;
