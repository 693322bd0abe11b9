//! One text that is being written on.

use llguidance::Matcher;

use super::constraint;
use super::network::Wanted;
use super::pool::{CacheLease, CachePool};
use super::sampler::{Sampler, logprobs};
use super::text::TextStream;
use super::{Feed, FinishReason, Generated, GenerationOptions, LlamaWeights, TokenLogprob};
use crate::ModelError;

/// A text while it is written on.
pub(super) struct Sequence {
    /// What was read and written.
    tokens: Vec<u32>,
    prompt: usize,
    cached: usize,
    /// The most tokens that there may be in all.
    most: usize,
    /// None until there is room for it.
    cache: Option<CacheLease>,
    options: GenerationOptions,
    sampler: Sampler,
    matcher: Option<Matcher>,
    stream: TextStream,
    logprobs: Vec<(TokenLogprob, Vec<TokenLogprob>)>,
}

/// What a further token made of a text.
pub(super) struct Written {
    /// What may be shown.
    pub(super) piece: String,
    /// Why it ended, if it did.
    pub(super) finished: Option<FinishReason>,
}

impl Sequence {
    /// # Errors
    /// [`ModelError::Input`] if the prompt leaves no room, or the constraint cannot be met.
    pub(super) fn new(
        weights: &LlamaWeights,
        prompt: Vec<u32>,
        options: GenerationOptions,
    ) -> Result<Self, ModelError> {
        let (length, context) = (prompt.len(), weights.context());
        if length == 0 || length >= context {
            return Err(ModelError::Input {
                operation: "write a text on",
                expected: format!("1 to {} tokens to read", context - 1),
                found: format!("{length}"),
                advice: "shorten it, or raise the agent's `context` if the model has more"
                    .to_owned(),
            });
        }
        let constraint = options.constraint.as_ref();
        let matcher = constraint
            .map(|constraint| weights.follow(constraint))
            .transpose()?;
        Ok(Self {
            most: context.min(length.saturating_add(options.max_tokens.max(1))),
            prompt: length,
            cached: 0,
            tokens: prompt,
            cache: None,
            sampler: Sampler::new(&options),
            matcher,
            stream: TextStream::new(options.stop.clone()),
            logprobs: Vec::new(),
            options,
        })
    }

    /// Whether it has a cache to work on; it takes one if there is room.
    pub(super) fn is_admitted(&mut self, weights: &LlamaWeights, pool: &mut CachePool) -> bool {
        if self.cache.is_none() {
            self.cache = pool.lease(weights.empty_cache(), &self.tokens, self.most);
            self.cached = self.cache.as_ref().map_or(0, |cache| cache.tokens().len());
        }
        self.cache.is_some()
    }

    /// Whether it has a cache to work on.
    pub(super) fn is_running(&self) -> bool {
        self.cache.is_some()
    }

    /// How many tokens were read.
    pub(super) fn read(&self) -> usize {
        self.cache.as_ref().map_or(0, |cache| cache.tokens().len())
    }

    /// How many tokens were not read yet; one while it is being written.
    pub(super) fn unread(&self) -> usize {
        self.tokens.len() - self.read()
    }

    /// The next tokens for the network, at most so many.
    pub(super) fn feed(&mut self, most: usize) -> Option<Feed<'_>> {
        let cache = self.cache.as_mut()?;
        let from = cache.tokens().len();
        let to = self.tokens.len().min(from + most);
        let wanted = match to == self.tokens.len() {
            true => Wanted::Scores,
            false => Wanted::Nothing,
        };
        Some(Feed {
            tokens: &self.tokens[from..to],
            cache,
            wanted,
        })
    }

    /// Takes a token by the scores of what may come next.
    ///
    /// # Errors
    /// [`ModelError::Input`] if the text cannot be held to its form within its tokens;
    /// [`ModelError::Compute`] if the scores are no numbers.
    pub(super) fn write(
        &mut self,
        weights: &LlamaWeights,
        mut scores: Vec<f32>,
    ) -> Result<Written, ModelError> {
        let raw = self.options.logprobs.map(|_| scores.clone());
        if let Some(matcher) = &mut self.matcher {
            let mask = matcher.compute_mask().map_err(|error| broken(&error))?;
            for (score, token) in scores.iter_mut().zip(0..) {
                if !mask.is_allowed(token) {
                    *score = f32::NEG_INFINITY;
                }
            }
        }
        let Some(token) = self.sampler.sample(&mut scores, &self.tokens) else {
            return Err(no_numbers());
        };
        if let (Some(raw), Some(count)) = (raw, self.options.logprobs) {
            self.logprobs.push(logprobs(&raw, token, count));
        }
        self.tokens.push(token);
        let finished = self.end_after(weights, token)?;
        let piece = match finished {
            Some(_) => self.stream.finish(),
            None => self.stream.piece(),
        };
        Ok(Written { piece, finished })
    }

    fn end_after(
        &mut self,
        weights: &LlamaWeights,
        token: u32,
    ) -> Result<Option<FinishReason>, ModelError> {
        let vocabulary = weights.vocabulary();
        if vocabulary.ends(token) {
            return Ok(Some(FinishReason::Stop));
        }
        if self.stream.push(vocabulary.bytes(token)) {
            return Ok(Some(FinishReason::Stop));
        }
        let is_full = self.tokens.len() >= self.most;
        let Some(matcher) = &mut self.matcher else {
            return Ok(is_full.then_some(FinishReason::Length));
        };
        matcher
            .consume_token(token)
            .map_err(|error| broken(&error))?;
        if matcher.is_stopped() {
            return Ok(Some(FinishReason::Stop));
        }
        if !is_full {
            return Ok(None);
        }
        match matcher.is_accepting().map_err(|error| broken(&error))? {
            true => Ok(Some(FinishReason::Length)),
            false => Err(ModelError::Input {
                operation: "hold a text to its form",
                expected: "a form that is met within the tokens that may be written".to_owned(),
                found: format!("none after {} tokens", self.tokens.len() - self.prompt),
                advice: "raise `max_tokens`, or bound the lengths in the schema".to_owned(),
            }),
        }
    }

    /// What was written; what it left behind goes into the pool.
    pub(super) fn finish(mut self, pool: &mut CachePool, reason: FinishReason) -> Generated {
        if let Some(cache) = self.cache.take() {
            pool.release(cache);
        }
        Generated {
            text: self.stream.text().to_owned(),
            finish_reason: reason,
            prompt_tokens: self.prompt,
            cached_tokens: self.cached,
            completion_tokens: self.tokens.len() - self.prompt,
            logprobs: self.logprobs,
        }
    }
}

fn broken(error: &impl ToString) -> ModelError {
    let error = error.to_string();
    constraint::refuse(
        error
            .lines()
            .next()
            .unwrap_or_default()
            .chars()
            .take(300)
            .collect(),
    )
}

fn no_numbers() -> ModelError {
    let error = candle_core::Error::Msg("the scores of the next token are no numbers".to_owned());
    ModelError::compute("take a step of a language model")(error)
}
