//! What a decoder keeps of the tokens that it has heard: keys and values of one layer, a row for each token.

use std::sync::Arc;

use candle_core::{Device, Result, Tensor};

use super::on_cpu::with_values;

/// Keys and values of one layer for the tokens of one hypothesis.
///
/// It grows in place. A clone is cheap: the rows are copied only when one of the two grows.
#[derive(Debug, Clone)]
pub(crate) struct TokenCache {
    rows: Rows,
    /// Values of a row: those of a key, then as many of a value.
    width: usize,
}

#[derive(Debug, Clone)]
enum Rows {
    /// In the processor's memory.
    Processor(Arc<Vec<f32>>),
    /// On another device, `[tokens, width]`.
    Device(Tensor),
}

impl TokenCache {
    /// Begins with the rows of the first tokens: f32 `[tokens, width]`, contiguous.
    pub(crate) fn new(rows: &Tensor) -> Result<Self> {
        let (_, width) = rows.dims2()?;
        if !rows.device().is_cpu() {
            let rows = Rows::Device(rows.clone());
            return Ok(Self { rows, width });
        }
        let values = with_values(rows, |values| Ok(values.to_vec()))?;
        let rows = Rows::Processor(Arc::new(values));
        Ok(Self { rows, width })
    }

    /// Appends the rows of further tokens.
    pub(crate) fn push(&mut self, new: &Tensor) -> Result<()> {
        match &mut self.rows {
            Rows::Processor(known) => with_values(new, |values| {
                Arc::make_mut(known).extend_from_slice(values);
                Ok(())
            }),
            Rows::Device(known) => {
                *known = Tensor::cat(&[&*known, new], 0)?;
                Ok(())
            }
        }
    }

    /// How many tokens it has.
    pub(crate) fn tokens(&self) -> usize {
        match &self.rows {
            Rows::Processor(rows) => rows.len() / self.width.max(1),
            Rows::Device(rows) => rows.dim(0).unwrap_or(0),
        }
    }

    /// The first so many rows, one after the other; none on another device.
    pub(super) fn values(&self, tokens: usize) -> Option<&[f32]> {
        match &self.rows {
            Rows::Processor(rows) => rows.get(..tokens * self.width),
            Rows::Device(_) => None,
        }
    }

    /// The first so many rows, `[tokens, width]`.
    pub(super) fn tensor(&self, tokens: usize) -> Result<Tensor> {
        match &self.rows {
            Rows::Processor(rows) => {
                let rows = Tensor::from_slice(rows, (self.tokens(), self.width), &Device::Cpu)?;
                rows.narrow(0, 0, tokens)
            }
            Rows::Device(rows) => rows.narrow(0, 0, tokens),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::on_cpu::test::{apart, numbers};

    #[test]
    fn a_clone_goes_its_own_way() {
        let (first, one, other) = (
            numbers(&[3, 8], 1.0),
            numbers(&[1, 8], 2.0),
            numbers(&[2, 8], 3.0),
        );
        let mut cache = TokenCache::new(&first).unwrap();
        let mut clone = cache.clone();
        cache.push(&one).unwrap();
        clone.push(&other).unwrap();
        for (cache, new) in [(&cache, &one), (&clone, &other)] {
            let expected = Tensor::cat(&[&first, new], 0).unwrap();
            let tokens = expected.dim(0).unwrap();
            assert_eq!(cache.tokens(), tokens);
            assert_eq!(apart(&expected, &cache.tensor(tokens).unwrap()), 0.0);
        }
    }

    #[test]
    fn what_nobody_else_holds_grows_in_place() {
        let mut cache = TokenCache::new(&numbers(&[1, 64], 1.0)).unwrap();
        let mut moves = 0;
        let mut place = cache.values(1).unwrap().as_ptr();
        for tokens in 2..=256 {
            cache.push(&numbers(&[1, 64], 1.0)).unwrap();
            let now = cache.values(tokens).unwrap().as_ptr();
            moves += usize::from(now != place);
            place = now;
        }
        // Its room doubles, instead of growing by a row each time.
        assert!(moves <= 8, "{moves}");
    }
}
