//! How windows are recognized.

use crate::whisper::SAMPLES_PER_POSITION;
use crate::whisper::decoding::Task;

/// How a window is recognized. The defaults are those of the reference code, but for the silence
/// behind a window.
#[derive(Debug, Clone, PartialEq)]
pub struct RecognitionOptions {
    /// What is to be written down.
    pub task: Task,
    /// The code of the language, such as `en`; found out where there is none.
    pub language: Option<String>,
    /// How many hypotheses are followed side by side; 1 is greedy.
    pub beam_size: usize,
    /// How many times that number must have ended before the search does.
    pub patience: f32,
    /// How many are drawn at a temperature above 0.
    pub samples: usize,
    /// The temperatures that are tried one after the other, until a result looks right.
    pub temperatures: Vec<f32>,
    /// A result whose text compresses better than this repeats itself.
    pub most_compression: f32,
    /// A result whose tokens are less likely than this, in the mean of the logarithms, is not
    /// trusted.
    pub least_log_probability: f32,
    /// A window that is likelier than this to hold no speech, and is not trusted, is taken for
    /// silence.
    pub most_no_speech: f32,
    /// What was said before, or how it is to be written.
    pub prompt: String,
    /// Words that are likely to come.
    pub vocabulary: Vec<String>,
    /// Whether words get times.
    pub words: Words,
    /// Seconds of silence that the network hears behind a window; it was trained to hear 30 seconds
    /// in all, and takes as long as it hears.
    pub silence: Silence,
    /// The random seed.
    pub seed: u64,
}

/// Whether words get times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Words {
    /// They do: one more pass of the decoder over the text.
    #[default]
    Timed,
    /// They do not.
    Untimed,
}

/// How much silence the network hears behind a window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Silence {
    /// Up to the 30 seconds that it was trained with.
    Full,
    /// So many seconds.
    Seconds(f32),
}

impl Default for RecognitionOptions {
    fn default() -> Self {
        Self {
            task: Task::Transcribe,
            language: None,
            beam_size: 5,
            patience: 1.0,
            samples: 5,
            temperatures: vec![0.0, 0.2, 0.4, 0.6, 0.8, 1.0],
            most_compression: 2.4,
            least_log_probability: -1.0,
            most_no_speech: 0.6,
            prompt: String::new(),
            vocabulary: Vec::new(),
            words: Words::Timed,
            silence: Silence::Full,
            seed: 0,
        }
    }
}

impl RecognitionOptions {
    /// The samples that the network hears of a window of `samples`, where it hears at most `most`:
    /// whole positions.
    pub(super) fn padded(&self, samples: usize, most: usize) -> usize {
        let wanted = match self.silence {
            Silence::Full => most,
            Silence::Seconds(seconds) => {
                let silence = f64::from(seconds.max(0.0)) * crate::whisper::SAMPLE_RATE as f64;
                samples.saturating_add(silence as usize)
            }
        };
        wanted
            .next_multiple_of(SAMPLES_PER_POSITION)
            .clamp(SAMPLES_PER_POSITION, most)
    }
}
