//! When each word was said: from where some heads of the decoder look while it says it.
//!
//! Source: `whisper/timing.py` of openai/whisper: cross-attention weights, sharpened and smoothed,
//! and dynamic time warping over them.

mod path;
mod words;

use std::ops::Range;

use super::decoder::AttentionProbe;
use super::decoding::Task;
use super::{EncodedAudio, WhisperWeights};
use crate::ModelError;
use candle_core::IndexOp;
use words::Word as TokenWord;

/// Positions over which the weights are smoothed.
const MEDIAN: usize = 7;

/// A word, with the seconds since the audio's beginning.
#[derive(Debug, Clone, PartialEq)]
pub struct Word {
    /// With the space before it and the punctuation around it, so that the words of a text give the
    /// text.
    pub text: String,
    /// When it begins.
    pub start: f64,
    /// When it ends.
    pub end: f64,
    /// How likely its tokens were.
    pub probability: f32,
}

/// What was said, and what was to be said.
#[derive(Debug, Clone, Copy)]
pub struct Spoken<'a> {
    /// The tokens of text, without times.
    pub tokens: &'a [u32],
    /// The token of the language, if the model knows several.
    pub language: Option<u32>,
    /// The task under which they were found.
    pub task: Task,
}

/// The words of a text with their times in `audio`, of which the first `positions` of 20
/// milliseconds hold sound. The second value of the result says for each word how many of the
/// tokens it takes.
///
/// # Errors
/// [`ModelError::Input`] for more tokens than the decoder takes; [`ModelError::Compute`] when the
/// device fails.
pub fn align(
    weights: &WhisperWeights,
    audio: &EncodedAudio,
    positions: usize,
    spoken: &Spoken<'_>,
) -> Result<Vec<(Word, usize)>, ModelError> {
    let positions = positions.min(audio.positions());
    if spoken.tokens.is_empty() || positions == 0 {
        return Ok(Vec::new());
    }
    let vocabulary = weights.vocabulary();
    let special = vocabulary.special();
    let mut tokens = vec![special.start_of_transcript];
    if let Some(language) = spoken.language {
        tokens.push(language);
        tokens.push(match spoken.task {
            Task::Transcribe => special.transcribe,
            Task::Translate => special.translate,
        });
    }
    tokens.push(special.no_timestamps);
    let first = tokens.len();
    tokens.extend(spoken.tokens);
    tokens.push(special.end_of_text);
    let mut probe = AttentionProbe::of(weights.alignment_heads());
    let scores = weights.decoder.force(audio, &tokens, &mut probe)?;
    let probabilities = probabilities(&scores, spoken.tokens, first, special.end_of_text)
        .map_err(ModelError::compute("read the scores"))?;
    // A row says where the next token is heard.
    let rows = first - 1..first + spoken.tokens.len();
    let cost = cost(&probe.weights, tokens.len(), rows, positions);
    let starts = path::starts(&cost, positions);
    let language = vocabulary.language_of(spoken.language);
    let words = words::split(vocabulary, spoken.tokens, language);
    let time = |token: usize| starts.get(token).copied().unwrap_or(positions) as f64 * 0.02;
    let words = words.into_iter().map(|TokenWord { text, tokens }| {
        let probability = probabilities.get(tokens.clone()).unwrap_or_default();
        let mean = probability.iter().sum::<f32>() / probability.len().max(1) as f32;
        let word = Word {
            text,
            start: time(tokens.start),
            end: time(tokens.end),
            probability: mean,
        };
        (word, tokens.len())
    });
    Ok(clamp(words.collect()))
}

/// The probability of each token of text after those before it.
fn probabilities(
    scores: &candle_core::Tensor,
    tokens: &[u32],
    first: usize,
    end: u32,
) -> candle_core::Result<Vec<f32>> {
    // The row before a token scores it, among text alone.
    let scores = scores.i((first - 1..first - 1 + tokens.len(), ..end as usize))?;
    let scores = scores.contiguous()?.to_vec2::<f32>()?;
    let rows = scores.iter().zip(tokens);
    let of_row = |(scores, token): (&Vec<f32>, &u32)| {
        let all = super::decoding::probabilities(scores, &[*token]);
        all.first().copied().unwrap_or(0.0)
    };
    Ok(rows.map(of_row).collect())
}

