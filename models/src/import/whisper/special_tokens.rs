//! Whisper's special tokens, as `tokenizer.json` has them.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::{ModelError, files};

/// A Whisper tokenizer takes about 2 MB.
const TOKENIZER_LIMIT: u64 = 64 << 20;

/// The numbers of the tokens that steer a transcription.
#[derive(Debug)]
pub(super) struct SpecialTokens {
    pub(super) end: u32,
    pub(super) start: u32,
    pub(super) translate: u32,
    pub(super) transcribe: u32,
    pub(super) previous: u32,
    pub(super) no_timestamps: u32,
    /// Languages by their token, such as `<|en|>`.
    pub(super) languages: BTreeMap<String, u32>,
}

#[derive(Deserialize)]
struct TokenizerFile {
    added_tokens: Vec<AddedToken>,
}

#[derive(Deserialize)]
struct AddedToken {
    id: u32,
    content: String,
}

impl SpecialTokens {
    pub(super) fn read(path: &Path) -> Result<Self, ModelError> {
        let file: TokenizerFile = files::read_json(path, TOKENIZER_LIMIT)?;
        let added = file.added_tokens.into_iter();
        let numbers: BTreeMap<String, u32> = added.map(|token| (token.content, token.id)).collect();
        let number = |name: &str| {
            let token = format!("<|{name}|>");
            numbers
                .get(&token)
                .copied()
                .ok_or_else(|| ModelError::Format {
                    path: path.to_owned(),
                    expected: "the tokenizer of a Whisper model".to_owned(),
                    found: format!("no token `{token}`"),
                    advice: files::FETCH_AGAIN.to_owned(),
                })
        };
        let (start, translate) = (number("startoftranscript")?, number("translate")?);
        let transcribe = number("transcribe")?;
        // The languages stand between the start of a transcript and the tasks.
        let first_task = translate.min(transcribe);
        let languages = numbers
            .iter()
            .filter(|(_, number)| (start..first_task).contains(number) && **number != start);
        Ok(Self {
            end: number("endoftext")?,
            start,
            translate,
            transcribe,
            previous: number("startofprev")?,
            no_timestamps: number("notimestamps")?,
            languages: languages
                .map(|(name, number)| (name.clone(), *number))
                .collect(),
        })
    }
}
