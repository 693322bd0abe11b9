//! Taking a token by its score.
//!
//! Sources: Holtzman et al., "The Curious Case of Neural Text Degeneration", 2019 (top-p); Nguyen
//! et al., "Turning Up the Heat: Min-p Sampling", 2024; Keskar et al., "CTRL", 2019, section 4.1
//! (the penalty).

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::{GenerationOptions, TokenLogprob};
use crate::kernels::sum_of_exponentials;

/// Takes tokens for one sequence. What it takes depends on its options and on the scores only.
#[derive(Debug)]
pub(super) struct Sampler {
    temperature: f32,
    top_p: f32,
    min_p: f32,
    penalty: f32,
    rng: StdRng,
}

impl Sampler {
    pub(super) fn new(options: &GenerationOptions) -> Self {
        Self {
            temperature: options.temperature,
            top_p: options.top_p,
            min_p: options.min_p,
            penalty: options.repetition_penalty,
            rng: StdRng::seed_from_u64(options.seed),
        }
    }

    /// Takes a token among those whose score is above minus infinity; none if there are none.
    /// `before` are the tokens that were there before.
    pub(super) fn sample(&mut self, scores: &mut [f32], before: &[u32]) -> Option<u32> {
        self.apply_repetition_penalty(scores, before);
        let best = argmax(scores)?;
        if self.temperature <= 0.0 {
            return Some(best.0);
        }
        let mut left = self.candidates(scores, best.1);
        self.keep_top_p(&mut left);
        let total: f32 = left.iter().map(|(_, weight)| weight).sum();
        let mut point = self.rng.random::<f32>() * total;
        for (token, weight) in &left {
            point -= weight;
            if point < 0.0 {
                return Some(*token);
            }
        }
        left.last().map(|(token, _)| *token)
    }

    fn apply_repetition_penalty(&self, scores: &mut [f32], before: &[u32]) {
        if self.penalty == 1.0 {
            return;
        }
        let mut before = before.to_vec();
        before.sort_unstable();
        before.dedup();
        for token in before {
            if let Some(score) = scores.get_mut(token as usize) {
                *score = match *score > 0.0 {
                    true => *score / self.penalty,
                    false => *score * self.penalty,
                };
            }
        }
    }

    /// Those that are probable enough beside the best, with their probabilities beside its own, the
    /// likeliest first.
    fn candidates(&self, scores: &[f32], best: f32) -> Vec<(u32, f32)> {
        // What is below this makes no difference to any sum.
        let least = self.min_p.max(1e-9);
        let weights = scores.iter().zip(0..).map(|(score, token)| {
            let weight = ((score - best) / self.temperature).exp();
            (token, weight)
        });
        let mut left: Vec<(u32, f32)> = weights.filter(|(_, weight)| *weight >= least).collect();
        left.sort_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0)));
        left
    }

    /// Drops the least likely that are not needed to reach `top_p`.
    fn keep_top_p(&self, left: &mut Vec<(u32, f32)>) {
        if self.top_p >= 1.0 {
            return;
        }
        let total: f32 = left.iter().map(|(_, weight)| weight).sum();
        let mut reached = 0.0;
        let kept = left.iter().position(|(_, weight)| {
            reached += weight;
            reached >= self.top_p * total
        });
        left.truncate(kept.map_or(left.len(), |last| last + 1));
    }
}

/// The token with the highest score, and the score; the first of several. None if all are minus
/// infinity, or no numbers.
fn argmax(scores: &[f32]) -> Option<(u32, f32)> {
    let mut best = (None, f32::NEG_INFINITY);
    for (score, token) in scores.iter().zip(0..) {
        if *score > best.1 {
            best = (Some(token), *score);
        }
    }
    best.0.map(|token| (token, best.1))
}

