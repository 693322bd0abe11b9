//! Sentence models: a text in, one vector of length 1 out, such that texts of like meaning have like vectors.
//!
//! The network is a BERT encoder; the vectors of a text's tokens are averaged (or the first is taken, where the
//! checkpoint says so) and scaled to length 1. English models such as MiniLM and multilingual ones with another
//! tokenizer load the same way.
//!
//! Source: Reimers and Gurevych, "Sentence-BERT: Sentence Embeddings using Siamese BERT-Networks", 2019.

mod encoder;
mod folder;
mod tokens;
mod weights;

pub use encoder::SentenceEncoder;
pub use tokens::Tokens;
pub use weights::SentenceEncoderWeights;
