//! The parts of a Whisper checkpoint's `config.json` and `generation_config.json` that decide how it works.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Deserializer};

use crate::ModelError;
use crate::files;

const FILE_LIMIT: u64 = 4 << 20;

/// The sizes of a Whisper network, named as in `config.json`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct WhisperConfig {
    /// The architecture; only `whisper` is read here.
    pub model_type: String,
    /// Number of token ids.
    pub vocab_size: usize,
    /// Rows of the spectrogram: 80, or 128 since large-v3.
    pub num_mel_bins: usize,
    /// Width of the vector of a position.
    pub d_model: usize,
    /// Layers of the encoder.
    pub encoder_layers: usize,
    /// Attention heads of the encoder; divides `d_model`.
    pub encoder_attention_heads: usize,
    /// Width between the two dense steps of a layer of the encoder.
    pub encoder_ffn_dim: usize,
    /// Layers of the decoder.
    pub decoder_layers: usize,
    /// Attention heads of the decoder; divides `d_model`.
    pub decoder_attention_heads: usize,
    /// Width between the two dense steps of a layer of the decoder.
    pub decoder_ffn_dim: usize,
    /// The most positions of the encoder: 1500, for 30 seconds.
    pub max_source_positions: usize,
    /// The most tokens of the decoder.
    pub max_target_positions: usize,
}

impl WhisperConfig {
    /// Reads and checks a `config.json`.
    ///
    /// # Errors
    /// [`ModelError::Format`] if the file describes another architecture, or sizes that cannot be.
    pub fn read(path: &Path) -> Result<Self, ModelError> {
        let config: Self = files::read_json(path, FILE_LIMIT)?;
        let Some((expected, found)) = config.fault() else {
            return Ok(config);
        };
        Err(ModelError::Format {
            path: path.to_path_buf(),
            expected: format!("the configuration of a Whisper network with {expected}"),
            found,
            advice: "choose a model of the family `whisper`, such as `whisper-base`".to_owned(),
        })
    }

    /// The first rule that the configuration breaks, and what it says instead.
    fn fault(&self) -> Option<(String, String)> {
        if self.model_type != "whisper" {
            let found = format!("\"{}\"", self.model_type);
            return Some(("`model_type` = \"whisper\"".to_owned(), found));
        }
        // Wide enough for every Whisper that was published, small enough that no product of two sizes overflows.
        let sizes = [
            ("vocab_size", self.vocab_size, 1 << 20),
            ("num_mel_bins", self.num_mel_bins, 512),
            ("d_model", self.d_model, 16_384),
            ("encoder_layers", self.encoder_layers, 256),
            ("encoder_attention_heads", self.encoder_attention_heads, 256),
            ("encoder_ffn_dim", self.encoder_ffn_dim, 65_536),
            ("decoder_layers", self.decoder_layers, 256),
            ("decoder_attention_heads", self.decoder_attention_heads, 256),
            ("decoder_ffn_dim", self.decoder_ffn_dim, 65_536),
            ("max_source_positions", self.max_source_positions, 8192),
            ("max_target_positions", self.max_target_positions, 8192),
        ];
        for (key, found, limit) in sizes {
            if found == 0 || found > limit {
                return Some((format!("`{key}` from 1 to {limit}"), found.to_string()));
            }
        }
        for (key, heads) in [
            ("encoder_attention_heads", self.encoder_attention_heads),
            ("decoder_attention_heads", self.decoder_attention_heads),
        ] {
            if !self.d_model.is_multiple_of(heads) {
                return Some((
                    format!("`{key}` that divides `d_model`"),
                    format!("{heads} heads for {}", self.d_model),
                ));
            }
        }
        None
    }
}

/// What a checkpoint says about decoding, named as in `generation_config.json`.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct GenerationConfig {
    /// Layer and head of the cross-attention heads that follow the audio in time.
    #[serde(deserialize_with = "or_nothing")]
    pub alignment_heads: Vec<(usize, usize)>,
    /// Tokens that are never said.
    #[serde(deserialize_with = "or_nothing")]
    pub suppress_tokens: Vec<u32>,
    /// Tokens that are never said first.
    #[serde(deserialize_with = "or_nothing")]
    pub begin_suppress_tokens: Vec<u32>,
    /// The token of each language, such as `<|en|>`.
    #[serde(deserialize_with = "or_nothing")]
    pub lang_to_id: BTreeMap<String, u32>,
    /// Whether it knows more than English.
    pub is_multilingual: Option<bool>,
}

/// `null` is what some programs write, and our importers too, where a checkpoint says nothing.
fn or_nothing<'de, D, T>(value: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(value)?.unwrap_or_default())
}

impl GenerationConfig {
    /// Reads a `generation_config.json`; without one, everything is left to the defaults.
    ///
    /// # Errors
    /// [`ModelError::Format`] if the file is there and no such configuration.
    pub fn read(path: &Path) -> Result<Self, ModelError> {
        Ok(files::read_optional_json(path, FILE_LIMIT)?.unwrap_or_default())
    }

    /// The alignment heads that the network has; all heads of the upper half of the layers where the checkpoint names none, as the reference code does.
    #[must_use]
    pub fn alignment_heads(&self, config: &WhisperConfig) -> Vec<(usize, usize)> {
        let (layers, heads) = (config.decoder_layers, config.decoder_attention_heads);
        let known: Vec<_> = self
            .alignment_heads
            .iter()
            .copied()
            .filter(|(layer, head)| *layer < layers && *head < heads)
            .collect();
        if !known.is_empty() {
            return known;
        }
        let upper = layers / 2..layers;
        upper
            .flat_map(|layer| (0..heads).map(move |head| (layer, head)))
            .collect()
    }
}
