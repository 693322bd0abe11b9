//! The shapes of the networks, from the files of the models that they are named after, and folders of random weights in these shapes.

use std::error::Error;
use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::gguf::{self, Kind};
use crate::onnx;
use crate::tensors::Tensors;

/// A BERT encoder.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Encoder {
    pub(crate) vocabulary: usize,
    pub(crate) hidden: usize,
    pub(crate) layers: usize,
    pub(crate) heads: usize,
    pub(crate) inner: usize,
    pub(crate) positions: usize,
}

/// A Whisper network.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Speech {
    pub(crate) mels: usize,
    pub(crate) hidden: usize,
    pub(crate) layers: usize,
    pub(crate) heads: usize,
    pub(crate) positions: usize,
}

/// A network of the Llama family.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Language {
    pub(crate) architecture: &'static str,
    pub(crate) vocabulary: usize,
    pub(crate) hidden: usize,
    pub(crate) layers: usize,
    pub(crate) heads: usize,
    pub(crate) kv_heads: usize,
    pub(crate) inner: usize,
    pub(crate) context: usize,
    pub(crate) rope_base: f32,
    pub(crate) epsilon: f32,
}

/// The shapes that are checked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shapes {
    pub(crate) minilm: Encoder,
    pub(crate) whisper: Speech,
    pub(crate) smollm2: Language,
    pub(crate) qwen2: Language,
    /// Samples that Whisper hears: half a minute at most.
    pub(crate) samples: usize,
}

/// `config.json` of all-MiniLM-L6-v2 and whisper-base, the headers of SmolLM2-135M-Instruct and Qwen2.5-0.5B-Instruct in GGUF. Of the last, 4 of 24
/// layers, which are alike.
pub(crate) const REAL: Shapes = Shapes {
    minilm: Encoder {
        vocabulary: 30_522,
        hidden: 384,
        layers: 6,
        heads: 12,
        inner: 1536,
        positions: 512,
    },
    whisper: Speech {
        mels: 80,
        hidden: 512,
        layers: 6,
        heads: 8,
        positions: 1500,
    },
    smollm2: Language {
        architecture: "llama",
        vocabulary: 49_152,
        hidden: 576,
        layers: 30,
        heads: 9,
        kv_heads: 3,
        inner: 1536,
        context: 8192,
        rope_base: 100_000.0,
        epsilon: 1e-5,
    },
    qwen2: Language {
        architecture: "qwen2",
        vocabulary: 151_936,
        hidden: 896,
        layers: 4,
        heads: 14,
        kv_heads: 2,
        inner: 4864,
        context: 32_768,
        rope_base: 1_000_000.0,
        epsilon: 1e-6,
    },
    samples: 10 * 16_000,
};

/// The same in little, to check the program itself. Rows are of an even number of blocks, as candle wants them on the processor.
pub(crate) const SMALL: Shapes = Shapes {
    minilm: Encoder {
        vocabulary: 500,
        hidden: 64,
        layers: 2,
        heads: 4,
        inner: 128,
        positions: 64,
    },
    whisper: Speech {
        mels: 80,
        hidden: 64,
        layers: 2,
        heads: 2,
        positions: 1500,
    },
    smollm2: Language {
        vocabulary: 512,
        hidden: 128,
        layers: 2,
        heads: 4,
        kv_heads: 2,
        inner: 192,
        context: 512,
        ..REAL.smollm2
    },
    qwen2: Language {
        vocabulary: 512,
        hidden: 64,
        layers: 2,
        heads: 4,
        kv_heads: 2,
        inner: 128,
        context: 512,
        ..REAL.qwen2
    },
    samples: 16_000,
};

/// Tokens of a Whisper model of 51,865 tokens that have a meaning of their own.
const MARKS: [(&str, usize); 9] = [
    ("<|endoftext|>", 50_257),
    ("<|startoftranscript|>", 50_258),
    ("<|en|>", 50_259),
    ("<|translate|>", 50_358),
    ("<|transcribe|>", 50_359),
    ("<|startoflm|>", 50_360),
    ("<|startofprev|>", 50_361),
    ("<|nospeech|>", 50_362),
    ("<|notimestamps|>", 50_363),
];
/// Tokens of Whisper, in either form.
pub(crate) const WHISPER_TOKENS: usize = 51_865;

