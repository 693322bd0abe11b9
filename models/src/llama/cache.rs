//! What the tokens of a sequence left behind in the network.

use super::LlamaConfig;

/// Keys and values of the tokens that a sequence consists of so far, of each layer.
#[derive(Debug, Clone, Default)]
pub struct KvCache {
    tokens: Vec<u32>,
    /// Of each layer `[tokens, 2 * kv_size]`: key and value of each token side by side.
    layers: Vec<Vec<f32>>,
    /// The values of a token in one layer.
    width: usize,
    /// For so many tokens memory was taken.
    room: usize,
}

impl KvCache {
    /// An empty one with room for so many tokens, laid out once.
    #[must_use]
    pub fn new(config: &LlamaConfig, room: usize) -> Self {
        let width = 2 * config.kv_size();
        let layer = || Vec::with_capacity(room * width);
        Self {
            tokens: Vec::with_capacity(room),
            layers: (0..config.num_layers).map(|_| layer()).collect(),
            width,
            room,
        }
    }

    /// The tokens whose keys and values it holds.
    #[must_use]
    pub fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    /// The bytes that it takes, filled or not.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes_for(self.room)
    }

    /// The bytes that so many tokens take.
    #[must_use]
    pub fn bytes_for(&self, tokens: usize) -> usize {
        tokens * (self.width * self.layers.len() * size_of::<f32>() + size_of::<u32>())
    }

    /// How many tokens it shares with `tokens` from the first on.
    #[must_use]
    pub fn shared(&self, tokens: &[u32]) -> usize {
        let pairs = self.tokens.iter().zip(tokens);
        pairs.take_while(|(one, other)| one == other).count()
    }

    /// Drops all tokens behind the first `count`.
    pub fn truncate(&mut self, count: usize) {
        self.tokens.truncate(count);
        for layer in &mut self.layers {
            layer.truncate(count * self.width);
        }
    }

    /// A copy of its first `count` tokens, with room for `room`.
    #[must_use]
    pub fn fork(&self, count: usize, room: usize) -> Self {
        let layer = |layer: &Vec<f32>| {
            let mut copy = Vec::with_capacity(room * self.width);
            copy.extend_from_slice(&layer[..count * self.width]);
            copy
        };
        let mut tokens = Vec::with_capacity(room);
        tokens.extend_from_slice(&self.tokens[..count]);
        Self {
            tokens,
            layers: self.layers.iter().map(layer).collect(),
            width: self.width,
            room,
        }
    }

    /// Makes room for so many tokens at least.
    pub fn reserve(&mut self, room: usize) {
        if room <= self.room {
            return;
        }
        self.room = room;
        let more = room - self.tokens.len();
        self.tokens.reserve_exact(more);
        for layer in &mut self.layers {
            layer.reserve_exact(more * self.width);
        }
    }

    /// Gives back the memory that is not filled.
    pub fn shrink(&mut self) {
        self.room = self.tokens.len();
        self.tokens.shrink_to_fit();
        self.layers.iter_mut().for_each(Vec::shrink_to_fit);
    }

    pub(super) fn push_tokens(&mut self, tokens: &[u32]) {
        self.tokens.extend_from_slice(tokens);
        self.room = self.room.max(self.tokens.len());
    }

    /// Appends the key and the value of one token to a layer.
    pub(super) fn push(&mut self, layer: usize, key: &[f32], value: &[f32]) {
        self.layers[layer].extend_from_slice(key);
        self.layers[layer].extend_from_slice(value);
    }

    pub(super) fn layer(&self, layer: usize) -> &[f32] {
        &self.layers[layer]
    }
}
