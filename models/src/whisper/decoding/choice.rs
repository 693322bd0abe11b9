//! What may come next, and how likely it is.

use crate::kernels::sum_of_exponentials;

/// The tokens that may follow, with the logarithms of their probabilities.
#[derive(Debug, Clone)]
pub(super) struct Choice {
    /// By token; what may not follow is minus infinity.
    pub(super) logarithms: Vec<f32>,
}

impl Choice {
    /// The most likely ones, best first.
    pub(super) fn best(&self, count: usize) -> Vec<(u32, f32)> {
        let mut best: Vec<(u32, f32)> = Vec::with_capacity(count + 1);
        let mut least = f32::NEG_INFINITY;
        for (token, value) in self.logarithms.iter().enumerate() {
            if *value <= least {
                continue;
            }
            let place = best.partition_point(|(_, better)| better >= value);
            best.insert(place, (token as u32, *value));
            if best.len() > count {
                best.pop();
                least = best.last().map_or(f32::NEG_INFINITY, |(_, value)| *value);
            }
        }
        best
    }

    /// The token at `place`, from 0 to 1, of all of them side by side, each as wide as it is likely
    /// at that temperature.
    pub(super) fn at(&self, place: f32, temperature: f32) -> (u32, f32) {
        let most = most(&self.logarithms);
        let width = |value: f32| ((value - most) / temperature).exp();
        let total: f32 = self.logarithms.iter().map(|value| width(*value)).sum();
        let mut left = place * total;
        let mut last = (0, f32::NEG_INFINITY);
        for (token, value) in self.logarithms.iter().enumerate() {
            if *value == f32::NEG_INFINITY {
                continue;
            }
            last = (token as u32, *value);
            left -= width(*value);
            if left <= 0.0 {
                break;
            }
        }
        last
    }
}

pub(super) fn most(scores: &[f32]) -> f32 {
    scores.iter().copied().fold(f32::NEG_INFINITY, f32::max)
}

/// The logarithm of the sum of exponentials.
pub(super) fn total(scores: &[f32]) -> f32 {
    let most = most(scores);
    if most == f32::NEG_INFINITY {
        return most;
    }
    most + sum_of_exponentials(scores, most).ln()
}

/// The probabilities of some tokens among all.
pub(in crate::whisper) fn probabilities(scores: &[f32], tokens: &[u32]) -> Vec<f32> {
    let total = total(scores);
    let score = |token: &u32| scores.get(*token as usize).copied();
    let score = |token| score(token).unwrap_or(f32::NEG_INFINITY);
    tokens
        .iter()
        .map(|token| (score(token) - total).exp())
        .collect()
}

/// The probabilities of some tokens when one of them must come.
pub(super) fn shares(scores: &[f32], tokens: &[u32]) -> Vec<f32> {
    let of_tokens = tokens
        .iter()
        .map(|token| scores.get(*token as usize).copied());
    let own: Vec<f32> = of_tokens
        .map(|score| score.unwrap_or(f32::NEG_INFINITY))
        .collect();
    let total = total(&own);
    own.into_iter().map(|score| (score - total).exp()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(values: &[f32]) -> Choice {
        Choice {
            logarithms: values.to_vec(),
        }
    }

    #[test]
    fn the_best_come_first_and_what_may_not_follow_never_does() {
        let choice = choice(&[-2.0, f32::NEG_INFINITY, -0.5, -1.0]);
        assert_eq!(choice.best(2), [(2, -0.5), (3, -1.0)]);
        assert_eq!(choice.best(9).len(), 3);
    }

    #[test]
    fn samples_follow_the_probabilities() {
        let thirds = choice(&[(1f32 / 3.0).ln(), f32::NEG_INFINITY, (2f32 / 3.0).ln()]);
        assert_eq!(thirds.at(0.2, 1.0).0, 0);
        assert_eq!(thirds.at(0.4, 1.0).0, 2);
        assert_eq!(thirds.at(1.0, 1.0).0, 2);
        // A low temperature leaves almost all of it to the likelier one.
        assert_eq!(thirds.at(0.01, 0.1).0, 2);
    }

    #[test]
    fn shares_are_among_those_named() {
        let scores = [1.0, 5.0, 1.0];
        assert_eq!(shares(&scores, &[0, 2]), [0.5, 0.5]);
        let all: f32 = probabilities(&scores, &[0, 1, 2]).iter().sum();
        assert!((all - 1.0).abs() < 1e-5);
        assert_eq!(probabilities(&scores, &[7]), [0.0]);
    }
}
