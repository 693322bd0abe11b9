//! The speech agent: where speech is, and what it says, in recordings and in live audio.
//!
//! ```no_run
//! # async fn example(runtime: aimass_runtime::Runtime) -> Result<(), aimass_runtime::TaskError> {
//! use aimass_agents::speech::{AudioInput, Transcribe, TranscribeInput};
//!
//! let input = TranscribeInput::of(AudioInput::path("meeting.flac"));
//! let transcript = runtime.ask::<Transcribe>(input).await?;
//! for segment in &transcript.segments {
//!     println!("[{:.2} {:.2}]{}", segment.start, segment.end, segment.text);
//! }
//! # Ok(())
//! # }
//! ```

mod activity;
mod agent;
mod delivered;
mod detect;
mod input;
mod listen;
mod recognize;
mod samples;
mod segmenter;
mod spans;
mod subtitles;
mod text_deltas;
mod transcribe;
mod transcriber;
mod transcript;
mod transcription_options;
mod translate;
mod view;

pub use activity::{Activity, ActivityInput, DetectActivity, SileroSource};
pub use agent::{MANIFEST, SpeechAgent, SpeechLimits};
pub use detect::{Detect, DetectInput, DetectedSpeech, SpeechSpan};
pub use input::AudioInput;
pub use listen::{Heard, Listen, ListenInput};
pub use recognize::{Recognize, RecognizeInput, RecognizedWindow, WhisperModel, WhisperSource};
pub use samples::{MAX_PIECE_SAMPLES, Samples};
pub use segmenter::{Segmenter, SegmenterOptions, Window};
pub use spans::{Span, SpanDetector, SpanOptions};
pub use subtitles::TranscriptFormat;
pub use transcribe::{Transcribe, TranscribeInput};
pub use transcript::{Segment, Transcript, Word};
pub use transcription_options::{Target, TranscriptionOptions};
pub use translate::Translate;

/// Samples of a second of the audio that the agent's models take.
pub const SAMPLE_RATE: u32 = aimass_models::silero::SAMPLE_RATE;
