//! Language models of the Llama family: reading texts, and writing on.
//!
//! Source of the network: Touvron et al., "LLaMA: Open and Efficient Foundation Language Models",
//! 2023. It reads GGUF files, with their vocabulary and chat template, and keeps weights in the few
//! bits that they have there: Llama 2 to 3.2, SmolLM2, Mistral and others of the architecture
//! `llama`, and Qwen2 and Qwen2.5 (`qwen2`).
//!
//! What a text's tokens left behind lies outside the network, in a [`KvCache`] for each sequence; a
//! [`CachePool`] keeps them from call to call. All sequences take each step together
//! ([`Generation`]), and each comes out as it does alone, bit by bit: on the processor, by our own
//! kernels. Other devices compute in candle's operations, where that holds up to rounding.

mod cache;
mod chat;
mod config;
mod constraint;
mod generation;
mod layer;
mod network;
mod on_device;
mod options;
mod pool;
mod reader;
mod sampler;
mod sequence;
mod text;
mod vocabulary;
mod weights;

pub use cache::KvCache;
pub use chat::{ChatTemplate, Message, Role};
pub use config::LlamaConfig;
pub use constraint::Constraint;
pub use generation::{Generation, MAX_STEP_TOKENS, Progress};
pub use network::{Feed, Wanted};
pub use options::{FinishReason, Generated, GenerationOptions, TokenLogprob};
pub use pool::{CachePool, PrefixCache};
pub use vocabulary::{Encoding, Vocabulary};
pub use weights::LlamaWeights;
