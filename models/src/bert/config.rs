//! The part of a BERT checkpoint's `config.json` that decides the shape of the network.

use std::path::Path;

use serde::Deserialize;

use crate::ModelError;
use crate::files;

const FILE_LIMIT: u64 = 1 << 20;

/// The sizes of a BERT network, named as in `config.json`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct BertConfig {
    /// The architecture; only `bert` is read here.
    pub model_type: String,
    /// Number of token ids.
    pub vocab_size: usize,
    /// Width of the vector of a token.
    pub hidden_size: usize,
    /// Number of layers.
    pub num_hidden_layers: usize,
    /// Number of attention heads; divides `hidden_size`.
    pub num_attention_heads: usize,
    /// Width between the two dense steps of a layer.
    pub intermediate_size: usize,
    /// The activation between them; only `gelu` is read here.
    pub hidden_act: String,
    /// The longest sequence, in tokens.
    pub max_position_embeddings: usize,
    /// Number of sentence types; type 0 is used for every token.
    pub type_vocab_size: usize,
    /// What layer normalization adds to the variance.
    pub layer_norm_eps: f64,
    /// How positions enter; only `absolute`, the default, is read here.
    #[serde(default = "absolute")]
    pub position_embedding_type: String,
}

fn absolute() -> String {
    "absolute".to_owned()
}

impl BertConfig {
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
            expected: format!("the configuration of a BERT encoder with {expected}"),
            found,
            advice: "choose a sentence model of the BERT architecture, such as `minilm`".to_owned(),
        })
    }

    /// The first rule that the configuration breaks, and what it says instead.
    fn fault(&self) -> Option<(String, String)> {
        let words = [
            ("model_type", &self.model_type, "bert"),
            ("hidden_act", &self.hidden_act, "gelu"),
            (
                "position_embedding_type",
                &self.position_embedding_type,
                "absolute",
            ),
        ];
        for (key, found, expected) in words {
            if found != expected {
                return Some((format!("`{key}` = \"{expected}\""), format!("\"{found}\"")));
            }
        }
        // Wide enough for every BERT that was published, small enough that no product of two sizes
        // overflows.
        let sizes = [
            ("vocab_size", self.vocab_size, 4_000_000),
            ("hidden_size", self.hidden_size, 16_384),
            ("num_hidden_layers", self.num_hidden_layers, 256),
            ("num_attention_heads", self.num_attention_heads, 256),
            ("intermediate_size", self.intermediate_size, 65_536),
            (
                "max_position_embeddings",
                self.max_position_embeddings,
                131_072,
            ),
            ("type_vocab_size", self.type_vocab_size, 1024),
        ];
        for (key, found, limit) in sizes {
            if found == 0 || found > limit {
                return Some((format!("`{key}` from 1 to {limit}"), found.to_string()));
            }
        }
        if !self.hidden_size.is_multiple_of(self.num_attention_heads) {
            return Some((
                "`num_attention_heads` that divides `hidden_size`".to_owned(),
                format!(
                    "{} heads for {}",
                    self.num_attention_heads, self.hidden_size
                ),
            ));
        }
        if !(self.layer_norm_eps > 0.0 && self.layer_norm_eps < 1.0) {
            return Some((
                "`layer_norm_eps` between 0 and 1".to_owned(),
                self.layer_norm_eps.to_string(),
            ));
        }
        None
    }
}
