//! What may follow what: times come in pairs and never go back, and some tokens are never said.

use super::choice::{self, Choice};
use crate::whisper::{TIMESTAMP_SECONDS, WhisperWeights};

/// The rules of one decoding.
#[derive(Debug)]
pub(crate) struct Rules<'a> {
    weights: &'a WhisperWeights,
    /// The last time at which speech may begin, as a token.
    latest_start: u32,
}

impl<'a> Rules<'a> {
    /// The rules of a model; speech begins at `latest_start` seconds at the latest.
    pub(crate) fn new(weights: &'a WhisperWeights, latest_start: f64) -> Self {
        let first = weights.vocabulary().special().first_timestamp;
        let steps = (latest_start / TIMESTAMP_SECONDS).round().max(0.0) as u32;
        Self {
            weights,
            latest_start: first.saturating_add(steps),
        }
    }

    /// What may follow `tokens`, of which `scores` are the model's.
    pub(super) fn allow(&self, tokens: &[u32], scores: &[f32]) -> Choice {
        let mut scores = scores.to_vec();
        self.never(tokens, &mut scores);
        self.times(tokens, &mut scores);
        // A time comes when all times together are likelier than any text.
        let first = self.weights.vocabulary().special().first_timestamp as usize;
        let first = first.min(scores.len());
        let (text, times) = scores.split_at_mut(first);
        if choice::total(times) > choice::most(text) {
            text.fill(f32::NEG_INFINITY);
        }
        let total = choice::total(&scores);
        if total > f32::NEG_INFINITY {
            scores.iter_mut().for_each(|score| *score -= total);
        }
        Choice { logarithms: scores }
    }

    fn never(&self, tokens: &[u32], scores: &mut [f32]) {
        let special = self.weights.vocabulary().special();
        let generation = self.weights.generation();
        let mut forbid = |token: u32| {
            if let Some(score) = scores.get_mut(token as usize) {
                *score = f32::NEG_INFINITY;
            }
        };
        generation
            .suppress_tokens
            .iter()
            .copied()
            .for_each(&mut forbid);
        for token in [
            special.start_of_transcript,
            special.start_of_previous,
            special.transcribe,
            special.translate,
            special.no_speech,
            special.no_timestamps,
        ] {
            forbid(token);
        }
        special
            .languages
            .iter()
            .for_each(|(_, token)| forbid(*token));
        if tokens.is_empty() {
            let first = &generation.begin_suppress_tokens;
            first.iter().copied().for_each(&mut forbid);
            forbid(special.end_of_text);
        }
    }

    fn times(&self, tokens: &[u32], scores: &mut [f32]) {
        let special = self.weights.vocabulary().special();
        let first = special.first_timestamp;
        let is_time = |token: Option<&u32>| token.is_some_and(|token| *token >= first);
        let mut forbid = |range: std::ops::Range<u32>| {
            let end = (range.end as usize).min(scores.len());
            let start = (range.start as usize).min(end);
            scores[start..end].fill(f32::NEG_INFINITY);
        };
        let last = tokens.last();
        let before = tokens.len().checked_sub(2).and_then(|at| tokens.get(at));
        if is_time(last) {
            match before.is_none() || is_time(before) {
                // After a pair, and after the first time, comes text.
                true => forbid(first..u32::MAX),
                // A time that ends a segment is followed by one that begins the next, or by the end.
                false => forbid(0..special.end_of_text),
            }
        }
        if let Some(latest) = tokens.iter().rev().find(|token| **token >= first) {
            // Times never go back, and a segment takes some time.
            let opens = is_time(last) && !is_time(before);
            forbid(first..latest + u32::from(!opens));
        }
        if tokens.is_empty() {
            forbid(0..first);
            forbid(self.latest_start.saturating_add(1)..u32::MAX);
        }
    }
}
