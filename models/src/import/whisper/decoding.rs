//! How transcripts are decoded: the content of `generation_config.json`.

use serde_json::{Value, json};

use super::dimensions::Dimensions;
use super::special_tokens::SpecialTokens;

/// The size of the vocabulary of the models that know only English; all others know languages and tasks.
const ENGLISH_VOCABULARY: usize = 51_864;

/// What a model's makers found out about decoding with it.
#[derive(Debug, Default)]
pub(super) struct Decoding {
    /// Pairs of decoder layer and head whose attention follows the audio, for word times.
    pub(super) alignment_heads: Option<Vec<[usize; 2]>>,
    /// Tokens that never are the answer.
    pub(super) suppress_tokens: Option<Vec<i64>>,
    /// Tokens that are not the first answer.
    pub(super) begin_suppress_tokens: Option<Vec<i64>>,
}

impl Decoding {
    /// The content of `generation_config.json`.
    pub(super) fn config(&self, dimensions: &Dimensions, tokens: &SpecialTokens) -> Value {
        let multilingual = dimensions.vocab_size != ENGLISH_VOCABULARY;
        let mut config = json!({
            "begin_suppress_tokens": self.begin_suppress_tokens,
            "bos_token_id": tokens.end,
            "decoder_start_token_id": tokens.start,
            "eos_token_id": tokens.end,
            "is_multilingual": multilingual,
            "max_initial_timestamp_index": 50,
            "max_length": dimensions.max_target_positions,
            "no_timestamps_token_id": tokens.no_timestamps,
            "pad_token_id": tokens.end,
            "prev_sot_token_id": tokens.previous,
            "return_timestamps": false,
            "suppress_tokens": self.suppress_tokens,
        });
        if let Some(heads) = &self.alignment_heads {
            config["alignment_heads"] = json!(heads);
        }
        if multilingual {
            config["lang_to_id"] = json!(tokens.languages);
            config["task_to_id"] =
                json!({"transcribe": tokens.transcribe, "translate": tokens.translate});
        }
        config
    }

    /// Whether each alignment head is one of the network's.
    pub(super) fn fits(&self, dimensions: &Dimensions) -> bool {
        let known = |[layer, head]: &[usize; 2]| {
            *layer < dimensions.decoder_layers && *head < dimensions.decoder_attention_heads
        };
        self.alignment_heads.iter().flatten().all(known)
    }
}
