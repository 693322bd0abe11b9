//! `speech.listen`: what is said in live audio, while it is said.

use std::sync::Arc;
use std::time::Duration;

use aimass_models::SileroState;
use aimass_models::audio::{AudioLimits, Resampler};
use aimass_models::silero::FRAME;
use aimass_runtime::{
    ClientStreaming, Fault, FlowContext, FlowSkill, Operation, ServerStreaming, Skill, SkillSpec,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::speech::input::{BLOCK, PIECE};
use crate::speech::text_deltas::TextDeltas;
use crate::speech::transcriber::Transcriber;
use crate::speech::transcription_options::{
    HasTranscriptionOptions as _, with_transcription_options,
};
use crate::speech::{
    ActivityInput, DetectActivity, Recognize, SAMPLE_RATE, Samples, Segment, Target, Transcript,
    TranscriptFormat, TranscriptionOptions,
};

/// New audio that is worth a new look at the window that is growing, at least: a second.
const MIN_NEW_SAMPLES: u64 = 16_000;
const MAX_NEW_SAMPLES: u64 = 30 * MIN_NEW_SAMPLES;
/// As many times as long as a look took, the next one waits: on a machine that is slower than
/// speech, looks must not keep it from transcribing.
const LOOKS: f64 = 2.0;

/// Transcribes live audio as it arrives.
///
/// ```no_run
/// # use aimass_runtime::{Runtime, TaskError};
/// # async fn example(runtime: Runtime, microphone: Vec<aimass_agents::speech::Samples>) -> Result<(), TaskError> {
/// use aimass_agents::speech::{Listen, ListenInput, Samples};
///
/// let (chunks, mut heard) = runtime.open::<Listen>(ListenInput::default())?;
/// let speaking = async {
///     for samples in microphone {
///         chunks.send(samples).await?;
///     }
///     drop(chunks); // All is said.
///     Ok(())
/// };
/// let listening = async {
///     let mut text = String::new();
///     while let Some(item) = heard.next().await {
///         let item = item?;
///         text += &item.stable;
///         println!("{text}{}", item.tentative);
///     }
///     heard.output().await
/// };
/// let ((), transcript) = tokio::try_join!(speaking, listening)?;
/// # drop(transcript);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Listen {
    limits: AudioLimits,
}

impl Listen {
    /// Listens to no more audio than this: an agent's choice, of no effect on a caller's side. The
    /// default is that of files, a day.
    pub fn within(limits: AudioLimits) -> Self {
        Self { limits }
    }
}

with_transcription_options! {
    /// The form of the audio, and how to transcribe it.
    pub struct ListenInput {
        /// Sample rate in Hz; default: 16,000.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub sample_rate: Option<u32>,
        /// Number of interleaved channels; default: 1.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub channels: Option<u32>,
        /// The language of the text.
        #[serde(skip_serializing_if = "Target::is_spoken")]
        pub target: Target,
        /// The options in one field: the form before they had fields of their own.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(extend("deprecated" = true))]
        pub speaking: Option<TranscriptionOptions>,
    }
}

impl ListenInput {
    /// # Errors
    /// A fault when it is said in two ways.
    fn options(&self) -> Result<TranscriptionOptions, Fault> {
        let said = self.transcription_options(self.target);
        match &self.speaking {
            None => Ok(said),
            Some(speaking) if said == TranscriptionOptions::default() => Ok(speaking.clone()),
            Some(_) => Err(Fault::rejected(
                "expected fields such as `language` or `speaking`, got both; move what is in `speaking` out of it",
            )),
        }
    }
}

/// What was heard.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Heard {
    /// Final text since the previous item; concatenated, these are the text.
    pub stable: String,
    /// Text after it that may still change; replaces that of the previous item.
    pub tentative: String,
}

impl Skill for Listen {
    const NAME: &'static str = "speech.listen";
    type Input = ListenInput;
    type Output = Transcript;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Transcribes live audio as it arrives.")
            .operation(Operation::Listen)
            .sends::<Self>()
            .takes::<Self>()
    }

    fn input_bytes(&self, input: &ListenInput) -> u64 {
        let before = input
            .speaking
            .as_ref()
            .map_or(0, TranscriptionOptions::bytes);
        input.transcription_options(input.target).bytes() + before
    }
}

impl ServerStreaming for Listen {
    type Item = Heard;
}

impl ClientStreaming for Listen {
    type Chunk = Samples;

    fn chunk_bytes(chunk: &Samples) -> u64 {
        chunk.bytes()
    }
}

