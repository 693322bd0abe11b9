//! What the tokens of a sequence left behind, on a device.

use std::sync::Arc;

use candle_core::{DType, Device, Result, Tensor};

/// Keys and values of each layer, on one device.
///
/// Memory is taken when something comes in, since only then an error can be told. A clone shares
/// it until one of the two grows.
#[derive(Debug, Clone)]
pub(in crate::llama) struct DeviceLayers {
    device: Device,
    /// Of each layer `[2 * kv heads, capacity, width of a head]`; none before the first token.
    layers: Vec<Option<Arc<Tensor>>>,
}

impl DeviceLayers {
    /// Those of so many layers, without tokens.
    pub(in crate::llama) fn new(layers: usize, device: &Device) -> Self {
        Self {
            device: device.clone(),
            layers: vec![None; layers],
        }
    }

    /// As many layers on the same device, without tokens.
    pub(in crate::llama) fn like(&self) -> Self {
        Self::new(self.layers.len(), &self.device)
    }

    /// Puts `new` `[2 * kv heads, tokens, width]`, contiguous, behind the first `known` tokens of a
    /// layer. Gives all of them. Where memory has to be taken, it is for `room` tokens.
    pub(in crate::llama) fn push(
        &mut self,
        layer: usize,
        new: &Tensor,
        known: usize,
        room: usize,
    ) -> Result<Tensor> {
        let Some(held) = self.layers.get_mut(layer) else {
            candle_core::bail!("expected a layer below {}, got {layer}", self.layers.len());
        };
        let (heads, tokens, width) = new.dims3()?;
        let most = known + tokens;
        let fits = match held {
            Some(held) => Arc::get_mut(held).is_some() && held.dim(1)? >= most,
            None => false,
        };
        if !fits {
            let shape = (heads, room.max(most), width);
            *held = Some(Arc::new(copied(
                held.as_deref(),
                known,
                shape,
                &self.device,
            )?));
        }
        match held {
            Some(held) => {
                held.slice_set(new, 1, known)?;
                held.narrow(1, 0, most)
            }
            None => candle_core::bail!("expected memory for {most} tokens, got none"),
        }
    }

    /// Gives back the memory behind the first so many tokens. Keeps it where the device has no room
    /// for a copy.
    pub(in crate::llama) fn shrink(&mut self, tokens: usize) {
        for held in self.layers.iter_mut() {
            if tokens == 0 {
                *held = None;
            }
            let Some(layer) = held else {
                continue;
            };
            let Ok((heads, capacity, width)) = layer.dims3() else {
                continue;
            };
            if capacity <= tokens {
                continue;
            }
            let shape = (heads, tokens, width);
            if let Ok(copy) = copied(Some(layer), tokens, shape, &self.device) {
                *layer = Arc::new(copy);
            }
        }
    }

    /// For how many tokens memory is taken.
    pub(in crate::llama) fn capacity(&self) -> usize {
        let layers = self.layers.iter().flatten();
        let capacities = layers.map(|layer| layer.dim(1).unwrap_or(0));
        capacities.max().unwrap_or(0)
    }
}

/// Memory of this shape that begins with the first `known` tokens of `old`.
fn copied(
    old: Option<&Tensor>,
    known: usize,
    shape: (usize, usize, usize),
    device: &Device,
) -> Result<Tensor> {
    let fresh = Tensor::zeros(shape, DType::F32, device)?;
    if let Some(old) = old.filter(|_| known > 0) {
        fresh.slice_set(&old.narrow(1, 0, known)?.contiguous()?, 1, 0)?;
    }
    Ok(fresh)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::test::{apart, numbers};

    #[test]
    fn a_clone_goes_its_own_way_and_what_nobody_else_holds_grows_in_place() {
        let mut cache = DeviceLayers::new(1, &Device::Cpu);
        let (first, one, other) = (
            numbers(&[4, 3, 8], 1.0),
            numbers(&[4, 1, 8], 2.0),
            numbers(&[4, 2, 8], 3.0),
        );
        let all = cache.push(0, &first, 0, 10).unwrap();
        assert_eq!(apart(&all.contiguous().unwrap(), &first), 0.0);
        assert_eq!(cache.capacity(), 10);
        let mut clone = cache.clone();
        for (cache, new) in [(&mut cache, &one), (&mut clone, &other)] {
            // The third token is written anew.
            let all = cache.push(0, new, 2, 10).unwrap();
            let expected = Tensor::cat(&[&first.narrow(1, 0, 2).unwrap(), new], 1).unwrap();
            assert_eq!(apart(&expected, &all.contiguous().unwrap()), 0.0);
        }
        cache.shrink(3);
        assert_eq!(cache.capacity(), 3);
        let all = cache.push(0, &one, 3, 3).unwrap();
        let last = all.narrow(1, 2, 1).unwrap().contiguous().unwrap();
        assert_eq!(apart(&one, &last), 0.0);
        cache.shrink(0);
        assert_eq!(cache.capacity(), 0);
        assert!(cache.push(1, &one, 0, 1).is_err());
    }
}
