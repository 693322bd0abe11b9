//! Squares of pixels that become channels, and back.

use candle_core::{DType, Result, Tensor, bail};

use crate::graph::outline::{Arguments, Inputs, Outline};

/// The side of a square, and how the channels of its pixels follow each other.
#[derive(Debug, Clone, Copy)]
pub(in crate::graph) struct Block {
    pub(in crate::graph) side: usize,
    pub(in crate::graph) order: BlockOrder,
}

/// What follows what: the channels of one pixel, or the pixels of one channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::graph) enum BlockOrder {
    /// The first channels are those of the first pixel: ONNX's `DCR`, and TensorFlow.
    DepthFirst,
    /// ONNX's `CRD`, as PyTorch's pixel shuffle.
    ChannelFirst,
}

impl Block {
    fn area(self) -> Result<usize> {
        match self.side.checked_mul(self.side) {
            Some(area) if area > 0 => Ok(area),
            _ => bail!(
                "a block of at least one pixel was expected, got {}",
                self.side
            ),
        }
    }

    fn sides(input: &Outline) -> Result<Option<[Option<usize>; 4]>> {
        match input.sides.as_deref() {
            Some([count, channels, rows, columns]) => {
                Ok(Some([*count, *channels, *rows, *columns]))
            }
            Some(sides) => bail!("an input of 4 sides was expected, got {sides:?}"),
            None => Ok(None),
        }
    }

    pub(in crate::graph) fn infer_to_space(self, inputs: Inputs<'_>) -> Result<Outline> {
        let (input, area) = (inputs.typed(0, DType::F32)?, self.area()?);
        let Some([count, channels, rows, columns]) = Self::sides(input)? else {
            return Ok(Outline::unknown(DType::F32));
        };
        if channels.is_some_and(|channels| !channels.is_multiple_of(area)) {
            bail!("channels in blocks of {area} were expected, got {channels:?}");
        }
        let grown = |side: Option<usize>| side.and_then(|side| side.checked_mul(self.side));
        let channels = channels.map(|channels| channels / area);
        Ok(Outline::new(
            DType::F32,
            vec![count, channels, grown(rows), grown(columns)],
        ))
    }

    pub(in crate::graph) fn infer_to_depth(self, inputs: Inputs<'_>) -> Result<Outline> {
        let (input, area) = (inputs.typed(0, DType::F32)?, self.area()?);
        let Some([count, channels, rows, columns]) = Self::sides(input)? else {
            return Ok(Outline::unknown(DType::F32));
        };
        for side in [rows, columns].into_iter().flatten() {
            if !side.is_multiple_of(self.side) {
                bail!("sides in blocks of {} were expected, got {side}", self.side);
            }
        }
        let channels = channels.and_then(|channels| channels.checked_mul(area));
        let part = |side: Option<usize>| side.map(|side| side / self.side);
        Ok(Outline::new(
            DType::F32,
            vec![count, channels, part(rows), part(columns)],
        ))
    }

    pub(in crate::graph) fn to_space(self, inputs: Arguments<'_>) -> Result<Tensor> {
        let input = inputs.tensor(0)?;
        let (count, channels, rows, columns) = input.dims4()?;
        let (side, channels) = (self.side, channels / self.area()?);
        let (sides, order) = match self.order {
            BlockOrder::DepthFirst => (
                [count, side, side, channels, rows, columns],
                [0, 3, 4, 1, 5, 2],
            ),
            BlockOrder::ChannelFirst => (
                [count, channels, side, side, rows, columns],
                [0, 1, 4, 2, 5, 3],
            ),
        };
        let turned = super::arrange::transpose(&input.reshape(&sides[..])?, &order)?;
        turned.reshape((count, channels, rows * side, columns * side))
    }

    pub(in crate::graph) fn to_depth(self, inputs: Arguments<'_>) -> Result<Tensor> {
        let input = inputs.tensor(0)?;
        let (count, channels, rows, columns) = input.dims4()?;
        let (side, area) = (self.side, self.area()?);
        let (rows, columns) = (rows / side, columns / side);
        let input = input.reshape(&[count, channels, rows, side, columns, side][..])?;
        let turned = super::arrange::transpose(&input, &[0, 3, 5, 1, 2, 4])?;
        turned.reshape((count, channels * area, rows, columns))
    }
}
