//! How a text is written on, and what comes of it.

use super::Constraint;

/// How a text is written on.
#[derive(Debug, Clone, PartialEq)]
pub struct GenerationOptions {
    /// The most tokens that are written.
    pub max_tokens: usize,
    /// The sampling temperature: scores are divided by it. With 0 the likeliest token is always
    /// taken.
    pub temperature: f32,
    /// Only the likeliest tokens are taken that together have this probability; 1 takes all.
    pub top_p: f32,
    /// Only tokens are taken that have this share of the probability of the likeliest; 0 takes all.
    pub min_p: f32,
    /// By what the scores of tokens are divided that were there before, if above 0, or multiplied,
    /// if below; 1 changes nothing.
    pub repetition_penalty: f32,
    /// The random seed.
    pub seed: u64,
    /// Texts that end what is written, and are left out.
    pub stop: Vec<String>,
    /// How many of the likeliest tokens are given with their log probabilities, beside the one that
    /// was taken; `None` gives none.
    pub logprobs: Option<usize>,
    /// What the text must look like.
    pub constraint: Option<Constraint>,
}

impl Default for GenerationOptions {
    fn default() -> Self {
        Self {
            max_tokens: 256,
            temperature: 0.0,
            top_p: 1.0,
            min_p: 0.0,
            repetition_penalty: 1.0,
            seed: 0,
            stop: Vec::new(),
            logprobs: None,
            constraint: None,
        }
    }
}

/// Why a text ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FinishReason {
    /// The model said so, or a text that was to end it came.
    Stop,
    /// There were as many tokens as there may be.
    Length,
}

/// What was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Generated {
    /// The text.
    pub text: String,
    /// Why it ended.
    pub finish_reason: FinishReason,
    /// Tokens that were read.
    pub prompt_tokens: usize,
    /// How many of them were known from before.
    pub cached_tokens: usize,
    /// Tokens that were written, with the one that ended the text.
    pub completion_tokens: usize,
    /// The log probabilities of the tokens, if they were asked for: of each that was taken, with
    /// those of the likeliest in its place.
    pub logprobs: Vec<(TokenLogprob, Vec<TokenLogprob>)>,
}

/// The log probability of a token in its place, by the model's own scores.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TokenLogprob {
    /// The token.
    pub token: u32,
    /// The natural logarithm of its probability.
    pub logprob: f32,
}
