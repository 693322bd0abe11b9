//! Decoding: from encoded audio to the most likely tokens, by beam search or by sampling.
//!
//! Source: `whisper/decoding.py` of openai/whisper. Many decodings advance together, since a step
//! of the decoder costs what reading its weights costs.

mod choice;
mod hypothesis;
mod rules;

use std::sync::Arc;

use rand::SeedableRng;
use rand::rngs::StdRng;

use super::decoder::Feed;
use super::{DecoderState, EncodedAudio, WhisperWeights};
use crate::ModelError;
use choice::Choice;
pub(in crate::whisper) use choice::probabilities;
use hypothesis::Hypothesis;
use rules::Rules;

/// What is to be written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Task {
    /// What was said, in its language.
    #[default]
    Transcribe,
    /// What was said, in English.
    Translate,
}

/// How tokens are chosen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Strategy {
    /// The best of so many hypotheses that are followed side by side; 1 is greedy.
    Beam {
        /// How many.
        size: usize,
        /// How many times that number must have ended before the search does; 1 is usual.
        patience: f32,
    },
    /// The best of so many samples.
    Sample {
        /// How many.
        count: usize,
        /// The sampling temperature: 0 takes the likeliest, 1 follows the model's probabilities.
        temperature: f32,
    },
}

/// What a decoding is to do.
#[derive(Debug, Clone, PartialEq)]
pub struct DecodingOptions {
    /// What is to be written down.
    pub task: Task,
    /// The token of the language; found out where there is none. A model of English alone takes
    /// none.
    pub language: Option<u32>,
    /// How tokens are chosen.
    pub strategy: Strategy,
    /// Tokens of what was said before, or of words that are likely to come: the last half of what
    /// the decoder can take counts.
    pub prompt: Vec<u32>,
    /// The latest time at which speech may begin, in seconds.
    pub latest_start: f64,
    /// The random seed.
    pub seed: u64,
}

/// What a decoding found.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded {
    /// Text and times.
    pub tokens: Vec<u32>,
    /// The mean logarithm of the tokens' probabilities.
    pub mean_log_probability: f32,
    /// How likely it is that nobody speaks.
    pub no_speech: f32,
    /// The token of the language, if the model knows several.
    pub language: Option<u32>,
    /// How likely that language is; 1 if it was given.
    pub language_probability: f32,
}

/// One piece of audio while it is decoded.
#[derive(Debug)]
pub struct Decoding {
    audio: Arc<EncodedAudio>,
    options: DecodingOptions,
    stage: Stage,
    hypotheses: Vec<Hypothesis>,
    ended: Vec<Hypothesis>,
    no_speech: f32,
    language_probability: f32,
    rng: StdRng,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Up to the start of the transcript: says whether anybody speaks, and in which language.
    Begin,
    /// The language and the task.
    Task,
    /// Token after token.
    Text,
    Done,
}

impl Decoding {
    /// Begins.
    #[must_use]
    pub fn new(
        weights: &WhisperWeights,
        audio: Arc<EncodedAudio>,
        options: DecodingOptions,
    ) -> Self {
        let special = weights.vocabulary().special();
        let half = weights.config().max_target_positions / 2;
        let mut first = Vec::new();
        if !options.prompt.is_empty() {
            let skipped = options.prompt.len().saturating_sub(half.saturating_sub(1));
            first.push(special.start_of_previous);
            first.extend(&options.prompt[skipped..]);
        }
        first.push(special.start_of_transcript);
        Self {
            audio,
            stage: Stage::Begin,
            hypotheses: vec![Hypothesis::new(DecoderState::default(), first)],
            ended: Vec::new(),
            no_speech: 0.0,
            language_probability: 1.0,
            rng: StdRng::seed_from_u64(options.seed),
            options,
        }
    }

