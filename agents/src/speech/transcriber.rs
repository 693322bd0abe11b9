//! From audio to a transcript, the same for files and live audio: windows of speech, each
//! recognized as a task of its own.
//!
//! So a worker that dies costs a window and not the recording, and each segment comes once. Windows
//! do not depend on how the audio came, and hear nothing of each other but the language that the
//! first one found: that is why live audio gives the text that a file gives.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use aimass_runtime::{Fault, FlowContext, TaskError};

use crate::in_order::InOrder;
use crate::speech::delivered::{Delivered, LAST_START};
use crate::speech::spans::in_seconds;
use crate::speech::transcript::text_of;
use crate::speech::{
    Recognize, RecognizeInput, RecognizedWindow, Samples, Segment, Segmenter, SegmenterOptions,
    Transcript, TranscriptFormat, TranscriptionOptions, Window,
};

/// Windows that are recognized side by side: together they cost little more than one.
const WINDOWS_AT_ONCE: usize = 8;
/// Below this probability a language is found anew in the next window.
const SURE_OF_LANGUAGE: f32 = 0.5;

/// A window from its first sample to the one after its last, and what was recognized in it.
type Answer = (Range<u64>, Result<RecognizedWindow, TaskError>);

/// A recording while it is heard.
pub(super) struct Transcriber {
    options: TranscriptionOptions,
    segmenter: Segmenter,
    /// Windows that nobody was asked about yet.
    closed: VecDeque<Window>,
    asked: InOrder<Answer>,
    language: Option<String>,
    segments: Vec<Segment>,
    /// What an attempt before this one had found; it is among `segments` from the beginning.
    delivered: Delivered,
    heard: u64,
}

impl Transcriber {
    /// # Errors
    /// A fault that names the field whose value cannot be.
    pub(super) fn new(options: TranscriptionOptions) -> Result<Self, Fault> {
        options.check()?;
        Ok(Self {
            language: options.language_code()?,
            options,
            segmenter: Segmenter::new(SegmenterOptions::default()),
            closed: VecDeque::new(),
            asked: InOrder::new(),
            segments: Vec::new(),
            delivered: Delivered::default(),
            heard: 0,
        })
    }

    /// Goes on behind segments that were delivered before: they are not given again.
    pub(super) fn behind(mut self, delivered: Vec<Arc<Segment>>) -> Self {
        self.delivered = Delivered::new(delivered);
        self.segments = self.delivered.segments();
        self
    }

    /// Takes the next piece of audio with its probabilities of speech. Gives the segments that are
    /// known by then and were not given before; waits for some where too many windows are open.
    ///
    /// # Errors
    /// A fault when a window cannot be recognized.
    pub(super) async fn push(
        &mut self,
        context: &FlowContext,
        samples: &[f32],
        probabilities: &[f32],
    ) -> Result<Vec<Segment>, Fault> {
        self.heard += samples.len() as u64;
        self.closed
            .extend(self.segmenter.push(samples, probabilities));
        let mut found = Vec::new();
        while self.closed.len() > WINDOWS_AT_ONCE {
            self.ask(context).await?;
            found.extend(self.take().await?);
        }
        self.ask(context).await?;
        Ok(found)
    }

    /// The next segments of windows that are closed; none when there are no more.
    ///
    /// # Errors
    /// A fault when a window cannot be recognized.
    pub(super) async fn next(
        &mut self,
        context: &FlowContext,
    ) -> Result<Option<Vec<Segment>>, Fault> {
        self.ask(context).await?;
        if self.asked.len() == 0 {
            return Ok(None);
        }
        self.take().await.map(Some)
    }

    /// The recording has ended: its last windows are closed.
    pub(super) fn end(&mut self) {
        self.closed.extend(self.segmenter.finish());
    }

    /// The window that is growing.
    pub(super) fn growing(&self) -> Option<Window> {
        self.segmenter.growing()
    }

    /// What a window that still grows is asked with.
    ///
    /// # Errors
    /// A fault when its samples are no numbers.
    pub(super) fn question(&self, samples: Vec<f32>) -> Result<RecognizeInput, Fault> {
        Ok(RecognizeInput {
            samples: Samples::new(samples)?,
            options: TranscriptionOptions {
                language: self.language.clone(),
                ..self.options.clone()
            },
        })
    }

    /// All segments so far.
    pub(super) fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Samples so far.
    pub(super) fn heard(&self) -> u64 {
        self.heard
    }

    /// Everything that was heard.
    pub(super) fn transcript(self, format: TranscriptFormat) -> Transcript {
        Transcript {
            text: text_of(&self.segments),
            language: self.language.filter(|_| !self.segments.is_empty()),
            duration: in_seconds(self.heard),
            incomplete: None,
            formatted: format.write(&self.segments),
            segments: self.segments,
        }
    }

    async fn ask(&mut self, context: &FlowContext) -> Result<(), Fault> {
        loop {
            // Until the language is known, each window waits for what the one before it says.
            let most = if self.language.is_some() {
                WINDOWS_AT_ONCE
            } else {
                1
            };
            if self.asked.len() >= most {
                return Ok(());
            }
            let Some(window) = self.closed.pop_front() else {
                return Ok(());
            };
            // The language is found again in the window that it was found in.
            if self.language.is_some() && self.delivered.is_past(window.end_sample()) {
                continue;
            }
            let place = window.start_sample..window.end_sample();
            let question = self.question(window.samples)?;
            let context = context.clone();
            let answer = async move {
                let answer = context.ask::<Recognize>(question).await;
                (place, answer)
            };
            self.asked.push(answer).await;
        }
    }

    async fn take(&mut self) -> Result<Vec<Segment>, Fault> {
        let Some((place, answer)) = self.asked.next().await else {
            return Ok(Vec::new());
        };
        let found = answer?;
        if self.language.is_none() && found.language_probability >= SURE_OF_LANGUAGE {
            self.language = found.language;
        }
        let offset = in_seconds(place.start);
        let latest = in_seconds(place.end - place.start) - LAST_START;
        let known = self.delivered.count_in(place.start, place.end);
        let segments: Vec<Segment> = found
            .segments
            .into_iter()
            .skip(known)
            .map(|segment| segment.begun_by(latest).later(offset))
            .collect();
        self.segments.extend(segments.iter().cloned());
        Ok(segments)
    }
}