/// What it costs to say a token at a position: `[rows, positions]`.
fn cost(heads: &[Vec<f32>], tokens: usize, rows: Range<usize>, positions: usize) -> Vec<f32> {
    let mut cost = vec![0f32; rows.len() * positions];
    for head in heads {
        let width = head.len() / tokens.max(1);
        let mut weights = vec![0f32; tokens * positions];
        for (row, weights) in weights.chunks_exact_mut(positions).enumerate() {
            weights.copy_from_slice(&head[row * width..][..positions]);
            // The positions behind the sound are left out, so the rest is everything.
            let sum: f32 = weights.iter().sum();
            weights
                .iter_mut()
                .for_each(|weight| *weight /= sum.max(f32::MIN_POSITIVE));
        }
        standardize(&mut weights, positions);
        for (row, cost) in rows.clone().zip(cost.chunks_exact_mut(positions)) {
            let weights = &weights[row * positions..][..positions];
            for (cost, weight) in cost.iter_mut().zip(smoothed(weights)) {
                *cost -= weight / heads.len() as f32;
            }
        }
    }
    cost
}

/// Gives each column the mean 0 and the variance 1.
fn standardize(weights: &mut [f32], columns: usize) {
    let rows = (weights.len() / columns).max(1) as f32;
    for column in 0..columns {
        let values = || weights[column..].iter().step_by(columns);
        let mean = values().sum::<f32>() / rows;
        let variance = values().map(|value| (value - mean).powi(2)).sum::<f32>() / rows;
        let scale = 1.0 / variance.sqrt().max(1e-10);
        for value in weights[column..].iter_mut().step_by(columns) {
            *value = (*value - mean) * scale;
        }
    }
}

/// The median of each value and its neighbours, mirrored at the ends.
fn smoothed(values: &[f32]) -> impl Iterator<Item = f32> + '_ {
    let (half, length) = (MEDIAN / 2, values.len());
    (0..length).map(move |at| {
        if length <= half {
            return values[at];
        }
        let mut window: [f32; MEDIAN] = std::array::from_fn(|offset| {
            let place = (at + offset) as isize - half as isize;
            let place = place.unsigned_abs();
            values[if place < length {
                place
            } else {
                2 * length - 2 - place
            }]
        });
        window.sort_by(f32::total_cmp);
        window[half]
    })
}

/// Words that seem to last very long stand beside a pause: they are cut off, as the reference code
/// does.
fn clamp(mut words: Vec<(Word, usize)>) -> Vec<(Word, usize)> {
    let mut lengths: Vec<f64> = words
        .iter()
        .map(|(word, _)| word.end - word.start)
        .filter(|length| *length > 0.0)
        .collect();
    lengths.sort_by(f64::total_cmp);
    let median = lengths.get(lengths.len() / 2).copied().unwrap_or(0.0);
    let longest = 2.0 * median.min(0.7);
    if longest <= 0.0 {
        return words;
    }
    let ends_sentence = |text: &str| text.trim_end().ends_with(['.', '。', '!', '！', '?', '？']);
    for at in 1..words.len() {
        let after = ends_sentence(&words[at - 1].0.text);
        let word = &mut words[at].0;
        if word.end - word.start <= longest {
            continue;
        }
        if ends_sentence(&word.text) {
            word.end = word.start + longest;
        } else if after {
            word.start = word.end - longest;
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_takes_out_what_stands_alone() {
        let values = [0.0, 0.0, 0.0, 9.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0];
        let smooth: Vec<f32> = smoothed(&values).collect();
        assert_eq!(smooth[3], 0.0);
        assert_eq!(smooth[11], 1.0);
        assert_eq!(smoothed(&[3.0, 1.0]).collect::<Vec<_>>(), [3.0, 1.0]);
    }

    #[test]
    fn columns_are_standardized() {
        let mut weights = vec![1.0, 5.0, 3.0, 5.0];
        standardize(&mut weights, 2);
        assert_eq!(weights, [-1.0, 0.0, 1.0, 0.0]);
    }
}
