//! Hypotheses: what may have been said so far.

use rand::{Rng, RngExt};

use super::choice::Choice;
use crate::whisper::DecoderState;

/// How many times a phrase must follow itself before it is called a loop.
const LOOP: usize = 6;
/// The longest phrase that is looked for, in tokens.
const MAX_PHRASE_TOKENS: usize = 24;

/// What may have been said so far.
#[derive(Debug, Clone)]
pub(super) struct Hypothesis {
    pub(super) state: DecoderState,
    /// Text and times so far, without the end.
    pub(super) tokens: Vec<u32>,
    /// What the decoder has not heard yet.
    pub(super) next: Vec<u32>,
    /// The sum of the logarithms of the tokens' probabilities.
    log_probability: f32,
}

impl Hypothesis {
    /// One that has said nothing.
    pub(super) fn new(state: DecoderState, next: Vec<u32>) -> Self {
        Self {
            state,
            tokens: Vec::new(),
            next,
            log_probability: 0.0,
        }
    }

    /// By which the best is found: long ones are not put back for being long.
    pub(super) fn rank(&self) -> f32 {
        self.log_probability / self.tokens.len().max(1) as f32
    }

    /// The mean over the tokens and the end.
    pub(super) fn mean_log_probability(&self) -> f32 {
        self.log_probability / (self.tokens.len() + 1) as f32
    }

    /// Whether it says the same again and again: nothing good comes of it any more.
    pub(super) fn is_looping(&self) -> bool {
        (1..=MAX_PHRASE_TOKENS).any(|phrase| {
            // Of short phrases more are borne: "no, no, no, no".
            let times = LOOP.max(24 / phrase);
            let Some(start) = self.tokens.len().checked_sub(phrase * times) else {
                return false;
            };
            let tail = &self.tokens[start..];
            tail.iter()
                .zip(&tail[phrase..])
                .all(|(one, other)| one == other)
        })
    }

    fn with(&self, token: u32, logarithm: f32, end: Option<u32>) -> Self {
        let mut next = self.clone();
        next.log_probability += logarithm;
        next.next.clear();
        next.next.push(token);
        if end != Some(token) {
            next.tokens.push(token);
        }
        next
    }
}

/// The best continuations: as many open ones as the beam is wide, and those that end on the way.
pub(super) fn best(
    hypotheses: &[Hypothesis],
    choices: &[Choice],
    size: usize,
    end: u32,
) -> Vec<Hypothesis> {
    let mut candidates = Vec::with_capacity(hypotheses.len() * (size + 1));
    for (hypothesis, choice) in hypotheses.iter().zip(choices) {
        let best = choice.best(size + 1).into_iter();
        candidates.extend(best.map(|(token, value)| {
            let sum = hypothesis.log_probability + value;
            (hypothesis, token, value, sum)
        }));
    }
    candidates.sort_by(|one, other| other.3.total_cmp(&one.3));
    let mut open = 0;
    let mut next = Vec::with_capacity(size + 1);
    for (hypothesis, token, value, _) in candidates {
        if open == size {
            break;
        }
        open += usize::from(token != end);
        next.push(hypothesis.with(token, value, Some(end)));
    }
    next
}

/// Samples one continuation of each.
pub(super) fn draw(
    hypotheses: &[Hypothesis],
    choices: &[Choice],
    temperature: f32,
    rng: &mut impl Rng,
    end: u32,
) -> Vec<Hypothesis> {
    let pairs = hypotheses.iter().zip(choices);
    let drawn = pairs.map(|(hypothesis, choice)| {
        let (token, value) = choice.at(rng.random::<f32>(), temperature.max(1e-3));
        hypothesis.with(token, value, Some(end))
    });
    drawn.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(tokens: &[u32]) -> Hypothesis {
        let mut hypothesis = Hypothesis::new(DecoderState::default(), vec![]);
        hypothesis.tokens = tokens.to_vec();
        hypothesis
    }

    #[test]
    fn a_phrase_that_follows_itself_too_often_is_a_loop() {
        assert!(!said(&[1, 2, 3]).is_looping());
        assert!(!said(&[7; 20]).is_looping());
        assert!(said(&[7; 24]).is_looping());
        assert!(said(&[9, 1, 2, 3, 4].repeat(6)).is_looping());
        assert!(!said(&[9, 1, 2, 3, 4].repeat(4)).is_looping());
    }

    #[test]
    fn a_beam_keeps_its_width_and_what_ended_on_the_way() {
        let choice = |values: &[f32]| Choice {
            logarithms: values.to_vec(),
        };
        let hypotheses = [said(&[5]), said(&[6])];
        let choices = [choice(&[-0.1, -3.0, -2.5]), choice(&[-4.0, -0.2, -5.0])];
        let next = best(&hypotheses, &choices, 2, 0);
        let tokens: Vec<_> = next.iter().map(|next| next.tokens.clone()).collect();
        assert_eq!(tokens, [vec![5], vec![6, 1], vec![5, 2]]);
        assert_eq!(next[0].next, [0]);
    }
}
