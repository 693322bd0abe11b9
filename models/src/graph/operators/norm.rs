//! Normalization.

use candle_core::{D, Result, Tensor};

use crate::graph::outline::{Arguments, axis};

/// Inputs: pictures, and for each channel scale, shift, mean and variance.
#[derive(Debug, Clone, Copy)]
pub(in crate::graph) struct BatchNormalization {
    /// Added to the variance.
    pub(in crate::graph) epsilon: f32,
}

impl BatchNormalization {
    /// For each channel what it is multiplied by, and what is added then.
    pub(in crate::graph) fn line(&self, inputs: Arguments<'_>) -> Result<(Tensor, Tensor)> {
        let (scale, shift) = (inputs.tensor(1)?, inputs.tensor(2)?);
        let (mean, variance) = (inputs.tensor(3)?, inputs.tensor(4)?);
        let factor = (scale / (variance + f64::from(self.epsilon))?.sqrt()?)?;
        let shift = (shift - (mean * &factor)?)?;
        Ok((factor, shift))
    }

    pub(in crate::graph) fn run(&self, inputs: Arguments<'_>) -> Result<Tensor> {
        let input = inputs.tensor(0)?;
        let (factor, shift) = self.line(inputs)?;
        let mut sides = vec![1; input.rank()];
        if let Some(channels) = sides.get_mut(1) {
            *channels = factor.elem_count();
        }
        let (factor, shift) = (factor.reshape(&*sides)?, shift.reshape(&*sides)?);
        input.broadcast_mul(&factor)?.broadcast_add(&shift)
    }
}

/// Inputs: the value, scale, and a shift that may be left out.
#[derive(Debug, Clone, Copy)]
pub(in crate::graph) struct LayerNormalization {
    /// The first of the axes that are normalized together.
    pub(in crate::graph) axis: i64,
    /// Added to the variance.
    pub(in crate::graph) epsilon: f32,
}

impl LayerNormalization {
    pub(in crate::graph) fn run(&self, inputs: Arguments<'_>) -> Result<Tensor> {
        let input = inputs.tensor(0)?;
        let first = axis(self.axis, input.rank())?;
        let width: usize = input.dims()[first..].iter().product();
        let rows = input.reshape((input.elem_count() / width.max(1), width))?;
        let centred = rows.broadcast_sub(&rows.mean_keepdim(D::Minus1)?)?;
        let variance = (centred.sqr()?.mean_keepdim(D::Minus1)? + f64::from(self.epsilon))?;
        let normal = centred
            .broadcast_div(&variance.sqrt()?)?
            .reshape(input.dims())?;
        let scaled = normal.broadcast_mul(inputs.tensor(1)?)?;
        match inputs.get(2) {
            Some(shift) => scaled.broadcast_add(shift),
            None => Ok(scaled),
        }
    }
}
