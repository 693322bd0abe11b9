//! A text as the ids of its tokens.

use tokenizers::{Tokenizer, TruncationParams};

use crate::ModelError;

/// The tokens of one text, with the special tokens of its model around them, cut off at the model's limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokens {
    ids: Vec<u32>,
}

impl Tokens {
    /// The ids in the vocabulary of the model.
    #[must_use]
    pub fn ids(&self) -> &[u32] {
        &self.ids
    }

    /// The number of tokens; what a text costs to encode grows with it.
    #[must_use]
    pub fn count(&self) -> usize {
        self.ids.len()
    }
}

/// Prepares a tokenizer: texts are cut off at `longest` tokens and never padded, whatever its file says.
pub(super) fn prepare(tokenizer: &mut Tokenizer, longest: usize) -> Result<(), tokenizers::Error> {
    tokenizer.with_padding(None);
    tokenizer.with_truncation(Some(TruncationParams {
        max_length: longest,
        ..TruncationParams::default()
    }))?;
    Ok(())
}

/// Cuts a text into tokens.
pub(super) fn tokenize(tokenizer: &Tokenizer, text: &str) -> Result<Tokens, ModelError> {
    let encoding = tokenizer
        .encode_fast(text, true)
        .map_err(|error| ModelError::Input {
            operation: "cut a text into tokens",
            expected: "a text that the tokenizer of the model takes".to_owned(),
            found: error.to_string(),
            advice: "shorten the text or remove unusual characters".to_owned(),
        })?;
    Ok(Tokens {
        ids: encoding.get_ids().to_vec(),
    })
}
