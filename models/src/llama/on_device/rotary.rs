//! Rotary position embeddings on a device.

use candle_core::{D, Device, Result, Tensor};
use candle_nn::rotary_emb::{rope, rope_i};

use crate::kernels::Pairing;
use crate::weights::tensor_bytes;

/// By how much the pairs of a head are rotated at each position: `[positions, pairs]`.
#[derive(Debug)]
pub(super) struct Rotary {
    cosines: Tensor,
    sines: Tensor,
    pairing: Pairing,
}

/// The rotations of some rows.
pub(super) struct Turns {
    /// `[rows, pairs]`
    cosines: Tensor,
    /// `[rows, pairs]`
    sines: Tensor,
    pairing: Pairing,
}

impl Rotary {
    /// The rotations of so many positions by `position * frequency`, one frequency for each pair.
    pub(super) fn new(
        positions: usize,
        frequencies: &[f64],
        pairing: Pairing,
        device: &Device,
    ) -> Result<Self> {
        let table = |of: fn(f64) -> f64| {
            let angles = (0..positions)
                .flat_map(|place| frequencies.iter().map(move |one| place as f64 * one));
            let values: Vec<f32> = angles.map(|angle| of(angle) as f32).collect();
            Tensor::from_vec(values, (positions, frequencies.len()), device)
        };
        Ok(Self {
            cosines: table(f64::cos)?,
            sines: table(f64::sin)?,
            pairing,
        })
    }

    /// How many positions it knows.
    pub(super) fn places(&self) -> usize {
        self.cosines.dim(0).unwrap_or(0)
    }

    /// The rotations at these positions, which must be known.
    pub(super) fn at(&self, places: impl Iterator<Item = usize>) -> Result<Turns> {
        let places: Vec<u32> = places.map(|place| place as u32).collect();
        let count = places.len();
        let places = Tensor::from_vec(places, count, self.cosines.device())?;
        Ok(Turns {
            cosines: self.cosines.index_select(&places, 0)?,
            sines: self.sines.index_select(&places, 0)?,
            pairing: self.pairing,
        })
    }

    /// The bytes that it takes on the device.
    pub(super) fn bytes(&self) -> usize {
        tensor_bytes(&self.cosines) + tensor_bytes(&self.sines)
    }
}

impl Turns {
    /// Rotates `[rows, heads * width]`; gives `[heads, rows, width]`. Values of a head behind the
    /// pairs stay as they are.
    pub(super) fn apply(&self, rows: &Tensor, width: usize) -> Result<Tensor> {
        let heads = split(rows, width)?.unsqueeze(0)?;
        let turned = 2 * self.cosines.dim(1)?;
        if turned == width {
            return self.rotate(&heads)?.squeeze(0);
        }
        let rest = heads.narrow(D::Minus1, turned, width - turned)?;
        let heads = heads.narrow(D::Minus1, 0, turned)?.contiguous()?;
        Tensor::cat(&[self.rotate(&heads)?, rest], D::Minus1)?.squeeze(0)
    }

    fn rotate(&self, heads: &Tensor) -> Result<Tensor> {
        match self.pairing {
            Pairing::Neighbors => rope_i(heads, &self.cosines, &self.sines),
            Pairing::Halves => rope(heads, &self.cosines, &self.sines),
        }
    }
}

/// From `[rows, heads * width]` to `[heads, rows, width]`.
pub(super) fn split(rows: &Tensor, width: usize) -> Result<Tensor> {
    let (count, all) = rows.dims2()?;
    let heads = rows.reshape((count, all / width, width))?;
    heads.transpose(0, 1)?.contiguous()
}
