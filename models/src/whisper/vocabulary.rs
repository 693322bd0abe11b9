//! The tokens that Whisper says: pieces of text, times, languages and tasks.

use std::path::Path;

use tokenizers::Tokenizer;

use super::{GenerationConfig, TIMESTAMP_SECONDS};
use crate::ModelError;
use crate::files;
use crate::tokenizer_file;

const FILE_LIMIT: u64 = 64 << 20;

/// A tokenizer, with the tokens that have a meaning of their own.
#[derive(Debug)]
pub struct Vocabulary {
    tokenizer: Tokenizer,
    special: SpecialTokens,
}

/// Tokens that are no text.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SpecialTokens {
    /// Ends a transcript.
    pub end_of_text: u32,
    /// Begins one.
    pub start_of_transcript: u32,
    /// Begins what was said before.
    pub start_of_previous: u32,
    /// What was heard is to be written down as it was said.
    pub transcribe: u32,
    /// What was heard is to be written down in English.
    pub translate: u32,
    /// Nobody speaks.
    pub no_speech: u32,
    /// There will be no times.
    pub no_timestamps: u32,
    /// The time 0.00; those that follow are 0.02 seconds apart.
    pub first_timestamp: u32,
    /// The token of each language, by its ISO 639 code. None in a model that knows English only.
    pub languages: Vec<(String, u32)>,
}

impl Vocabulary {
    /// Reads a `tokenizer.json`.
    ///
    /// # Errors
    /// [`ModelError::Format`] if the file is none, or lacks a token that Whisper has.
    pub fn read(
        path: &Path,
        vocab_size: usize,
        generation: &GenerationConfig,
    ) -> Result<Self, ModelError> {
        let tokenizer = tokenizer_file::read(path, FILE_LIMIT)?;
        let refuse = |expected: &str, found: String| ModelError::Format {
            path: path.to_owned(),
            expected: expected.to_owned(),
            found,
            advice: files::FETCH_AGAIN.to_owned(),
        };
        let find = |names: &[&str]| {
            let expected = format!("a tokenizer of Whisper with the token `{}`", names[0]);
            let id = names.iter().find_map(|name| tokenizer.token_to_id(name));
            let id = id.ok_or_else(|| refuse(&expected, "none of that name".to_owned()))?;
            // The checkpoint's tensors decide how many tokens there are, and no id may lie beyond them.
            match (id as usize) < vocab_size {
                true => Ok(id),
                false => Err(refuse(
                    &format!("{expected} below the `vocab_size` {vocab_size}"),
                    format!("it at {id}"),
                )),
            }
        };
        let no_timestamps = find(&["<|notimestamps|>"])?;
        let transcribe = find(&["<|transcribe|>"])?;
        let start_of_transcript = find(&["<|startoftranscript|>"])?;
        let multilingual = generation.is_multilingual.unwrap_or(vocab_size >= 51_865);
        let languages = match multilingual {
            true => languages(&tokenizer, start_of_transcript, transcribe),
            false => Vec::new(),
        };
        let special = SpecialTokens {
            end_of_text: find(&["<|endoftext|>"])?,
            start_of_transcript,
            start_of_previous: find(&["<|startofprev|>"])?,
            transcribe,
            translate: find(&["<|translate|>"])?,
            no_speech: find(&["<|nospeech|>", "<|nocaptions|>"])?,
            no_timestamps,
            first_timestamp: no_timestamps + 1,
            languages,
        };
        Ok(Self { tokenizer, special })
    }

    /// The tokens that are no text.
    #[must_use]
    pub fn special(&self) -> &SpecialTokens {
        &self.special
    }

    /// The tokens of a text.
    ///
    /// # Errors
    /// [`ModelError::Input`] if the tokenizer refuses it.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, ModelError> {
        let encoding = self.tokenizer.encode(text, false);
        let encoding = encoding.map_err(|error| ModelError::Input {
            operation: "read a prompt",
            expected: "a text".to_owned(),
            found: error.to_string(),
            advice: "use another prompt".to_owned(),
        })?;
        let text = encoding.get_ids().iter().copied();
        // A prompt must not smuggle in a task or a time.
        Ok(text.filter(|id| self.is_text(*id)).collect())
    }

    /// The text of tokens; those that are no text are left out. Bytes that are no whole letter become `U+FFFD`.
    #[must_use]
    pub fn decode(&self, tokens: &[u32]) -> String {
        let text: Vec<u32> = tokens
            .iter()
            .copied()
            .filter(|id| self.is_text(*id))
            .collect();
        // It fails for tokens without a name only, and those are not text.
        self.tokenizer.decode(&text, true).unwrap_or_default()
    }

    /// Whether a token is a piece of text.
    #[must_use]
    pub fn is_text(&self, token: u32) -> bool {
        token < self.special.end_of_text
    }

    /// The seconds that a token says; none if it is no time.
    #[must_use]
    pub fn seconds(&self, token: u32) -> Option<f64> {
        let steps = token.checked_sub(self.special.first_timestamp)?;
        Some(f64::from(steps) * TIMESTAMP_SECONDS)
    }

    /// The token of a language, by its code.
    #[must_use]
    pub fn language(&self, code: &str) -> Option<u32> {
        let mut languages = self.special.languages.iter();
        languages
            .find(|(known, _)| known == code)
            .map(|(_, id)| *id)
    }

    /// The code of a language, by its token.
    #[must_use]
    pub fn language_of(&self, token: Option<u32>) -> Option<&str> {
        let mut languages = self.special.languages.iter();
        let (code, _) = languages.find(|(_, id)| Some(*id) == token)?;
        Some(code)
    }
}

/// The tokens `<|xx|>` that stand between the start of a transcript and its task.
fn languages(tokenizer: &Tokenizer, start: u32, transcribe: u32) -> Vec<(String, u32)> {
    let between = start.min(transcribe) + 1..start.max(transcribe);
    let languages = between.filter_map(|id| {
        let name = tokenizer.id_to_token(id)?;
        let code = name.strip_prefix("<|")?.strip_suffix("|>")?;
        let is_code = (2..=3).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_lowercase());
        is_code.then(|| (code.to_owned(), id))
    });
    languages.collect()
}
