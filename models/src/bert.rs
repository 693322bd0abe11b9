//! BERT as an encoder: token ids in, one vector per token out.
//!
//! Sequences are *packed*: the tokens of a batch lie one after the other in one tensor `[tokens, hidden]`, without
//! padding. Every step except attention treats tokens one by one, so nothing is spent on padding, and attention runs
//! sequence by sequence, so it needs no mask. The result is that of a padded batch with a mask.
//!
//! The network is for inference: its fused steps have no gradient, and its weights are plain tensors.
//!
//! Source: Devlin et al., "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding", 2019.

mod config;
mod layer;
mod network;

pub use config::BertConfig;
pub use network::Bert;
