//! Many texts that are written on together.
//!
//! Each step reads the weights once for all of them, which is what a step costs. Texts come and go
//! between steps (Yu et al., "Orca", 2022), and what a newcomer brings to be read goes beside the
//! steps of the others in portions, so that these do not wait for it.

use super::network::Wanted;
use super::pool::CachePool;
use super::sequence::Sequence;
use super::{Generated, GenerationOptions, LlamaWeights};
use crate::ModelError;

/// The most tokens that are read in one step.
pub const MAX_STEP_TOKENS: usize = 256;
/// More is read in no step, however far on: what [`MAX_STEP_TOKENS`] tokens cost behind a hundred
/// thousand others.
const MAX_STEP_WORK: usize = 1 << 17;
/// With so many tokens before it, a token is taken to cost twice as much as the first one:
/// attention looks at all of them. Measured as the processor time of `aimass ask
/// generation.complete - --set max_tokens=1` with SmolLM2 135M, a development build, on 2 busy
/// cores: prompts of 405, 1,605, 3,205 and 6,405 tokens took 2.8, 13.7, 37 and 117 s beyond one of
/// 5, so 6.9, 8.5, 11.6 and 18.2 ms a token. The line through the first and the last of these gives
/// 1,600, the first two alone 2,400.
const DEPTH: usize = 1600;

/// Texts that are written on together. They are numbered in the order in which they came.
pub struct Generation {
    members: Vec<Member>,
    /// Tokens that one step may read where nothing is before them.
    portion: usize,
}

impl Default for Generation {
    fn default() -> Self {
        Self {
            members: Vec::new(),
            portion: MAX_STEP_TOKENS,
        }
    }
}

enum Member {
    Running(Box<Sequence>),
    Rejected(ModelError),
    Empty,
}

/// What a step has brought.
#[derive(Debug, Default)]
pub struct Progress {
    /// New pieces of texts, by their numbers.
    pub pieces: Vec<(usize, String)>,
    /// Texts that are done, by their numbers.
    pub done: Vec<(usize, Result<Generated, ModelError>)>,
    /// Whether none is left.
    pub finished: bool,
    /// What it took, as so many tokens that nothing is before: those further on count for more.
    pub work: usize,
}

impl Generation {
    /// Adds a text to be written on from these tokens. What is wrong with it is told by the next
    /// step.
    pub fn push(&mut self, weights: &LlamaWeights, prompt: Vec<u32>, options: GenerationOptions) {
        self.members
            .push(match Sequence::new(weights, prompt, options) {
                Ok(sequence) => Member::Running(Box::new(sequence)),
                Err(error) => Member::Rejected(error),
            });
    }

    /// Leaves a number out.
    pub fn push_empty(&mut self) {
        self.members.push(Member::Empty);
    }

    /// Leaves a text out from now on.
    pub fn cancel(&mut self, number: usize) {
        if let Some(member) = self.members.get_mut(number) {
            *member = Member::Empty;
        }
    }

    /// How much the next steps may read, as so many tokens that nothing is before; what comes of
    /// the texts does not depend on it. At least one token is read in any case, and at most
    /// [`MAX_STEP_TOKENS`].
    pub fn set_step_work(&mut self, portion: usize) {
        self.portion = portion.clamp(1, MAX_STEP_WORK);
    }

