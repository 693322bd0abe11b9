//! The prefix cache: key-value caches of conversations, kept between calls within a bound.
//!
//! The next call of a conversation begins with the tokens of the one before and need not compute
//! them again. A conversation is recognized by its tokens. Workers with the same weights share one
//! prefix cache, so it does not matter which of them a call comes to. An entry may be evicted at
//! any time; its tokens are then computed again, with the same result.

use std::collections::VecDeque;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use super::KvCache;

/// The key-value caches that no sequence uses, of one version of the weights, for all its workers.
#[derive(Debug, Clone)]
pub struct PrefixCache {
    limit: usize,
    /// The least recently used first.
    entries: Arc<Mutex<VecDeque<KvCache>>>,
    leased: ByteCount,
}

/// The prefix cache as one worker sees it.
#[derive(Debug)]
pub struct CachePool {
    shared: PrefixCache,
    /// The bytes of the leases of this worker.
    leased: ByteCount,
}

/// A count of bytes.
type ByteCount = Arc<AtomicUsize>;

/// A key-value cache in use by a sequence. Its bytes count until it is dropped.
#[derive(Debug)]
pub(super) struct CacheLease {
    cache: KvCache,
    bytes: usize,
    counts: [ByteCount; 2],
}

impl PrefixCache {
    /// Keeps at most `limit` bytes, leases included. One sequence of each worker may always run.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            entries: Arc::default(),
            leased: Arc::default(),
        }
    }

    /// Returns the view of one more worker.
    #[must_use]
    pub fn pool(&self) -> CachePool {
        CachePool {
            shared: self.clone(),
            leased: Arc::default(),
        }
    }

    /// Locks the entries. A worker that panicked while it held them may have left them in any
    /// state, so all are dropped then.
    fn entries(&self) -> MutexGuard<'_, VecDeque<KvCache>> {
        self.entries.lock().unwrap_or_else(|poisoned| {
            self.entries.clear_poison();
            let mut entries = poisoned.into_inner();
            entries.clear();
            entries
        })
    }

    fn evict(&self, entries: &mut VecDeque<KvCache>) {
        let leased = self.leased.load(Ordering::Relaxed);
        while leased + bytes(entries) > self.limit && entries.pop_front().is_some() {}
    }
}

impl CachePool {
    /// Returns the view of a worker with a prefix cache of its own: see [`PrefixCache::new`].
    #[must_use]
    pub fn new(limit: usize) -> Self {
        PrefixCache::new(limit).pool()
    }

    /// The bytes of all entries and leases, of all workers that share them.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.shared.leased.load(Ordering::Relaxed) + bytes(&self.shared.entries())
    }

    /// The number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shared.entries().len()
    }

    /// Says whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shared.entries().is_empty()
    }

    /// Drops all entries.
    pub fn clear(&mut self) {
        self.shared.entries().clear();
    }

    /// Lends a cache with room for `room` tokens that holds as many of the first of `tokens` as are
    /// known, but not the last, which has to be read to see what comes next; a new one is made like
    /// `empty`. None while those that are lent leave no room.
    pub(super) fn lease(
        &mut self,
        empty: &KvCache,
        tokens: &[u32],
        room: usize,
    ) -> Option<CacheLease> {
        let wanted = empty.bytes_for(room);
        let mut entries = self.shared.entries();
        let leased = self.shared.leased.load(Ordering::Relaxed);
        if self.leased.load(Ordering::Relaxed) > 0 && leased + wanted > self.shared.limit {
            return None;
        }
        let known = known(&entries, tokens);
        let known = known.and_then(|(place, known)| Some((entries.remove(place)?, known)));
        let cache = match known {
            Some((cache, known)) => share(&mut entries, cache, known, room),
            None => empty.like(room),
        };
        let lease = CacheLease::new(cache, [self.leased.clone(), self.shared.leased.clone()]);
        self.shared.evict(&mut entries);
        Some(lease)
    }

    /// Keeps what a sequence left behind.
    pub(super) fn release(&mut self, lease: CacheLease) {
        let mut cache = lease.into_cache();
        cache.shrink();
        let tokens = cache.tokens();
        let mut entries = self.shared.entries();
        // What is the beginning of the new one is of no use beside it.
        entries.retain(|entry| entry.shared(tokens) < entry.tokens().len());
        entries.push_back(cache);
        self.shared.evict(&mut entries);
    }
}

fn bytes(entries: &VecDeque<KvCache>) -> usize {
    entries.iter().map(KvCache::bytes).sum()
}

/// The entry with the longest prefix of `tokens`, and its length.
fn known(entries: &VecDeque<KvCache>, tokens: &[u32]) -> Option<(usize, usize)> {
    let most = tokens.len().saturating_sub(1);
    let known = entries.iter().map(|cache| cache.shared(tokens).min(most));
    let best = known.enumerate().max_by_key(|(_, known)| *known);
    best.filter(|(_, known)| *known > 0)
}

