//! The speech agent: where speech is, and what it says, in recordings and in live audio.
//!
//! ```no_run
//! # async fn example(runtime: aimass_runtime::Runtime) -> Result<(), aimass_runtime::TaskError> {
//! use aimass_agents::speech::{AudioInput, Detect, DetectInput};
//!
//! let input = DetectInput::of(AudioInput::path("meeting.flac"));
//! let found = runtime.ask(Detect, input).await?;
//! for span in &found.speech {
//!     println!("speech from {:.2} s to {:.2} s of {:.2} s", span.start, span.end, found.duration);
//! }
//! # Ok(())
//! # }
//! ```

mod activity;
mod agent;
mod detect;
mod input;
mod samples;
mod segmenter;
mod spans;

pub use activity::{Activity, ActivityInput, DetectActivity, SileroSource};
pub use agent::SpeechAgent;
pub use detect::{Detect, DetectInput, DetectedSpeech, SpeechSpan};
pub use input::AudioInput;
pub use samples::{MAX_PIECE_SAMPLES, Samples};
pub use segmenter::{Segmenter, SegmenterOptions, Window};
pub use spans::{Span, SpanDetector, SpanOptions};

/// Samples of a second of the audio that the agent's models take.
pub const SAMPLE_RATE: u32 = aimass_models::silero::SAMPLE_RATE;