    /// Takes a step: of each text a portion of what it brought is read, or its next token is
    /// written. Texts for which `wants` says no wait, as long as others have something to do.
    ///
    /// # Errors
    /// [`ModelError::Compute`]; then all texts are lost.
    pub fn advance(
        &mut self,
        weights: &LlamaWeights,
        pool: &mut CachePool,
        wants: impl Fn(usize) -> bool,
    ) -> Result<Progress, ModelError> {
        let mut progress = Progress::default();
        self.take_rejected(&mut progress);
        let mut chosen = self.choose(weights, pool, wants).into_iter().peekable();
        let (mut feeds, mut scored, mut work) = (Vec::new(), Vec::new(), 0);
        for (number, member) in self.members.iter_mut().enumerate() {
            let Some((_, portion)) = chosen.next_if(|(next, _)| *next == number) else {
                continue;
            };
            let Member::Running(sequence) = member else {
                continue;
            };
            if let Some(feed) = sequence.feed(portion) {
                work += feed.tokens.len() * cost(feed.before());
                if feed.wanted == Wanted::Scores {
                    scored.push(number);
                }
                feeds.push(feed);
            }
        }
        let scores = match feeds.is_empty() {
            true => Vec::new(),
            false => weights.forward(&mut feeds)?,
        };
        drop(feeds);
        for (number, scores) in scored.into_iter().zip(scores) {
            self.write(number, scores, weights, pool, &mut progress);
        }
        let is_empty = |member: &Member| matches!(member, Member::Empty);
        progress.finished = self.members.iter().all(is_empty);
        progress.work = work.div_ceil(DEPTH);
        Ok(progress)
    }

    fn take_rejected(&mut self, progress: &mut Progress) {
        for (number, member) in self.members.iter_mut().enumerate() {
            if let Member::Rejected(_) = member
                && let Member::Rejected(error) = std::mem::replace(member, Member::Empty)
            {
                progress.done.push((number, Err(error)));
            }
        }
    }

    /// The numbers of the texts that take part in the next step, with how many tokens they may
    /// bring.
    fn choose(
        &mut self,
        weights: &LlamaWeights,
        pool: &mut CachePool,
        wants: impl Fn(usize) -> bool,
    ) -> Vec<(usize, usize)> {
        let mut is_full = false;
        let mut able = Vec::new();
        for (number, member) in self.members.iter_mut().enumerate() {
            let Member::Running(sequence) = member else {
                continue;
            };
            // Who came first gets room first.
            is_full = is_full || !sequence.is_admitted(weights, pool);
            if sequence.is_running() {
                able.push((number, sequence.read(), sequence.unread()));
            }
        }
        if able.iter().any(|(number, ..)| wants(*number)) {
            able.retain(|(number, ..)| wants(*number));
        }
        // Those that write go first; what they leave of the portion is for those that read.
        let writing = able.iter().filter(|(_, _, unread)| *unread == 1);
        let written: usize = writing.clone().map(|(_, read, _)| cost(*read)).sum();
        let mut tokens = MAX_STEP_TOKENS.saturating_sub(writing.count()).max(1);
        let mut left = (self.portion * DEPTH).saturating_sub(written);
        // However little there is left, one of those that read comes further.
        let mut least = 1;
        let portions = able.into_iter().map(|(number, read, unread)| match unread {
            1 => (number, 1),
            _ => {
                let portion = unread.min(tokens).min((left / cost(read)).max(least));
                tokens -= portion;
                left = left.saturating_sub(portion * cost(read));
                least = 0;
                (number, portion)
            }
        });
        portions.filter(|(_, portion)| *portion > 0).collect()
    }

    fn write(
        &mut self,
        number: usize,
        scores: Vec<f32>,
        weights: &LlamaWeights,
        pool: &mut CachePool,
        progress: &mut Progress,
    ) {
        let member = &mut self.members[number];
        let Member::Running(sequence) = member else {
            return;
        };
        let written = match sequence.write(weights, scores) {
            Ok(written) => written,
            Err(error) => {
                *member = Member::Empty;
                progress.done.push((number, Err(error)));
                return;
            }
        };
        if !written.piece.is_empty() {
            progress.pieces.push((number, written.piece));
        }
        if let Some(reason) = written.finished
            && let Member::Running(sequence) = std::mem::replace(member, Member::Empty)
        {
            progress
                .done
                .push((number, Ok(sequence.finish(pool, reason))));
        }
    }
}

/// What a token costs that has so many before it, in parts of one that has none.
fn cost(before: usize) -> usize {
    DEPTH + before
}