    /// Whether it has ended.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.stage == Stage::Done
    }

    /// The best hypothesis. Where none has ended yet, the best so far.
    #[must_use]
    pub fn result(&self) -> Decoded {
        let all = self.ended.iter().chain(&self.hypotheses);
        let best = all.max_by(|one, other| one.rank().total_cmp(&other.rank()));
        Decoded {
            tokens: best.map(|best| best.tokens.clone()).unwrap_or_default(),
            mean_log_probability: best.map_or(0.0, Hypothesis::mean_log_probability),
            no_speech: self.no_speech,
            language: self.options.language,
            language_probability: self.language_probability,
        }
    }

    /// Does one step of the decoder for all decodings that have not ended.
    ///
    /// # Errors
    /// [`ModelError::Input`] for tokens that the model does not have; [`ModelError::Compute`] when
    /// the device fails.
    pub fn advance(
        weights: &WhisperWeights,
        decodings: &mut [&mut Self],
    ) -> Result<(), ModelError> {
        let open = decodings.iter_mut().filter(|decoding| !decoding.is_done());
        let mut open: Vec<&mut &mut Self> = open.collect();
        if open.is_empty() {
            return Ok(());
        }
        let mut feeds = Vec::new();
        for decoding in &mut open {
            let audio = &decoding.audio;
            feeds.extend(decoding.hypotheses.iter_mut().map(|hypothesis| Feed {
                audio,
                state: &mut hypothesis.state,
                tokens: &hypothesis.next,
            }));
        }
        let scores = weights.decoder.forward(&mut feeds, None)?;
        let scores = scores
            .flatten_all()
            .and_then(|scores| scores.to_vec1::<f32>())
            .map_err(ModelError::compute("read the scores"))?;
        let mut lines = scores.chunks_exact(weights.config().vocab_size);
        for decoding in open {
            let count = decoding.hypotheses.len();
            let lines: Vec<&[f32]> = lines.by_ref().take(count).collect();
            decoding.hear(weights, &lines);
        }
        Ok(())
    }

    fn hear(&mut self, weights: &WhisperWeights, scores: &[&[f32]]) {
        match (self.stage, scores.first()) {
            (Stage::Begin, Some(scores)) => self.choose_language(weights, scores),
            (Stage::Task, Some(scores)) => {
                self.stage = Stage::Text;
                self.begin_text(weights, scores);
            }
            (Stage::Text, Some(_)) => self.extend(weights, scores),
            _ => self.stage = Stage::Done,
        }
    }

    fn choose_language(&mut self, weights: &WhisperWeights, scores: &[f32]) {
        let special = weights.vocabulary().special();
        let all = choice::probabilities(scores, &[special.no_speech]);
        self.no_speech = all.first().copied().unwrap_or(0.0);
        let Some(hypothesis) = self.hypotheses.first_mut() else {
            return;
        };
        hypothesis.next.clear();
        if special.languages.is_empty() {
            self.options.language = None;
            self.stage = Stage::Text;
            self.begin_text(weights, scores);
            return;
        }
        if self.options.language.is_none() {
            let ids: Vec<u32> = special.languages.iter().map(|(_, id)| *id).collect();
            let among = choice::shares(scores, &ids);
            let best = among.iter().zip(&ids);
            let best = best.max_by(|one, other| one.0.total_cmp(other.0));
            if let Some((share, id)) = best {
                self.options.language = Some(*id);
                self.language_probability = *share;
            }
        }
        let task = match self.options.task {
            Task::Transcribe => special.transcribe,
            Task::Translate => special.translate,
        };
        hypothesis.next.extend(self.options.language);
        hypothesis.next.push(task);
        self.stage = Stage::Task;
    }

    /// The first choice is made from one line of scores, of which every hypothesis takes another
    /// part.
    fn begin_text(&mut self, weights: &WhisperWeights, scores: &[f32]) {
        if let Strategy::Sample { count, .. } = self.options.strategy {
            let first = self.hypotheses.first().cloned();
            self.hypotheses = first.into_iter().cycle().take(count.max(1)).collect();
            let scores = vec![scores; self.hypotheses.len()];
            return self.extend(weights, &scores);
        }
        self.extend(weights, &[scores]);
    }

    fn extend(&mut self, weights: &WhisperWeights, scores: &[&[f32]]) {
        let rules = Rules::new(weights, self.options.latest_start);
        let lines = self.hypotheses.iter().zip(scores);
        let allowed: Vec<Choice> = lines
            .map(|(hypothesis, scores)| rules.allow(&hypothesis.tokens, scores))
            .collect();
        let end = weights.vocabulary().special().end_of_text;
        let most = weights.config().max_target_positions / 2;
        let room = weights.config().max_target_positions - 1;
        let next = match self.options.strategy {
            Strategy::Beam { size, .. } => {
                hypothesis::best(&self.hypotheses, &allowed, size.max(1), end)
            }
            Strategy::Sample { temperature, .. } => {
                hypothesis::draw(&self.hypotheses, &allowed, temperature, &mut self.rng, end)
            }
        };
        self.hypotheses.clear();
        for hypothesis in next {
            let full = hypothesis.tokens.len() >= most || hypothesis.state.length() >= room;
            if hypothesis.next.first() == Some(&end) || full || hypothesis.is_looping() {
                self.ended.push(hypothesis);
            } else {
                self.hypotheses.push(hypothesis);
            }
        }
        let enough = match self.options.strategy {
            Strategy::Beam { size, patience } => (size.max(1) as f32 * patience).round() as usize,
            Strategy::Sample { count, .. } => count,
        };
        if self.hypotheses.is_empty() || self.ended.len() >= enough.max(1) {
            self.hypotheses.clear();
            self.stage = Stage::Done;
        }
    }
}
