//! The fused steps of the transformer networks.
//!
//! Each takes and gives contiguous f32 tensors, is for inference only (no gradient), and has two forms: on the CPU one pass over the
//! values in vectors, elsewhere plain candle operations, with which the tests compare the first.

mod attention;
mod dense;
mod gelu;
mod lstm;
mod norm;
mod on_cpu;
mod packing;

pub(crate) use attention::attention;
pub(crate) use dense::DenseWeight;
pub(crate) use gelu::bias_gelu;
pub(crate) use lstm::lstm;
pub(crate) use norm::{NormWeights, add_norm};
pub(crate) use packing::Packing;
