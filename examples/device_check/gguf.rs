//! A language model of random weights, as a GGUF file.
//!
//! Blocks of few bits are made as such, and nothing is rounded: what they stand for is random all the same.

use std::error::Error;
use std::fs;
use std::path::Path;

use crate::random::{Random, half};
use crate::shapes::Language;

/// Weights of a block.
const BLOCK: usize = 32;
/// Where tensors may begin.
const ALIGNMENT: usize = 32;
/// The deviation of whole numbers from 0 to 15, and of those from -127 to 127.
const OF_FOUR_BITS: f32 = 4.61;
const OF_EIGHT_BITS: f32 = 73.6;

/// How weights are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    F32,
    F16,
    Q4_0,
    Q4_1,
    Q8_0,
}

impl Kind {
    fn number(self) -> u32 {
        match self {
            Self::F32 => 0,
            Self::F16 => 1,
            Self::Q4_0 => 2,
            Self::Q4_1 => 3,
            Self::Q8_0 => 8,
        }
    }

    /// Appends so many weights around `mean`, which is 0 where they are blocks.
    fn append(self, data: &mut Vec<u8>, random: &mut Random, count: usize, mean: f32, spread: f32) {
        let scale = |data: &mut Vec<u8>, value: f32| data.extend(half(value).to_le_bytes());
        let bytes = |data: &mut Vec<u8>, random: &mut Random, count: usize| {
            for _ in 0..count / 8 {
                data.extend(random.bits().to_le_bytes());
            }
        };
        match self {
            Self::F32 => {
                let values = (0..count).map(|_| random.number(mean, spread));
                data.extend(values.flat_map(f32::to_le_bytes));
            }
            Self::F16 => {
                let values = (0..count).map(|_| half(random.number(mean, spread)));
                data.extend(values.flat_map(u16::to_le_bytes));
            }
            Self::Q4_0 => {
                for _ in 0..count / BLOCK {
                    scale(data, spread / OF_FOUR_BITS);
                    bytes(data, random, BLOCK / 2);
                }
            }
            Self::Q4_1 => {
                for _ in 0..count / BLOCK {
                    scale(data, spread / OF_FOUR_BITS);
                    scale(data, -7.5 * spread / OF_FOUR_BITS);
                    bytes(data, random, BLOCK / 2);
                }
            }
            Self::Q8_0 => {
                for _ in 0..count / BLOCK {
                    scale(data, spread / OF_EIGHT_BITS);
                    bytes(data, random, BLOCK);
                }
            }
        }
    }
}

/// A file that is being made.
struct File {
    random: Random,
    values: u64,
    tensors: u64,
    header: Vec<u8>,
    infos: Vec<u8>,
    data: Vec<u8>,
}

impl File {
    fn text(bytes: &mut Vec<u8>, text: &str) {
        bytes.extend((text.len() as u64).to_le_bytes());
        bytes.extend(text.as_bytes());
    }

    fn key(&mut self, key: &str, kind: u32) {
        self.values += 1;
        Self::text(&mut self.header, key);
        self.header.extend(kind.to_le_bytes());
    }

    fn word(&mut self, key: &str, text: &str) {
        self.key(key, 8);
        Self::text(&mut self.header, text);
    }

    fn size(&mut self, key: &str, size: usize) {
        self.key(key, 4);
        self.header.extend((size as u32).to_le_bytes());
    }

    fn number(&mut self, key: &str, number: f32) {
        self.key(key, 6);
        self.header.extend(number.to_le_bytes());
    }

    fn words(&mut self, key: &str, words: &[String]) {
        self.key(key, 9);
        self.header.extend(8_u32.to_le_bytes());
        self.header.extend((words.len() as u64).to_le_bytes());
        for word in words {
            Self::text(&mut self.header, word);
        }
    }

    fn sizes(&mut self, key: &str, sizes: &[u32]) {
        self.key(key, 9);
        self.header.extend(4_u32.to_le_bytes());
        self.header.extend((sizes.len() as u64).to_le_bytes());
        self.header
            .extend(sizes.iter().flat_map(|size| size.to_le_bytes()));
    }

    fn tensor(&mut self, name: &str, shape: &[usize], kind: Kind, mean: f32, spread: f32) {
        self.tensors += 1;
        self.data
            .resize(self.data.len().next_multiple_of(ALIGNMENT), 0);
        Self::text(&mut self.infos, name);
        self.infos.extend((shape.len() as u32).to_le_bytes());
        let sides = shape.iter().rev().map(|side| *side as u64);
        self.infos.extend(sides.flat_map(u64::to_le_bytes));
        self.infos.extend(kind.number().to_le_bytes());
        self.infos.extend((self.data.len() as u64).to_le_bytes());
        let count = shape.iter().product();
        kind.append(&mut self.data, &mut self.random, count, mean, spread);
    }

