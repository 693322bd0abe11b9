//! The dimensions of a Whisper network, as `config.json` has them, and the tensors that follow from them.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::decoding::Decoding;
use super::special_tokens::SpecialTokens;
use crate::{ModelError, files};

/// No side of a tensor of the largest Whisper comes near it; products of three stay far below the end of `usize`.
const MAX_SIDE: usize = 1 << 20;
/// The largest Whisper has 32 layers on either side.
const MAX_LAYERS: usize = 256;

/// The dimensions of a Whisper network, by the names that `config.json` has for them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Dimensions {
    pub(super) vocab_size: usize,
    pub(super) num_mel_bins: usize,
    pub(super) d_model: usize,
    pub(super) encoder_layers: usize,
    pub(super) encoder_attention_heads: usize,
    pub(super) encoder_ffn_dim: usize,
    pub(super) decoder_layers: usize,
    pub(super) decoder_attention_heads: usize,
    pub(super) decoder_ffn_dim: usize,
    pub(super) max_source_positions: usize,
    pub(super) max_target_positions: usize,
}

/// One tensor of the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) shape: Vec<usize>,
}

impl Dimensions {
    /// Refuses dimensions that no Whisper network has.
    pub(super) fn check(&self, path: &Path) -> Result<(), ModelError> {
        let sides = [
            self.vocab_size,
            self.num_mel_bins,
            self.d_model,
            self.encoder_ffn_dim,
            self.decoder_ffn_dim,
            self.max_source_positions,
            self.max_target_positions,
        ];
        let layers = [self.encoder_layers, self.decoder_layers];
        let heads = [self.encoder_attention_heads, self.decoder_attention_heads];
        let sound = sides.iter().all(|side| (1..=MAX_SIDE).contains(side))
            && layers.iter().all(|count| (1..=MAX_LAYERS).contains(count))
            && heads
                .iter()
                .all(|&count| count > 0 && self.d_model.is_multiple_of(count));
        if sound {
            return Ok(());
        }
        Err(ModelError::Format {
            path: path.to_owned(),
            expected: "a Whisper network".to_owned(),
            found: format!("impossible dimensions: {self:?}"),
            advice: files::FETCH_AGAIN.to_owned(),
        })
    }

    /// The content of `config.json`.
    pub(super) fn config(&self, decoding: &Decoding, tokens: &SpecialTokens) -> Value {
        let mut config = json!({
            "architectures": ["WhisperForConditionalGeneration"],
            "model_type": "whisper",
            "activation_function": "gelu",
            "scale_embedding": false,
            "tie_word_embeddings": true,
            "median_filter_width": 7,
            "bos_token_id": tokens.end,
            "eos_token_id": tokens.end,
            "pad_token_id": tokens.end,
            "decoder_start_token_id": tokens.start,
            "begin_suppress_tokens": decoding.begin_suppress_tokens,
            "suppress_tokens": decoding.suppress_tokens,
        });
        if let (Value::Object(config), Ok(Value::Object(own))) =
            (&mut config, serde_json::to_value(self))
        {
            config.extend(own);
        }
        config
    }

    /// All tensors of the network, without the projection to the vocabulary, which is the embedding once more.
    pub(super) fn parameters(&self) -> Vec<Parameter> {
        let width = self.d_model;
        let mut all = Parameters(Vec::new());
        let encoder = "model.encoder";
        all.push(
            format!("{encoder}.conv1.weight"),
            &[width, self.num_mel_bins, 3],
        );
        all.push(format!("{encoder}.conv1.bias"), &[width]);
        all.push(format!("{encoder}.conv2.weight"), &[width, width, 3]);
        all.push(format!("{encoder}.conv2.bias"), &[width]);
        let positions = [self.max_source_positions, width];
        all.push(format!("{encoder}.embed_positions.weight"), &positions);
        for layer in 0..self.encoder_layers {
            let layer = format!("{encoder}.layers.{layer}");
            all.attention(&format!("{layer}.self_attn"), width);
            all.feed_forward(&layer, width, self.encoder_ffn_dim);
        }
        all.norm(&format!("{encoder}.layer_norm"), width);
        let decoder = "model.decoder";
        let vocabulary = [self.vocab_size, width];
        all.push(format!("{decoder}.embed_tokens.weight"), &vocabulary);
        let positions = [self.max_target_positions, width];
        all.push(format!("{decoder}.embed_positions.weight"), &positions);
        for layer in 0..self.decoder_layers {
            let layer = format!("{decoder}.layers.{layer}");
            all.attention(&format!("{layer}.self_attn"), width);
            all.attention(&format!("{layer}.encoder_attn"), width);
            all.feed_forward(&layer, width, self.decoder_ffn_dim);
        }
        all.norm(&format!("{decoder}.layer_norm"), width);
        all.0
    }
}

struct Parameters(Vec<Parameter>);

impl Parameters {
    fn push(&mut self, name: String, shape: &[usize]) {
        let shape = shape.to_vec();
        self.0.push(Parameter { name, shape });
    }

    fn linear(&mut self, name: &str, outputs: usize, inputs: usize) {
        self.push(format!("{name}.weight"), &[outputs, inputs]);
        self.push(format!("{name}.bias"), &[outputs]);
    }

    fn norm(&mut self, name: &str, width: usize) {
        self.push(format!("{name}.weight"), &[width]);
        self.push(format!("{name}.bias"), &[width]);
    }

    /// The four projections and the layer norm before them. That of the keys has no bias.
    fn attention(&mut self, name: &str, width: usize) {
        self.linear(&format!("{name}.q_proj"), width, width);
        self.push(format!("{name}.k_proj.weight"), &[width, width]);
        self.linear(&format!("{name}.v_proj"), width, width);
        self.linear(&format!("{name}.out_proj"), width, width);
        self.norm(&format!("{name}_layer_norm"), width);
    }

    fn feed_forward(&mut self, layer: &str, width: usize, inner: usize) {
        self.linear(&format!("{layer}.fc1"), inner, width);
        self.linear(&format!("{layer}.fc2"), width, inner);
        self.norm(&format!("{layer}.final_layer_norm"), width);
    }
}
