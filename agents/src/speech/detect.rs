//! `speech.detect`: where speech is in a recording.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use aimass_runtime::{Fault, FlowContext, FlowSkill, Operation, ServerStreaming, Skill, SkillSpec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::speech::activity::Listener;
use crate::speech::spans::in_seconds;
use crate::speech::{AudioInput, Samples, Span, SpanDetector, SpanOptions};

/// The longest that may be asked for as a pause or as the shortest speech.
const MAX_SECONDS: f64 = 3600.0;

/// Finds speech in a recording.
#[derive(Debug, Clone, Copy, Default)]
pub struct Detect;

/// A recording, and what counts as speech.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DetectInput {
    /// An audio file: wav, flac, mp3, ogg, m4a and others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "path"))]
    pub path: Option<PathBuf>,
    /// The samples themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples: Option<Samples>,
    /// Sample rate in Hz; default: 16,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample_rate: Option<u32>,
    /// Probability at which speech starts, between 0 and 1; it ends 0.15 lower; default: 0.5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f32>,
    /// Shortest silence that ends speech, in seconds; default: 0.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_silence: Option<f64>,
    /// Speech that is not longer is ignored, in seconds; default: 0.25.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_speech: Option<f64>,
}

/// Where speech is in a recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DetectedSpeech {
    /// Duration of the recording in seconds.
    pub duration: f64,
    /// What could not be read, such as the rest of a truncated file; absent if nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incomplete: Option<String>,
    /// Spans of speech, in order.
    #[schemars(extend("x-view" = "timed"))]
    pub speech: Vec<SpeechSpan>,
}

/// A stretch of speech.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SpeechSpan {
    /// Start in seconds.
    pub start: f64,
    /// End in seconds.
    pub end: f64,
    /// Mean probability of its frames, 0 to 1.
    pub probability: f32,
}

impl From<Span> for SpeechSpan {
    fn from(span: Span) -> Self {
        Self {
            start: in_seconds(span.start_sample),
            end: in_seconds(span.end_sample),
            probability: span.probability,
        }
    }
}

impl DetectInput {
    /// The speech in this recording, with the usual options.
    pub fn of(audio: AudioInput) -> Self {
        Self {
            path: audio.path,
            samples: audio.samples,
            sample_rate: audio.sample_rate,
            ..Self::default()
        }
    }

    fn audio(&self) -> AudioInput {
        AudioInput {
            path: self.path.clone(),
            samples: self.samples.clone(),
            sample_rate: self.sample_rate,
        }
    }

    fn options(&self) -> Result<SpanOptions, Fault> {
        let usual = SpanOptions::default();
        let threshold = self.threshold.unwrap_or(usual.threshold);
        if !(threshold > 0.0 && threshold < 1.0) {
            return Err(Fault::rejected(format!(
                "expected a `threshold` above 0 and below 1, got {threshold}"
            )));
        }
        Ok(SpanOptions {
            threshold,
            min_silence: duration("min_silence", self.min_silence, usual.min_silence)?,
            min_speech: duration("min_speech", self.min_speech, usual.min_speech)?,
            ..usual
        })
    }
}

fn duration(name: &str, seconds: Option<f64>, usual: Duration) -> Result<Duration, Fault> {
    match seconds {
        None => Ok(usual),
        Some(seconds) if (0.0..=MAX_SECONDS).contains(&seconds) => {
            Ok(Duration::from_secs_f64(seconds))
        }
        Some(seconds) => Err(Fault::rejected(format!(
            "expected a `{name}` of 0 to {MAX_SECONDS} seconds, got {seconds}"
        ))),
    }
}

impl Skill for Detect {
    const NAME: &'static str = "speech.detect";
    type Input = DetectInput;
    type Output = DetectedSpeech;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Finds speech in a recording: start, end and probability.")
            .operation(Operation::DetectSpeech)
            .sends::<Self>()
            .continues()
            .main_field("path")
    }

    fn input_bytes(&self, input: &DetectInput) -> u64 {
        input.audio().bytes()
    }
}

impl ServerStreaming for Detect {
    type Item = SpeechSpan;
}

impl FlowSkill for Detect {
    async fn run(
        &self,
        input: Arc<DetectInput>,
        context: FlowContext,
    ) -> Result<DetectedSpeech, Fault> {
        let options = input.options()?;
        let padding = options.padding_samples();
        let mut detector = SpanDetector::new(&options);
        let mut listener = Listener::open(&context, input.audio()).await?;
        let (mut speech, mut heard) = (Vec::new(), 0);
        while let Some(piece) = listener.next(&context).await? {
            heard += piece.samples.len() as u64;
            for probability in piece.probabilities {
                let Some(span) = detector.push(probability) else {
                    continue;
                };
                // What comes later begins after the silence that ended this, which is longer than
                // the padding.
                let span = SpeechSpan::from(span.padded(padding, 0, u64::MAX));
                speech.push(span);
                context.emit(span).await?;
            }
        }
        if let Some(span) = detector.finish(heard) {
            let span = SpeechSpan::from(span.padded(padding, 0, heard));
            speech.push(span);
            context.emit(span).await?;
        }
        Ok(DetectedSpeech {
            duration: in_seconds(heard),
            incomplete: listener.incomplete(),
            speech,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_that_make_no_sense_are_refused_with_what_does() {
        let options = |json: &str| {
            let input: DetectInput = serde_json::from_str(json).unwrap();
            input.options().map_err(|fault| fault.message)
        };
        assert_eq!(options("{}"), Ok(SpanOptions::default()));
        let set = options(r#"{"threshold": 0.25, "min_silence": 1.5, "min_speech": 0}"#).unwrap();
        assert_eq!(set.threshold, 0.25);
        assert_eq!(set.min_silence, Duration::from_millis(1500));
        assert_eq!(set.min_speech, Duration::ZERO);
        for json in [
            r#"{"threshold": 0}"#,
            r#"{"threshold": 1}"#,
            r#"{"threshold": -3e30}"#,
            r#"{"min_silence": -1}"#,
            r#"{"min_speech": 1e300}"#,
        ] {
            assert!(options(json).unwrap_err().contains("got"), "{json}");
        }
        assert!(serde_json::from_str::<DetectInput>(r#"{"treshold": 0.5}"#).is_err());
    }
}