    fn weight(&mut self, name: &str, outputs: usize, inputs: usize, kind: Kind) {
        let spread = 1.0 / (inputs as f32).sqrt();
        self.tensor(name, &[outputs, inputs], kind, 0.0, spread);
    }

    fn write(mut self, path: &Path) -> Result<(), Box<dyn Error>> {
        let mut file = b"GGUF".to_vec();
        file.extend(3_u32.to_le_bytes());
        file.extend(self.tensors.to_le_bytes());
        file.extend(self.values.to_le_bytes());
        file.append(&mut self.header);
        file.append(&mut self.infos);
        file.resize(file.len().next_multiple_of(ALIGNMENT), 0);
        file.append(&mut self.data);
        Ok(fs::write(path, file)?)
    }
}

/// Writes a model of this shape.
pub(crate) fn write(
    shape: &Language,
    kind: Kind,
    seed: u64,
    path: &Path,
) -> Result<(), Box<dyn Error>> {
    let mut file = File {
        random: Random::new(seed),
        values: 0,
        tensors: 0,
        header: Vec::new(),
        infos: Vec::new(),
        data: Vec::new(),
    };
    let own = |key: &str| format!("{}.{key}", shape.architecture);
    file.word("general.architecture", shape.architecture);
    file.size(&own("embedding_length"), shape.hidden);
    file.size(&own("block_count"), shape.layers);
    file.size(&own("attention.head_count"), shape.heads);
    file.size(&own("attention.head_count_kv"), shape.kv_heads);
    file.size(&own("feed_forward_length"), shape.inner);
    file.size(&own("context_length"), shape.context);
    file.number(&own("attention.layer_norm_rms_epsilon"), shape.epsilon);
    file.number(&own("rope.freq_base"), shape.rope_base);
    vocabulary(&mut file, shape);
    let (hidden, inner) = (shape.hidden, shape.inner);
    let kv = hidden / shape.heads * shape.kv_heads;
    // Rows of the embedding have the size of what is normed: the network begins as it goes on.
    file.tensor(
        "token_embd.weight",
        &[shape.vocabulary, hidden],
        kind,
        0.0,
        1.0 / (hidden as f32).sqrt(),
    );
    file.tensor("output_norm.weight", &[hidden], Kind::F32, 1.0, 0.1);
    for layer in 0..shape.layers {
        let name = |part: &str| format!("blk.{layer}.{part}");
        file.tensor(&name("attn_norm.weight"), &[hidden], Kind::F32, 1.0, 0.1);
        file.tensor(&name("ffn_norm.weight"), &[hidden], Kind::F32, 1.0, 0.1);
        for (part, outputs, inputs) in [
            ("attn_q", hidden, hidden),
            ("attn_k", kv, hidden),
            ("attn_v", kv, hidden),
            ("attn_output", hidden, hidden),
            ("ffn_gate", inner, hidden),
            ("ffn_up", inner, hidden),
            ("ffn_down", hidden, inner),
        ] {
            file.weight(&name(&format!("{part}.weight")), outputs, inputs, kind);
            if shape.architecture == "qwen2"
                && outputs <= hidden
                && inputs == hidden
                && part != "attn_output"
            {
                file.tensor(
                    &name(&format!("{part}.bias")),
                    &[outputs],
                    Kind::F32,
                    0.0,
                    0.1,
                );
            }
        }
    }
    file.write(path)
}

/// Tokens of single bytes, and words that are none for the rest.
fn vocabulary(file: &mut File, shape: &Language) {
    let controls = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"].map(str::to_owned);
    let mut tokens = controls.to_vec();
    let seen = |byte: u8| matches!(byte, 0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff);
    let mut hidden = (256..512).filter_map(char::from_u32);
    for byte in 0..=255_u8 {
        let letter = match seen(byte) {
            true => Some(char::from(byte)),
            false => hidden.next(),
        };
        tokens.extend(letter.map(String::from));
    }
    tokens.push("he".to_owned());
    for number in tokens.len()..shape.vocabulary {
        tokens.push(format!("token{number}"));
    }
    let kinds = (0..tokens.len()).map(|token| if token < controls.len() { 3 } else { 1 });
    file.word("tokenizer.ggml.model", "gpt2");
    file.word(
        "tokenizer.ggml.pre",
        if shape.architecture == "qwen2" {
            "qwen2"
        } else {
            "smollm"
        },
    );
    file.words("tokenizer.ggml.tokens", &tokens);
    file.sizes("tokenizer.ggml.token_type", &kinds.collect::<Vec<u32>>());
    file.words("tokenizer.ggml.merges", &["h e".to_owned()]);
    file.size("tokenizer.ggml.bos_token_id", 1);
    file.size("tokenizer.ggml.eos_token_id", 2);
}
