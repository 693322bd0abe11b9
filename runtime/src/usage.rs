//! What a task used of a model that reads and writes tokens.

use serde::Serialize;

/// What a task used of a model that reads and writes tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// Tokens that the model read.
    pub input_tokens: u64,
    /// Tokens that the model wrote.
    pub output_tokens: u64,
}
