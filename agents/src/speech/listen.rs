//! `speech.listen`: what is said in live audio, while it is said.

use std::sync::Arc;

use aimass_models::audio::Resampler;
use aimass_runtime::{
    ClientStreaming, Fault, FlowContext, FlowSkill, ServerStreaming, Skill, SkillSpec,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::speech::hearing::Hearing;
use crate::speech::transcript::text_of;
use crate::speech::{
    ActivityInput, DetectActivity, Recognise, SAMPLE_RATE, Samples, Speaking, Transcript,
    TranscriptFormat,
};
use aimass_models::SileroState;
use aimass_models::silero::FRAME;

/// New audio that is worth a new look at the window that is growing: a second.
const NEWS: u64 = 16_000;

/// Writes down what is said in live audio, while it is said.
#[derive(Debug, Clone, Copy, Default)]
pub struct Listen;

/// What the audio will be like.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ListenInput {
    /// Samples of a second, of each channel; 16,000 when nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample_rate: Option<u32>,
    /// How many channels there are, their samples side by side; 1 when nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channels: Option<u32>,
    /// How it is to be heard.
    pub speaking: Speaking,
}

/// What was heard so far.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Heard {
    /// What will not change any more: each item's begins with that of the item before.
    pub stable: String,
    /// What may still change.
    pub tentative: String,
}

impl Skill for Listen {
    const NAME: &'static str = "speech.listen";
    type Input = ListenInput;
    type Output = Transcript;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Writes down what is said in live audio, while it is said.")
            .sends::<Self>()
            .takes::<Self>()
    }

    fn input_bytes(&self, input: &ListenInput) -> u64 {
        input.speaking.bytes()
    }
}

impl ServerStreaming for Listen {
    type Item = Heard;
}

impl ClientStreaming for Listen {
    type Chunk = Samples;
}

impl FlowSkill for Listen {
    async fn run(
        &self,
        input: Arc<ListenInput>,
        context: FlowContext,
    ) -> Result<Transcript, Fault> {
        let rate = input.sample_rate.unwrap_or(SAMPLE_RATE);
        let resampler = Resampler::new(rate, input.channels.unwrap_or(1));
        let mut live = Live {
            resampler: Some(resampler.map_err(|error| Fault::rejected(error.to_string()))?),
            hearing: Hearing::new(input.speaking.clone())?,
            waiting: Vec::new(),
            state: None,
            looked: 0,
            last: Heard::default(),
        };
        while let Some(chunk) = context.next_chunk::<Samples>().await? {
            let samples = live.resampler.as_mut();
            live.waiting.extend(
                samples
                    .map(|resampler| resampler.push(&chunk))
                    .unwrap_or_default(),
            );
            live.hear(&context).await?;
        }
        live.end(&context).await
    }
}

/// Live audio while it is heard.
struct Live {
    /// None when it has given its last samples.
    resampler: Option<Resampler>,
    hearing: Hearing,
    /// Less than a frame.
    waiting: Vec<f32>,
    state: Option<SileroState>,
    /// Samples since the last look at the window that is growing.
    looked: u64,
    last: Heard,
}

impl Live {
    async fn hear(&mut self, context: &FlowContext) -> Result<(), Fault> {
        let whole = self.waiting.len() / FRAME * FRAME;
        if whole == 0 {
            return Ok(());
        }
        let later = self.waiting.split_off(whole);
        let samples = std::mem::replace(&mut self.waiting, later);
        self.looked += samples.len() as u64;
        self.take(context, samples).await?;
        while let Some(found) = self.hearing.next(context).await? {
            if !found.is_empty() {
                self.tell(context, String::new()).await?;
            }
        }
        if self.looked < NEWS {
            return Ok(());
        }
        self.looked = 0;
        let Some(window) = self.hearing.growing() else {
            return Ok(());
        };
        let question = self.hearing.question(window.samples)?;
        let found = context.ask(Recognise, question).await?;
        self.tell(context, text_of(&found.segments)).await
    }

    async fn take(&mut self, context: &FlowContext, samples: Vec<f32>) -> Result<(), Fault> {
        let samples = Samples::new(samples)?;
        let input = ActivityInput {
            state: self.state.take(),
            samples: samples.clone(),
        };
        let activity = context.ask(DetectActivity, input).await?;
        self.state = Some(activity.state);
        self.hearing
            .push(context, &samples, &activity.probabilities)
            .await?;
        Ok(())
    }

    async fn tell(&mut self, context: &FlowContext, tentative: String) -> Result<(), Fault> {
        let heard = Heard {
            stable: self.hearing.text(),
            tentative,
        };
        if heard != self.last {
            self.last = heard.clone();
            context.emit(heard).await?;
        }
        Ok(())
    }

    async fn end(mut self, context: &FlowContext) -> Result<Transcript, Fault> {
        let last = self.resampler.take().map(Resampler::finish);
        self.waiting.extend(last.unwrap_or_default());
        if !self.waiting.is_empty() {
            let samples = std::mem::take(&mut self.waiting);
            self.take(context, samples).await?;
        }
        self.hearing.end();
        while self.hearing.next(context).await?.is_some() {}
        let heard = Heard {
            stable: self.hearing.text(),
            tentative: String::new(),
        };
        if heard != self.last {
            context.emit(heard).await?;
        }
        Ok(self.hearing.transcript(TranscriptFormat::Json))
    }
}
