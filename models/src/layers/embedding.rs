//! Embeddings: rows of a table by their numbers.

use candle_core::{Result as CandleResult, Tensor};

use super::Checkpoint;
use crate::ModelError;
use crate::kernels::DenseWeight;
use crate::weights::tensor_bytes;

/// A table of vectors.
#[derive(Debug)]
pub(crate) struct Embedding {
    /// `[count, width]`
    table: Tensor,
}

/// An embedding of tokens that is the last layer as well: its product gives their logits.
#[derive(Debug)]
pub(crate) struct TiedEmbedding {
    weight: DenseWeight,
}

impl Embedding {
    /// Reads `weight` `[count, width]`.
    pub(crate) fn read(
        checkpoint: &Checkpoint,
        count: usize,
        width: usize,
    ) -> Result<Self, ModelError> {
        let table = checkpoint.tensor("weight", &[count, width])?;
        Ok(Self { table })
    }

    /// Adds the first vector of `other` to each of its own.
    pub(crate) fn plus_first(self, other: &Self) -> Result<Self, ModelError> {
        let first = other.table.narrow(0, 0, 1);
        let table = first.and_then(|first| self.table.broadcast_add(&first));
        let table = table.map_err(ModelError::compute("join embeddings"))?;
        Ok(Self { table })
    }

    /// The vectors of these numbers: `[ids, width]`.
    pub(crate) fn forward(&self, ids: Vec<u32>) -> CandleResult<Tensor> {
        let count = ids.len();
        let ids = Tensor::from_vec(ids, count, self.table.device())?;
        self.table.index_select(&ids, 0)
    }

    /// The first vectors: `[count, width]`.
    pub(crate) fn first(&self, count: usize) -> CandleResult<Tensor> {
        self.table.narrow(0, 0, count)
    }

    /// How many vectors there are.
    pub(crate) fn count(&self) -> usize {
        self.table.dim(0).unwrap_or(0)
    }

    /// The bytes that it takes on the device.
    pub(crate) fn bytes(&self) -> usize {
        tensor_bytes(&self.table)
    }
}

impl TiedEmbedding {
    /// Reads `weight` `[count, width]`.
    pub(crate) fn read(
        checkpoint: &Checkpoint,
        count: usize,
        width: usize,
    ) -> Result<Self, ModelError> {
        let weight = checkpoint.tensor("weight", &[count, width])?;
        Ok(Self {
            weight: checkpoint.lay_out(&weight)?,
        })
    }

    /// The vectors of these tokens: `[ids, width]`.
    pub(crate) fn forward(&self, ids: &[u32]) -> CandleResult<Tensor> {
        self.weight.rows(ids)
    }

    /// The logits of all tokens: `[rows, width]` to `[rows, count]`.
    pub(crate) fn logits(&self, hidden: &Tensor) -> CandleResult<Tensor> {
        self.weight.product(hidden)
    }

    /// The bytes that it takes on the device.
    pub(crate) fn bytes(&self) -> usize {
        self.weight.bytes()
    }
}
