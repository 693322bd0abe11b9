//! The speech agent: where speech is, and what it says, in recordings and in live audio.

mod activity;
mod agent;
mod samples;
mod segmenter;
mod spans;

pub use activity::{Activity, ActivityInput, DetectActivity, SileroSource};
pub use agent::SpeechAgent;
pub use samples::{MAX_PIECE_SAMPLES, Samples};
pub use segmenter::{Segmenter, SegmenterOptions, Window};
pub use spans::{Span, SpanDetector, SpanOptions};

/// Samples of a second of the audio that the agent's models take.
pub const SAMPLE_RATE: u32 = aimass_models::silero::SAMPLE_RATE;
