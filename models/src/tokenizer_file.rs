//! Reading a `tokenizer.json`.

use std::panic;
use std::path::Path;

use serde::de::IgnoredAny;
use tokenizers::Tokenizer;

use crate::ModelError;
use crate::files;

/// Reads a `tokenizer.json` of at most `limit` bytes.
///
/// The library's reader panics at some damaged files instead of refusing them: where it expects the description of a decoder and finds something
/// that is no JSON, for one, which is looked for before. A panic of another kind is a refusal as well, since a worker that dies of it would be restarted
/// to die again.
///
/// # Errors
/// [`ModelError::Format`] if the file is no tokenizer or longer, [`ModelError::Io`] if it cannot be read.
pub(crate) fn read(path: &Path, limit: u64) -> Result<Tokenizer, ModelError> {
    let bytes = files::read(path, limit)?;
    let refuse = |found: String| ModelError::Format {
        path: path.to_owned(),
        expected: "a tokenizer".to_owned(),
        found,
        advice: files::FETCH_AGAIN.to_owned(),
    };
    serde_json::from_slice::<IgnoredAny>(&bytes).map_err(|error| refuse(error.to_string()))?;
    // Nothing of ours is shared with the closure, and what the library had built is dropped.
    panic::catch_unwind(|| Tokenizer::from_bytes(&bytes))
        .map_err(|_| refuse("values that contradict each other".to_owned()))?
        .map_err(|error| refuse(error.to_string()))
}
