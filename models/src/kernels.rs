//! The fused steps of the transformer networks.
//!
//! Each takes and gives contiguous f32 tensors, is for inference only (no gradient), and has two
//! forms: on the CPU one pass over the values in vectors, elsewhere plain candle operations, with
//! which the tests compare the first.

mod attention;
mod block_product;
mod blocks;
mod cached_attention;
mod cross_attention;
mod decoder_rows;
mod dense;
mod gelu;
mod gguf_weight;
mod lstm;
mod norm;
mod on_cpu;
mod packing;
mod residual;
mod tiles;
mod token_cache;

pub(crate) use attention::attention;
pub(crate) use cached_attention::{CacheView, cached_attention};
pub(crate) use cross_attention::CrossCache;
pub(crate) use decoder_rows::{Pairing, RotaryEmbedding, grouped_attention, rms_norm, swiglu};
pub(crate) use dense::DenseWeight;
pub(crate) use gelu::bias_gelu;
pub(crate) use gguf_weight::GgufWeight;
pub(crate) use lstm::lstm;
pub(crate) use norm::{add_norm, norm};
pub(crate) use on_cpu::sum_of_exponentials;
#[cfg(test)]
pub(crate) use on_cpu::test;
pub(crate) use packing::Packing;
pub(crate) use residual::{add_bias, add_residual};
pub(crate) use token_cache::TokenCache;
