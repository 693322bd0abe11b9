//! What is kept of conversations between calls, within a bound.
//!
//! The next call of a conversation begins with the tokens of the one before, and needs not read them again. Which conversation it is nobody has to say:
//! its tokens do. What is kept may vanish at any time; it is then read anew, with the same result.

use std::cell::Cell;
use std::collections::VecDeque;
use std::ops::{Deref, DerefMut};
use std::rc::Rc;

use super::{KvCache, LlamaConfig};

/// The caches of conversations that nobody works on.
#[derive(Debug)]
pub struct CachePool {
    limit: usize,
    /// The one that was used longest ago first.
    kept: VecDeque<KvCache>,
    lent: Rc<Cell<usize>>,
}

/// A cache that a sequence works on. Its bytes count until it is dropped.
#[derive(Debug)]
pub(super) struct LentCache {
    cache: KvCache,
    bytes: usize,
    lent: Rc<Cell<usize>>,
}

impl CachePool {
    /// Keeps at most so many bytes, those of running sequences included. One sequence may always run.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            kept: VecDeque::new(),
            lent: Rc::default(),
        }
    }

    /// The bytes of all caches, kept and lent.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.lent.get() + self.kept.iter().map(KvCache::bytes).sum::<usize>()
    }

    /// How many conversations are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// Whether nothing is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Forgets all conversations.
    pub fn clear(&mut self) {
        self.kept.clear();
    }

    /// Lends a cache with room for `room` tokens that holds as many of the first of `tokens` as are known, but not the last, which has to be
    /// read to see what comes next. None while those that are lent leave no room.
    pub(super) fn lend(
        &mut self,
        config: &LlamaConfig,
        tokens: &[u32],
        room: usize,
    ) -> Option<LentCache> {
        let bytes = KvCache::new(config, 0).bytes_for(room);
        if self.lent.get() > 0 && self.lent.get() + bytes > self.limit {
            return None;
        }
        let known = self.known(tokens);
        let known = known.and_then(|(place, known)| Some((self.kept.remove(place)?, known)));
        let cache = match known {
            Some((cache, known)) => self.share(cache, known, room),
            None => KvCache::new(config, room),
        };
        let bytes = cache.bytes();
        self.lent.set(self.lent.get() + bytes);
        self.evict();
        Some(LentCache {
            cache,
            bytes,
            lent: self.lent.clone(),
        })
    }

    /// The kept cache that knows most of `tokens`, and how many.
    fn known(&self, tokens: &[u32]) -> Option<(usize, usize)> {
        let most = tokens.len().saturating_sub(1);
        let known = self.kept.iter().map(|cache| cache.shared(tokens).min(most));
        let best = known.enumerate().max_by_key(|(_, known)| *known);
        best.filter(|(_, known)| *known > 0)
    }

    fn share(&mut self, mut cache: KvCache, known: usize, room: usize) -> KvCache {
        // Of a conversation that goes on another way, the old way stays: somebody may go on with that as well.
        if cache.tokens().len() > known + 1 {
            let fork = cache.fork(known, room);
            self.kept.push_back(cache);
            return fork;
        }
        cache.truncate(known);
        cache.reserve(room);
        cache
    }

    /// Keeps what a sequence left behind.
    pub(super) fn keep(&mut self, lent: LentCache) {
        let mut cache = lent.into_cache();
        cache.shrink();
        let tokens = cache.tokens();
        // What is the beginning of the new one is of no use beside it.
        self.kept
            .retain(|kept| kept.shared(tokens) < kept.tokens().len());
        self.kept.push_back(cache);
        self.evict();
    }

    fn evict(&mut self) {
        while self.bytes() > self.limit && self.kept.pop_front().is_some() {}
    }
}

impl LentCache {
    fn into_cache(mut self) -> KvCache {
        std::mem::take(&mut self.cache)
    }
}

impl Drop for LentCache {
    fn drop(&mut self) {
        self.lent.set(self.lent.get() - self.bytes);
    }
}

impl Deref for LentCache {
    type Target = KvCache;

    fn deref(&self) -> &KvCache {
        &self.cache
    }
}

impl DerefMut for LentCache {
    fn deref_mut(&mut self) -> &mut KvCache {
        &mut self.cache
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::Pairing;

    fn config() -> LlamaConfig {
        LlamaConfig {
            hidden_size: 32,
            num_layers: 2,
            num_heads: 2,
            num_kv_heads: 1,
            head_size: 16,
            intermediate_size: 32,
            context_length: 64,
            norm_epsilon: 1e-5,
            rope_base: 10_000.0,
            rope_size: 16,
            rope_scale: 1.0,
            pairing: Pairing::Neighbours,
        }
    }

    /// A token takes 2 layers of a key and a value of 16 numbers, and its own number.
    const TOKEN: usize = 2 * 2 * 16 * 4 + 4;

    /// Runs a sequence of these tokens; gives how many were known.
    fn run(pool: &mut CachePool, tokens: &[u32]) -> usize {
        let mut lent = pool.lend(&config(), tokens, tokens.len()).unwrap();
        let known = lent.tokens().len();
        for token in &tokens[known..] {
            for layer in 0..2 {
                lent.push(layer, &[*token as f32; 16], &[0.0; 16]);
            }
            lent.push_tokens(&[*token]);
        }
        assert_eq!(lent.tokens(), tokens);
        for (row, token) in lent.layer(1).chunks(32).zip(tokens) {
            assert_eq!(row[0], *token as f32);
        }
        pool.keep(lent);
        known
    }

    #[test]
    fn a_conversation_that_goes_on_is_not_read_again() {
        let mut pool = CachePool::new(100 * TOKEN);
        assert_eq!(run(&mut pool, &[1, 2, 3]), 0);
        assert_eq!(run(&mut pool, &[1, 2, 3, 4, 5]), 3);
        assert_eq!(pool.len(), 1, "the longer one holds the shorter");
        assert_eq!(run(&mut pool, &[1, 2, 9, 9]), 2, "another way");
        assert_eq!(run(&mut pool, &[1, 2, 3, 4, 5]), 4, "all but the last");
        assert_eq!(pool.len(), 2);
        assert_eq!(pool.bytes(), 9 * TOKEN);
    }

    #[test]
    fn the_one_that_was_used_longest_ago_goes_first() {
        let mut pool = CachePool::new(8 * TOKEN);
        run(&mut pool, &[1, 1, 1]);
        run(&mut pool, &[2, 2, 2]);
        run(&mut pool, &[1, 1, 1]);
        run(&mut pool, &[3, 3, 3]);
        assert!(pool.bytes() <= 8 * TOKEN);
        assert_eq!(run(&mut pool, &[1, 1, 1, 1]), 3);
        assert_eq!(run(&mut pool, &[2, 2, 2, 2]), 0);
    }

    #[test]
    fn what_is_lent_counts_until_it_is_dropped() {
        let mut pool = CachePool::new(8 * TOKEN);
        let one = pool.lend(&config(), &[1], 20).unwrap();
        assert!(
            pool.lend(&config(), &[2], 1).is_none(),
            "one may always run"
        );
        drop(one);
        let one = pool.lend(&config(), &[1], 4).unwrap();
        let other = pool.lend(&config(), &[2], 4).unwrap();
        assert_eq!(pool.bytes(), 8 * TOKEN);
        assert!(pool.lend(&config(), &[3], 1).is_none());
        drop((one, other));
        assert_eq!(pool.bytes(), 0);
    }
}
