//! The fused steps of the networks.
//!
//! Those of the transformers take and give contiguous f32 tensors, are for inference only (no gradient), and have two
//! forms: on the CPU one pass over the values in vectors, elsewhere plain candle operations, with
//! which the tests compare the first. Those of graphs (convolution, functions of one number and of two,
//! the order of axes) are for the CPU, and work on slices.

mod attention;
mod block_product;
mod blocks;
mod broadcast;
mod cached_attention;
mod convolution;
mod cross_attention;
mod decoder_rows;
mod dense;
mod depthwise;
mod gelu;
mod gguf_weight;
mod lstm;
mod norm;
mod on_cpu;
mod packing;
mod padded;
mod permute;
mod residual;
mod tiles;
mod token_cache;
mod unary;
mod window;

pub(crate) use attention::attention;
pub(crate) use broadcast::{combine, stretched};
pub(crate) use cached_attention::{CacheView, cached_attention};
pub(crate) use convolution::{Convolution, Finish, Pictures, Weights};
pub(crate) use cross_attention::CrossCache;
pub(crate) use decoder_rows::{Pairing, RotaryEmbedding, grouped_attention, rms_norm, swiglu};
pub(crate) use dense::DenseWeight;
pub(crate) use gelu::bias_gelu;
pub(crate) use gguf_weight::GgufWeight;
pub(crate) use lstm::lstm;
pub(crate) use norm::{add_norm, norm};
#[cfg(test)]
pub(crate) use on_cpu::test;
pub(crate) use on_cpu::{softmax_rows, sum_of_exponentials, with_values};
pub(crate) use packing::Packing;
pub(crate) use permute::permute;
pub(crate) use residual::{add_bias, add_residual};
pub(crate) use token_cache::TokenCache;
pub(crate) use unary::Unary;
pub(crate) use window::{Margins, Window, spread_back};