fn share(
    entries: &mut VecDeque<KvCache>,
    mut cache: KvCache,
    known: usize,
    room: usize,
) -> KvCache {
    // Of a conversation that goes on another way, the old way stays: somebody may go on with that
    // as well.
    if cache.tokens().len() > known + 1 {
        let fork = cache.fork(known, room);
        entries.push_back(cache);
        return fork;
    }
    cache.truncate(known);
    cache.reserve(room);
    cache
}

impl CacheLease {
    fn new(cache: KvCache, counts: [ByteCount; 2]) -> Self {
        let bytes = cache.bytes();
        for count in &counts {
            count.fetch_add(bytes, Ordering::Relaxed);
        }
        Self {
            cache,
            bytes,
            counts,
        }
    }

    fn into_cache(mut self) -> KvCache {
        std::mem::take(&mut self.cache)
    }
}

impl Drop for CacheLease {
    fn drop(&mut self) {
        for count in &self.counts {
            count.fetch_sub(self.bytes, Ordering::Relaxed);
        }
    }
}

impl Deref for CacheLease {
    type Target = KvCache;

    fn deref(&self) -> &KvCache {
        &self.cache
    }
}

impl DerefMut for CacheLease {
    fn deref_mut(&mut self) -> &mut KvCache {
        &mut self.cache
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::Pairing;
    use crate::llama::LlamaConfig;

    fn empty() -> KvCache {
        let config = LlamaConfig {
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
            pairing: Pairing::Neighbors,
        };
        KvCache::new(&config, 0)
    }

    /// A token takes 2 layers of a key and a value of 16 numbers, and its own number.
    const TOKEN: usize = 2 * 2 * 16 * 4 + 4;

    /// Runs a sequence of these tokens; gives how many were known.
    fn run(pool: &mut CachePool, tokens: &[u32]) -> usize {
        let mut lease = pool.lease(&empty(), tokens, tokens.len()).unwrap();
        let known = lease.tokens().len();
        for token in &tokens[known..] {
            for layer in 0..2 {
                let key = [*token as f32; 16];
                lease.push(layer, &key, &[0.0; 16]).unwrap();
            }
            lease.push_tokens(&[*token]);
        }
        assert_eq!(lease.tokens(), tokens);
        for (row, token) in lease.layer(1).chunks(32).zip(tokens) {
            assert_eq!(row[0], *token as f32);
        }
        pool.release(lease);
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
    fn a_lease_counts_until_it_is_dropped() {
        let mut pool = CachePool::new(8 * TOKEN);
        let one = pool.lease(&empty(), &[1], 20).unwrap();
        assert!(
            pool.lease(&empty(), &[2], 1).is_none(),
            "one may always run"
        );
        drop(one);
        let one = pool.lease(&empty(), &[1], 4).unwrap();
        let other = pool.lease(&empty(), &[2], 4).unwrap();
        assert_eq!(pool.bytes(), 8 * TOKEN);
        assert!(pool.lease(&empty(), &[3], 1).is_none());
        drop((one, other));
        assert_eq!(pool.bytes(), 0);
    }

    #[test]
    fn a_conversation_is_known_to_whichever_worker_it_comes_to() {
        let cache = PrefixCache::new(100 * TOKEN);
        let (mut one, mut other) = (cache.pool(), cache.pool());
        run(&mut one, &[1, 2, 3]);
        assert_eq!(run(&mut other, &[1, 2, 3, 4]), 3);
        assert_eq!(run(&mut one, &[1, 2, 3, 4, 5]), 4);
        assert_eq!(one.bytes(), 5 * TOKEN);
    }

    #[test]
    fn one_sequence_of_each_worker_may_always_run() {
        let cache = PrefixCache::new(8 * TOKEN);
        let (mut one, mut other) = (cache.pool(), cache.pool());
        let lease = one.lease(&empty(), &[1], 8).unwrap();
        assert!(other.lease(&empty(), &[2], 8).is_some());
        assert!(one.lease(&empty(), &[3], 8).is_none());
        drop(lease);
        assert_eq!(other.bytes(), 0);
    }

    #[test]
    fn what_a_worker_died_over_is_forgotten_and_the_others_go_on() {
        let cache = PrefixCache::new(100 * TOKEN);
        run(&mut cache.pool(), &[1, 2, 3]);
        let dying = cache.clone();
        let died = std::thread::spawn(move || {
            let _held = dying.entries.lock();
            panic!("dies with it in its hands");
        });
        assert!(died.join().is_err());
        let mut pool = cache.pool();
        assert!(pool.is_empty());
        assert_eq!(run(&mut pool, &[1, 2, 3]), 0);
        assert_eq!(run(&mut pool, &[1, 2, 3, 4]), 3);
    }
}
