//! The files of a sentence model: what they are called, and what they say about pooling and length.

use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tokenizers::Tokenizer;

use crate::ModelError;
use crate::bert::BertConfig;
use crate::files;
use crate::tokenizer_file;

const SMALL_FILE: u64 = 1 << 20;
/// Multilingual tokenizers take about 17 MB.
const TOKENIZER_LIMIT: u64 = 256 << 20;

/// How the vectors of a text's tokens become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pooling {
    Mean,
    First,
}

/// A folder that holds a sentence model.
pub(super) struct SentenceFolder<'a> {
    folder: &'a Path,
}

#[derive(Deserialize)]
struct SentenceFile {
    max_seq_length: Option<usize>,
}

#[derive(Deserialize)]
struct PoolingFile {
    #[serde(default)]
    pooling_mode_cls_token: bool,
    #[serde(default)]
    pooling_mode_mean_tokens: bool,
    #[serde(default)]
    pooling_mode_max_tokens: bool,
    #[serde(default)]
    pooling_mode_mean_sqrt_len_tokens: bool,
    #[serde(default)]
    pooling_mode_weightedmean_tokens: bool,
    #[serde(default)]
    pooling_mode_lasttoken: bool,
}

impl<'a> SentenceFolder<'a> {
    /// The files that decide a model's answers; all but the first three may be absent.
    const FILES: [&'static str; 5] = [
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "sentence_bert_config.json",
        "1_Pooling/config.json",
    ];

    pub(super) fn new(folder: &'a Path) -> Self {
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(super) fn weights(&self) -> PathBuf {
        self.path("model.safetensors")
    }

    pub(super) fn config(&self) -> Result<BertConfig, ModelError> {
        BertConfig::read(&self.path("config.json"))
    }

    /// The longest text in tokens: what the sentence model was trained with, at most what the network can take.
    pub(super) fn longest(&self, config: &BertConfig) -> Result<usize, ModelError> {
        let path = self.path("sentence_bert_config.json");
        let file: Option<SentenceFile> = files::read_optional_json(&path, SMALL_FILE)?;
        let network = config.max_position_embeddings;
        let longest = file
            .and_then(|file| file.max_seq_length)
            .unwrap_or(network)
            .min(network);
        // Two special tokens and one of the text are the least that makes sense.
        if longest < 3 {
            return Err(ModelError::Format {
                path,
                expected:
                    "the configuration of a sentence model with `max_seq_length` of at least 3"
                        .to_owned(),
                found: longest.to_string(),
                advice: files::FETCH_AGAIN.to_owned(),
            });
        }
        Ok(longest)
    }

    pub(super) fn pooling(&self) -> Result<Pooling, ModelError> {
        let path = self.path("1_Pooling/config.json");
        let Some(file) = files::read_optional_json::<PoolingFile>(&path, SMALL_FILE)? else {
            return Ok(Pooling::Mean);
        };
        let others = file.pooling_mode_max_tokens
            || file.pooling_mode_mean_sqrt_len_tokens
            || file.pooling_mode_weightedmean_tokens
            || file.pooling_mode_lasttoken;
        match (
            file.pooling_mode_mean_tokens,
            file.pooling_mode_cls_token,
            others,
        ) {
            (true, false, false) => Ok(Pooling::Mean),
            (false, true, false) => Ok(Pooling::First),
            _ => Err(ModelError::Format {
                path,
                expected: "the configuration of pooling by the mean or by the first token"
                    .to_owned(),
                found: "another way, or several".to_owned(),
                advice: "choose a sentence model that pools so, such as `minilm`".to_owned(),
            }),
        }
    }

    pub(super) fn tokenizer(&self) -> Result<Tokenizer, ModelError> {
        tokenizer_file::read(&self.path("tokenizer.json"), TOKENIZER_LIMIT)
    }

    /// An id of the model's content, 32 hexadecimal digits of a BLAKE3 over its files: what was computed with one
    /// version must not be compared with what was computed with another.
    pub(super) fn version(&self) -> Result<String, ModelError> {
        let mut version = blake3::Hasher::new();
        for name in Self::FILES {
            let path = self.path(name);
            if !path.exists() {
                continue;
            }
            version.update(name.as_bytes());
            version.update(hash(&path)?.as_bytes());
        }
        Ok(hex(&version.finalize().as_bytes()[..16]))
    }
}

/// The BLAKE3 of a file of any length: with vectors it keeps up with reading, which SHA-256 does not.
fn hash(path: &Path) -> Result<blake3::Hash, ModelError> {
    let (file, length) = files::open(path)?;
    let mut file = file.take(length);
    let mut hash = blake3::Hasher::new();
    let mut chunk = vec![0; 256 << 10];
    loop {
        let count = file
            .read(&mut chunk)
            .map_err(|source| files::unreadable(path, source))?;
        if count == 0 {
            return Ok(hash.finalize());
        }
        hash.update(&chunk[..count]);
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
