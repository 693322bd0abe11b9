//! Recognition: from windows of audio to segments and words, step by step.
//!
//! A window is at most as long as the network hears at once. Its spectrogram is encoded layer by
//! layer, then decoded together with the other windows of the batch; a result that looks wrong is
//! decoded again at a higher temperature, and what the model left over is heard again.
//!
//! Source of the order and of the thresholds: `whisper/transcribe.py` of openai/whisper.

mod guards;
mod options;
mod window;

use super::decoding::Decoding;
use super::{LogMel, WhisperWeights};
use crate::ModelError;
pub use options::{RecognitionOptions, Silence, Words};
use window::{Stage, Window};

use super::alignment::Word;

/// Bytes that a batch may take when nothing else is said.
const DEFAULT_BATCH_BYTES: usize = 512 << 20;
/// Steps of the decoder between two looks at what goes on outside.
const TOKENS_AT_ONCE: usize = 8;

/// What was recognized in a window.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Recognized {
    /// The code of the language, such as `en`.
    pub language: Option<String>,
    /// How likely that language is; 1 if it was given.
    pub language_probability: f32,
    /// What was said, in order.
    pub segments: Vec<RecognizedSegment>,
}

/// A segment, with the seconds since the window's beginning.
#[derive(Debug, Clone, PartialEq)]
pub struct RecognizedSegment {
    /// When it begins.
    pub start: f64,
    /// When it ends.
    pub end: f64,
    /// Its text, with the space before it.
    pub text: String,
    /// Its tokens.
    pub tokens: Vec<u32>,
    /// Its words, if they were asked for.
    pub words: Vec<Word>,
    /// How likely it is that nobody speaks.
    pub no_speech: f32,
    /// The mean logarithm of the tokens' probabilities.
    pub mean_log_probability: f32,
    /// The temperature of the decoding.
    pub temperature: f32,
}

/// The work on a batch of windows.
#[derive(Debug)]
pub struct Recognition {
    windows: Vec<Window>,
    most_bytes: usize,
}

impl Default for Recognition {
    /// One that may take 512 MiB.
    fn default() -> Self {
        Self::within(DEFAULT_BATCH_BYTES)
    }
}

/// What a step has come to.
#[derive(Debug, Default)]
pub struct Progress {
    /// Windows that are done, by their number: what was recognized, or why it could not be.
    pub done: Vec<(usize, Result<Recognized, ModelError>)>,
    /// Whether all are.
    pub finished: bool,
}

impl Recognition {
    /// One in which further windows wait while what the encoder made of others takes so many bytes.
    /// A single window is never too many.
    #[must_use]
    pub fn within(most_bytes: usize) -> Self {
        Self {
            windows: Vec::new(),
            most_bytes,
        }
    }

    /// Takes in a window: f32 samples at 16 kHz, at most as many as the network hears. Windows are
    /// numbered in their order. One that is longer, or in a language that the model does not know,
    /// is done at once, with the error that says so.
    pub fn push(
        &mut self,
        weights: &WhisperWeights,
        samples: &[f32],
        options: &RecognitionOptions,
    ) {
        self.windows.push(Window::new(weights, samples, options));
    }

    /// Whether further windows wait until some of those under way are done.
    #[must_use]
    pub fn is_full(&self) -> bool {
        let bytes: usize = self.windows.iter().map(Window::bytes).sum();
        bytes > 0 && bytes >= self.most_bytes
    }

    /// Forgets a window that nobody waits for any more.
    pub fn drop_window(&mut self, number: usize) {
        if let Some(window) = self.windows.get_mut(number) {
            window.stage = Stage::Gone;
        }
    }

    /// Does the next step: a layer of the encoder for one window, or some tokens of all that are
    /// decoded.
    ///
    /// # Errors
    /// [`ModelError::Compute`] when the device fails.
    pub fn advance(&mut self, weights: &WhisperWeights) -> Result<Progress, ModelError> {
        let room = !self.is_full();
        let waiting = self.windows.iter_mut().find(|window| window.is_encoding());
        match waiting.filter(|_| room) {
            Some(window) => window.encode(weights)?,
            None => self.decode(weights)?,
        }
        let mut progress = Progress::default();
        for (number, window) in self.windows.iter_mut().enumerate() {
            window.settle(weights)?;
            if let Some(outcome) = window.take() {
                progress.done.push((number, outcome));
            }
        }
        progress.finished = self
            .windows
            .iter()
            .all(|window| matches!(window.stage, Stage::Gone));
        Ok(progress)
    }

    fn decode(&mut self, weights: &WhisperWeights) -> Result<(), ModelError> {
        for _ in 0..TOKENS_AT_ONCE {
            let mut open: Vec<&mut Decoding> = self
                .windows
                .iter_mut()
                .filter_map(Window::decoding)
                .collect();
            let before = open.len();
            Decoding::advance(weights, &mut open)?;
            // A window that ended may have more to do, which need not wait for the others.
            if open.iter().filter(|decoding| !decoding.is_done()).count() < before {
                break;
            }
        }
        Ok(())
    }
}

/// The spectrogram of a window, behind which nothing follows for as long as the options say.
fn spectrogram(weights: &WhisperWeights, samples: &[f32], options: &RecognitionOptions) -> LogMel {
    let most = weights.config().max_source_positions * super::SAMPLES_PER_POSITION;
    let padded = options.padded(samples.len(), most);
    let whole = samples.len().next_multiple_of(super::HOP);
    let spectrogram = weights.filters().log_mel(samples, whole);
    spectrogram.padded(padded / super::HOP)
}
