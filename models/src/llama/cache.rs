//! What the tokens of a sequence left behind in the network.

use candle_core::{Device, Result as CandleResult, Tensor, bail};

use super::LlamaConfig;
use super::on_device::DeviceLayers;

/// Keys and values of the tokens that a sequence consists of so far, of each layer.
#[derive(Debug, Clone, Default)]
pub struct KvCache {
    tokens: Vec<u32>,
    layers: Layers,
    /// The values of a token in all layers.
    values: usize,
    /// For so many tokens memory is taken, or will be with the first of them.
    room: usize,
}

/// Where keys and values are.
#[derive(Debug, Clone)]
enum Layers {
    /// Of each layer `[tokens, width]`: key and value of each token side by side.
    Processor {
        layers: Vec<Vec<f32>>,
        width: usize,
    },
    Device(DeviceLayers),
}

impl Default for Layers {
    fn default() -> Self {
        Self::Processor {
            layers: Vec::new(),
            width: 0,
        }
    }
}

impl KvCache {
    /// An empty one for a network on the processor, with room for so many tokens, laid out once.
    #[must_use]
    pub(super) fn new(config: &LlamaConfig, room: usize) -> Self {
        let width = 2 * config.kv_size();
        let layer = || Vec::with_capacity(room * width);
        Self {
            tokens: Vec::with_capacity(room),
            layers: Layers::Processor {
                layers: (0..config.num_layers).map(|_| layer()).collect(),
                width,
            },
            values: config.num_layers * width,
            room,
        }
    }

    /// An empty one for a network on this device, without room.
    pub(super) fn on(device: &Device, config: &LlamaConfig) -> Self {
        Self {
            tokens: Vec::new(),
            layers: Layers::Device(DeviceLayers::new(config.num_layers, device)),
            values: config.num_layers * 2 * config.kv_size(),
            room: 0,
        }
    }

    /// An empty one for the same network, with room for so many tokens.
    #[must_use]
    pub(super) fn like(&self, room: usize) -> Self {
        let layers = match &self.layers {
            Layers::Processor { layers, width } => Layers::Processor {
                layers: layers
                    .iter()
                    .map(|_| Vec::with_capacity(room * width))
                    .collect(),
                width: *width,
            },
            Layers::Device(layers) => Layers::Device(layers.like()),
        };
        Self {
            tokens: Vec::with_capacity(room),
            layers,
            values: self.values,
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
        tokens * (self.values * size_of::<f32>() + size_of::<u32>())
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
        // On a device, what comes next is written over what is left.
        if let Layers::Processor { layers, width } = &mut self.layers {
            for layer in layers {
                layer.truncate(count * *width);
            }
        }
    }

    /// A copy of its first `count` tokens, with room for `room`.
    #[must_use]
    pub fn fork(&self, count: usize, room: usize) -> Self {
        let layers = match &self.layers {
            Layers::Processor { layers, width } => Layers::Processor {
                layers: layers
                    .iter()
                    .map(|layer| beginning(layer, count * width, room * width))
                    .collect(),
                width: *width,
            },
            Layers::Device(layers) => Layers::Device(layers.clone()),
        };
        Self {
            tokens: beginning(&self.tokens, count, room),
            layers,
            values: self.values,
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
        if let Layers::Processor { layers, width } = &mut self.layers {
            for layer in layers {
                layer.reserve_exact(more * *width);
            }
        }
    }

    /// Gives back the memory that is not filled.
    pub fn shrink(&mut self) {
        self.room = self.tokens.len();
        self.tokens.shrink_to_fit();
        match &mut self.layers {
            Layers::Processor { layers, .. } => layers.iter_mut().for_each(Vec::shrink_to_fit),
            Layers::Device(layers) => {
                layers.shrink(self.room);
                self.room = self.room.max(layers.capacity());
            }
        }
    }

    pub(super) fn push_tokens(&mut self, tokens: &[u32]) {
        self.tokens.extend_from_slice(tokens);
        self.room = self.room.max(self.tokens.len());
    }

    /// Appends the key and the value of one token to a layer.
    ///
    /// # Errors
    /// It is one of a device.
    pub(super) fn push(&mut self, layer: usize, key: &[f32], value: &[f32]) -> CandleResult<()> {
        let Layers::Processor { layers, .. } = &mut self.layers else {
            bail!("expected a cache in the processor's memory, got one of a device");
        };
        layers[layer].extend_from_slice(key);
        layers[layer].extend_from_slice(value);
        Ok(())
    }

    /// Keys and values of a layer in the processor's memory; none of a device.
    pub(super) fn layer(&self, layer: usize) -> &[f32] {
        match &self.layers {
            Layers::Processor { layers, .. } => &layers[layer],
            Layers::Device(_) => &[],
        }
    }

    /// Puts `[2 * kv heads, tokens, width of a head]`, keys before values, behind the tokens of a
    /// layer; gives those of all tokens.
    ///
    /// # Errors
    /// It is one of the processor's memory, or the device has no room.
    pub(super) fn push_onto_device(&mut self, layer: usize, new: &Tensor) -> CandleResult<Tensor> {
        let known = self.tokens.len();
        match &mut self.layers {
            Layers::Device(layers) => layers.push(layer, new, known, self.room),
            Layers::Processor { .. } => {
                bail!("expected a cache of the device, got one in the processor's memory")
            }
        }
    }
}

/// The first values, with room for `room` of them.
fn beginning<T: Copy>(values: &[T], count: usize, room: usize) -> Vec<T> {
    let mut copy = Vec::with_capacity(room);
    copy.extend_from_slice(&values[..count]);
    copy
}