impl FlowSkill for Listen {
    async fn run(
        &self,
        input: Arc<ListenInput>,
        context: FlowContext,
    ) -> Result<Transcript, Fault> {
        let rate = input.sample_rate.unwrap_or(SAMPLE_RATE);
        let resampler = Resampler::new(rate, input.channels.unwrap_or(1));
        let mut resampler = resampler.map_err(|error| Fault::rejected(error.to_string()))?;
        let mut live = Live {
            limits: self.limits,
            transcriber: Transcriber::new(input.options()?)?,
            waiting: Vec::new(),
            state: None,
            looked: 0,
            news: MIN_NEW_SAMPLES,
            deltas: TextDeltas::default(),
            tentative: String::new(),
        };
        while let Some(chunk) = context.next_chunk::<Samples>().await? {
            // A minute at a low rate is many at ours.
            for block in chunk.chunks(BLOCK) {
                live.push(&context, resampler.push(block)).await?;
            }
            live.hear(&context).await?;
        }
        live.push(&context, resampler.finish()).await?;
        live.end(&context).await
    }
}

/// How much new audio the next look waits for, when the last one took so long: no window is longer
/// than the most.
fn news_after(look: Duration) -> u64 {
    let news = LOOKS * look.as_secs_f64() * f64::from(SAMPLE_RATE);
    (news as u64).clamp(MIN_NEW_SAMPLES, MAX_NEW_SAMPLES)
}

/// Live audio while it is heard.
struct Live {
    limits: AudioLimits,
    transcriber: Transcriber,
    /// What was not heard yet: less than a frame between two chunks.
    waiting: Vec<f32>,
    state: Option<SileroState>,
    /// Samples since the last look at the window that is growing.
    looked: u64,
    /// Samples that the next look waits for.
    news: u64,
    deltas: TextDeltas,
    /// What was told last of the window that is growing.
    tentative: String,
}

impl Live {
    /// Takes audio of 16 kHz. Once there is a piece of it, it is heard.
    async fn push(&mut self, context: &FlowContext, samples: Vec<f32>) -> Result<(), Fault> {
        self.waiting.extend(samples);
        while self.waiting.len() >= PIECE {
            self.take(context, PIECE).await?;
        }
        Ok(())
    }

    /// Hears what waits, and tells what is known by then.
    async fn hear(&mut self, context: &FlowContext) -> Result<(), Fault> {
        self.take(context, self.waiting.len() / FRAME * FRAME)
            .await?;
        while self.transcriber.next(context).await?.is_some() {
            self.tell(context, &[]).await?;
        }
        if self.looked < self.news {
            return Ok(());
        }
        let Some(window) = self.transcriber.growing() else {
            // One that begins now is worth a look when it has grown.
            self.looked = self.news.saturating_sub(MIN_NEW_SAMPLES);
            return Ok(());
        };
        self.looked = 0;
        let question = self.transcriber.question(window.samples)?;
        let began = context.now();
        let found = context.ask::<Recognize>(question).await?;
        self.news = news_after(context.now().since(began));
        self.tell(context, &found.segments).await
    }

    /// Hears so many samples of what waits: whole frames, but at the end.
    async fn take(&mut self, context: &FlowContext, samples: usize) -> Result<(), Fault> {
        if samples == 0 {
            return Ok(());
        }
        let later = self.waiting.split_off(samples);
        let samples = Samples::new(std::mem::replace(&mut self.waiting, later))?;
        self.looked += samples.len() as u64;
        self.check_length(samples.len() as u64)?;
        let input = ActivityInput {
            state: self.state.take(),
            samples: samples.clone(),
        };
        let activity = context.ask::<DetectActivity>(input).await?;
        self.state = Some(activity.state);
        self.transcriber
            .push(context, &samples, &activity.probabilities)
            .await?;
        Ok(())
    }

    fn check_length(&self, more: u64) -> Result<(), Fault> {
        let most = self.limits.max_seconds;
        if self.transcriber.heard() + more <= most.saturating_mul(u64::from(SAMPLE_RATE)) {
            return Ok(());
        }
        Err(Fault::rejected(format!(
            "expected at most {most} seconds of live audio, got more; end the stream before, and begin another"
        )))
    }

    /// Tells what has become certain, and what is heard for now in the window that is growing.
    async fn tell(&mut self, context: &FlowContext, growing: &[Segment]) -> Result<(), Fault> {
        let stable = self.deltas.take(self.transcriber.segments());
        let tentative = self.deltas.preview(growing);
        if stable.is_empty() && tentative == self.tentative {
            return Ok(());
        }
        self.tentative.clone_from(&tentative);
        context.emit(Heard { stable, tentative }).await
    }

    async fn end(mut self, context: &FlowContext) -> Result<Transcript, Fault> {
        self.take(context, self.waiting.len()).await?;
        self.transcriber.end();
        while self.transcriber.next(context).await?.is_some() {
            self.tell(context, &[]).await?;
        }
        self.tell(context, &[]).await?;
        Ok(self.transcriber.transcript(TranscriptFormat::Json))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_take_at_most_half_of_the_time_however_slow_they_are() {
        assert_eq!(news_after(Duration::ZERO), MIN_NEW_SAMPLES);
        assert_eq!(news_after(Duration::from_millis(400)), MIN_NEW_SAMPLES);
        assert_eq!(news_after(Duration::from_secs(5)), 10 * MIN_NEW_SAMPLES);
        assert_eq!(news_after(Duration::from_secs(60)), MAX_NEW_SAMPLES);
    }
}
