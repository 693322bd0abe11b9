//! The fused steps of the transformer networks.
//!
//! Each takes and gives contiguous f32 tensors, is for inference only (no gradient), and has a plain form in candle
//! operations which serves every device but the CPU, and which the tests compare the fused form with.

mod attention;
mod gelu;
mod norm;
mod packing;

pub(crate) use attention::attention;
pub(crate) use gelu::bias_gelu;
pub(crate) use norm::add_norm;
pub(crate) use packing::Packing;