/// The probabilities of `taken` and of the `count` likeliest tokens by scores that were not
/// touched.
pub(super) fn logprobs(
    scores: &[f32],
    taken: u32,
    count: usize,
) -> (TokenLogprob, Vec<TokenLogprob>) {
    let most = argmax(scores).map_or(0.0, |(_, score)| score);
    let total = most + sum_of_exponentials(scores, most).ln();
    let of = |token: u32| TokenLogprob {
        token,
        logprob: scores
            .get(token as usize)
            .map_or(f32::NEG_INFINITY, |score| score - total),
    };
    let mut order: Vec<u32> = (0..scores.len() as u32).collect();
    let by_score = |one: &u32, other: &u32| {
        let (left, right) = (scores[*one as usize], scores[*other as usize]);
        right.total_cmp(&left).then(one.cmp(other))
    };
    let count = count.min(order.len());
    if count > 0 && count < order.len() {
        order.select_nth_unstable_by(count - 1, by_score);
    }
    order.truncate(count);
    order.sort_by(by_score);
    (of(taken), order.into_iter().map(of).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCORES: [f32; 5] = [1.0, 3.0, 2.0, f32::NEG_INFINITY, 3.0];

    fn taken(options: &GenerationOptions, before: &[u32], times: usize) -> Vec<u32> {
        let mut sampler = Sampler::new(options);
        let take = |_| sampler.sample(&mut SCORES.clone(), before).unwrap();
        (0..times).map(take).collect()
    }

    fn warm() -> GenerationOptions {
        GenerationOptions {
            temperature: 1.0,
            ..GenerationOptions::default()
        }
    }

    #[test]
    fn at_temperature_0_the_first_of_the_likeliest_is_taken() {
        assert_eq!(taken(&GenerationOptions::default(), &[], 3), [1, 1, 1]);
        let options = GenerationOptions {
            repetition_penalty: 2.0,
            ..GenerationOptions::default()
        };
        assert_eq!(taken(&options, &[1], 1), [4]);
        assert_eq!(taken(&options, &[1, 4, 1], 1), [2]);
    }

    #[test]
    fn samples_follow_the_seed_and_the_probabilities() {
        let one = taken(&warm(), &[], 4000);
        assert_eq!(one, taken(&warm(), &[], 4000));
        assert_ne!(
            one,
            taken(&GenerationOptions { seed: 1, ..warm() }, &[], 4000)
        );
        let total: f32 = SCORES.iter().map(|score| score.exp()).sum();
        for (token, score) in SCORES.iter().enumerate() {
            let share = one.iter().filter(|taken| **taken == token as u32).count() as f32 / 4000.0;
            assert!(
                (share - score.exp() / total).abs() < 0.03,
                "{token}: {share}"
            );
        }
    }

    #[test]
    fn what_is_too_unlikely_is_never_taken() {
        let nucleus = taken(
            // The two likeliest have 0.799 of it together.
            &GenerationOptions {
                top_p: 0.75,
                ..warm()
            },
            &[],
            1000,
        );
        assert!(nucleus.iter().all(|token| [1, 4].contains(token)));
        assert!(nucleus.contains(&1) && nucleus.contains(&4));
        let least = taken(
            &GenerationOptions {
                min_p: 0.2,
                ..warm()
            },
            &[],
            1000,
        );
        assert!(least.contains(&2) && !least.contains(&0) && !least.contains(&3));
    }

    #[test]
    fn scores_that_forbid_everything_give_nothing() {
        let mut sampler = Sampler::new(&warm());
        assert_eq!(sampler.sample(&mut [f32::NEG_INFINITY; 3], &[]), None);
        assert_eq!(sampler.sample(&mut [f32::NAN; 3], &[]), None);
    }

    #[test]
    fn probabilities_are_those_of_the_scores() {
        let (taken, top) = logprobs(&SCORES, 2, 3);
        let order: Vec<u32> = top.iter().map(|found| found.token).collect();
        assert_eq!(order, [1, 4, 2]);
        let total: f32 = SCORES.iter().map(|score| score.exp()).sum();
        assert!((taken.logprob.exp() - 2f32.exp() / total).abs() < 1e-5);
        assert_eq!(top[2], taken);
    }
}