impl Encoder {
    /// Writes a model of this shape into a folder.
    pub(crate) fn write(&self, seed: u64, folder: &Path) -> Result<(), Box<dyn Error>> {
        let config = json!({
            "model_type": "bert", "hidden_act": "gelu", "vocab_size": self.vocabulary, "hidden_size": self.hidden, "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads, "intermediate_size": self.inner, "max_position_embeddings": self.positions, "type_vocab_size": 2,
            "layer_norm_eps": 1e-12,
        });
        fs::write(folder.join("config.json"), config.to_string())?;
        let (hidden, inner) = (self.hidden, self.inner);
        let mut tensors = Tensors::new(seed);
        for (name, count) in [
            ("word", self.vocabulary),
            ("position", self.positions),
            ("token_type", 2),
        ] {
            let name = format!("embeddings.{name}_embeddings.weight");
            tensors.add(&name, &[count, hidden], 0.0, 0.5);
        }
        tensors.norm("embeddings.LayerNorm", hidden);
        for layer in 0..self.layers {
            let name = |part: &str| format!("encoder.layer.{layer}.{part}");
            for part in ["query", "key", "value"] {
                tensors.linear(&name(&format!("attention.self.{part}")), hidden, hidden);
            }
            tensors.linear(&name("attention.output.dense"), hidden, hidden);
            tensors.norm(&name("attention.output.LayerNorm"), hidden);
            tensors.linear(&name("intermediate.dense"), hidden, inner);
            tensors.linear(&name("output.dense"), inner, hidden);
            tensors.norm(&name("output.LayerNorm"), hidden);
        }
        tensors.write(&folder.join("model.safetensors"))
    }
}

impl Speech {
    /// Writes a model of this shape into a folder.
    pub(crate) fn write(&self, seed: u64, folder: &Path) -> Result<(), Box<dyn Error>> {
        let (hidden, inner) = (self.hidden, 4 * self.hidden);
        let config = json!({
            "model_type": "whisper", "vocab_size": WHISPER_TOKENS, "num_mel_bins": self.mels, "d_model": hidden,
            "encoder_layers": self.layers, "encoder_attention_heads": self.heads, "encoder_ffn_dim": inner,
            "decoder_layers": self.layers, "decoder_attention_heads": self.heads, "decoder_ffn_dim": inner,
            "max_source_positions": self.positions, "max_target_positions": 448,
        });
        fs::write(folder.join("config.json"), config.to_string())?;
        fs::write(folder.join("tokenizer.json"), tokenizer().to_string())?;
        let mut tensors = Tensors::new(seed);
        tensors.convolution("encoder.conv1", self.mels, hidden);
        tensors.convolution("encoder.conv2", hidden, hidden);
        let embedding = 1.0 / (hidden as f32).sqrt();
        tensors.add(
            "encoder.embed_positions.weight",
            &[self.positions, hidden],
            0.0,
            embedding,
        );
        tensors.add(
            "decoder.embed_positions.weight",
            &[448, hidden],
            0.0,
            embedding,
        );
        tensors.add(
            "decoder.embed_tokens.weight",
            &[WHISPER_TOKENS, hidden],
            0.0,
            embedding,
        );
        for side in ["encoder", "decoder"] {
            tensors.norm(&format!("{side}.layer_norm"), hidden);
            for layer in 0..self.layers {
                let name = |part: &str| format!("{side}.layers.{layer}.{part}");
                let attentions: &[&str] = match side {
                    "encoder" => &["self_attn"],
                    _ => &["self_attn", "encoder_attn"],
                };
                for attention in attentions {
                    tensors.unbiased(&name(&format!("{attention}.k_proj")), hidden, hidden);
                    for part in ["q_proj", "v_proj", "out_proj"] {
                        tensors.linear(&name(&format!("{attention}.{part}")), hidden, hidden);
                    }
                    tensors.norm(&name(&format!("{attention}_layer_norm")), hidden);
                }
                tensors.norm(&name("final_layer_norm"), hidden);
                tensors.linear(&name("fc1"), hidden, inner);
                tensors.linear(&name("fc2"), inner, hidden);
            }
        }
        tensors.write(&folder.join("model.safetensors"))
    }
}

impl Language {
    /// Writes a model of this shape into a folder.
    pub(crate) fn write(&self, kind: Kind, seed: u64, folder: &Path) -> Result<(), Box<dyn Error>> {
        gguf::write(self, kind, seed, &folder.join("model.gguf"))
    }
}

/// Writes the network that hears speech into a folder.
pub(crate) fn write_silero(seed: u64, folder: &Path) -> Result<(), Box<dyn Error>> {
    onnx::write(seed, &folder.join("silero_vad_16k_sequence.onnx"))
}

/// A tokenizer of whole words that has the marks.
fn tokenizer() -> Value {
    let mut vocabulary = Map::new();
    vocabulary.insert("word".to_owned(), json!(0));
    vocabulary.extend(MARKS.map(|(name, id)| (name.to_owned(), json!(id))));
    json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": null, "pre_tokenizer": null,
        "post_processor": null, "decoder": null, "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "word"},
    })
}
