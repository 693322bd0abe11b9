//! Whisper folders that are damaged or contradict themselves: each is refused in one line that
//! names the file, and nothing is allocated on its word.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aimass_models::whisper::decoding::{Decoding, DecodingOptions, Strategy, Task};
use aimass_models::whisper::{EncodedAudio, EncoderPass, WhisperWeights};
use aimass_models::{ModelError, Precision};
use candle_core::Device;

const CONFIG: &str = "config.json";
const GENERATION: &str = "generation_config.json";
const TOKENIZER: &str = "tokenizer.json";
const WEIGHTS: &str = "model.safetensors";

fn load(folder: &Path) -> Result<WhisperWeights, ModelError> {
    WhisperWeights::load(folder, &Device::Cpu, Precision::Exact)
}

/// A sound folder: a network with three layers of the encoder and one of the decoder, 16 wide.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let golden = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("goldens/whisper/shapes/turbo");
        for name in [CONFIG, GENERATION, TOKENIZER, WEIGHTS] {
            fs::copy(golden.join(name), folder.path().join(name)).unwrap();
        }
        Self(folder)
    }

    fn path(&self, file: &str) -> PathBuf {
        self.0.path().join(file)
    }

    fn read(&self, file: &str) -> Vec<u8> {
        fs::read(self.path(file)).unwrap()
    }

    fn write(&self, file: &str, content: &[u8]) {
        fs::write(self.path(file), content).unwrap();
    }

    /// Puts `to` in the first place where `from` stands.
    fn replace(&self, file: &str, from: &str, to: &str) {
        let bytes = self.read(file);
        let at = (0..bytes.len()).find(|&at| bytes[at..].starts_with(from.as_bytes()));
        let at = at.unwrap_or_else(|| panic!("no {from} in {file}"));
        let spoilt = [&bytes[..at], to.as_bytes(), &bytes[at + from.len()..]].concat();
        self.write(file, &spoilt);
    }

    fn load(&self) -> Result<WhisperWeights, ModelError> {
        load(self.0.path())
    }

    /// It is refused in one line that names this file and says this.
    fn refused(&self, file: &str, why: &str) {
        let message = self.load().unwrap_err().to_string();
        assert!(!message.contains('\n'), "{message}");
        let path = self.path(file).display().to_string();
        assert!(message.contains(&path), "{file}: {message}");
        assert!(message.contains(why), "{file}, {why}: {message}");
    }
}

/// Some steps of decoding half a second of nothing: whatever comes of it is no panic.
fn decode(weights: &WhisperWeights) -> Result<(), ModelError> {
    let spectrogram = weights.filters().log_mel(&[0.0; 8000], 0);
    let mut pass = EncoderPass::begin(weights, &[spectrogram])?;
    while pass.advance(weights)? {}
    for audio in EncodedAudio::of(weights, &pass)? {
        let options = DecodingOptions {
            task: Task::Transcribe,
            language: None,
            strategy: Strategy::Beam {
                size: 2,
                patience: 1.0,
            },
            prompt: Vec::new(),
            latest_start: 1.0,
            seed: 0,
        };
        let mut decoding = Decoding::new(weights, Arc::new(audio), options);
        for _ in 0..6 {
            Decoding::advance(weights, &mut [&mut decoding])?;
        }
        let _ = weights.vocabulary().decode(&decoding.result().tokens);
    }
    Ok(())
}

#[test]
fn a_sound_folder_is_loaded_with_and_without_what_may_be_missing() {
    let folder = Folder::new();
    decode(&folder.load().unwrap()).unwrap();
    for generation in [
        "{}",
        // What our own importers write where a checkpoint says nothing.
        r#"{"suppress_tokens": null, "begin_suppress_tokens": null, "alignment_heads": null, "lang_to_id": null}"#,
        // Heads that this network does not have, and tokens that it cannot say.
        r#"{"alignment_heads": [[0, 99], [99, 0]], "suppress_tokens": [4294967295]}"#,
    ] {
        folder.write(GENERATION, generation.as_bytes());
        let weights = folder.load().unwrap();
        assert_eq!(weights.alignment_heads(), [(0, 0), (0, 1)]);
        decode(&weights).unwrap();
    }
    fs::remove_file(folder.path(GENERATION)).unwrap();
    decode(&folder.load().unwrap()).unwrap();
}

#[test]
fn a_file_that_is_missing_empty_or_something_else_is_refused() {
    for file in [CONFIG, GENERATION, TOKENIZER, WEIGHTS] {
        for content in [
            &b""[..],
            b"[1]",
            b"{",
            b"\xff\xfe",
            b"null",
            &[b'['; 100_000],
        ] {
            let folder = Folder::new();
            folder.write(file, content);
            folder.refused(file, "");
        }
        let folder = Folder::new();
        fs::remove_file(folder.path(file)).unwrap();
        fs::create_dir(folder.path(file)).unwrap();
        folder.refused(file, "a folder");
        fs::remove_dir(folder.path(file)).unwrap();
        if file != GENERATION {
            folder.refused(file, "");
        }
    }
}

/// Found by the fuzz target `whisper_folder`: the reader of the library panics there.
#[test]
fn a_tokenizer_that_is_damaged_within_its_decoder_is_refused() {
    let folder = Folder::new();
    folder.replace(TOKENIZER, r#""decoder":{"#, r#""decoder":{!"#);
    folder.refused(TOKENIZER, "at line 1 column");
}

#[test]
fn a_file_of_ten_gigabytes_is_refused_without_being_read() {
    for (file, why) in [
        (CONFIG, "at most 4194304 bytes"),
        (GENERATION, "at most 4194304 bytes"),
        (TOKENIZER, "at most 67108864 bytes"),
        (WEIGHTS, ""),
    ] {
        let folder = Folder::new();
        let huge = File::create(folder.path(file)).unwrap();
        huge.set_len(10 << 30).unwrap();
        folder.refused(file, why);
    }
}

#[test]
fn sizes_that_cannot_be_are_refused_with_those_that_can() {
    for (from, to, why) in [
        (
            "\"model_type\": \"whisper\"",
            "\"model_type\": \"bert\"",
            "`model_type`",
        ),
        ("\"d_model\": 16", "\"d_model\": 1099511627776", "`d_model`"),
        (
            "\"d_model\": 16",
            "\"d_model\": 99999999999999999999999999",
            "",
        ),
        ("\"d_model\": 16", "\"d_model\": 1e300", ""),
        ("\"d_model\": 16", "\"d_model\": -16", ""),
        ("\"d_model\": 16", "\"d_model\": \"16\"", ""),
        ("\"d_model\": 16", "\"d_modell\": 16", "d_model"),
        ("\"d_model\": 16", "\"d_model\": 0", "`d_model`"),
        (
            "\"encoder_attention_heads\": 4",
            "\"encoder_attention_heads\": 0",
            "`encoder_attention_heads`",
        ),
        (
            "\"decoder_attention_heads\": 2",
            "\"decoder_attention_heads\": 3",
            "divides `d_model`",
        ),
        (
            "\"encoder_layers\": 3",
            "\"encoder_layers\": 0",
            "`encoder_layers`",
        ),
        (
            "\"decoder_layers\": 1",
            "\"decoder_layers\": 4294967296",
            "`decoder_layers`",
        ),
        (
            "\"num_mel_bins\": 128",
            "\"num_mel_bins\": 0",
            "`num_mel_bins`",
        ),
        (
            "\"vocab_size\": 439",
            "\"vocab_size\": 9999999999",
            "`vocab_size`",
        ),
    ] {
        let folder = Folder::new();
        folder.replace(CONFIG, from, to);
        folder.refused(CONFIG, why);
    }
}

#[test]
fn a_configuration_that_its_weights_contradict_is_refused() {
    for (from, to, why) in [
        ("\"d_model\": 16", "\"d_model\": 32", "[32, 128, 3]"),
        ("\"d_model\": 16", "\"d_model\": 16384", "[16384, 128, 3]"),
        (
            "\"num_mel_bins\": 128",
            "\"num_mel_bins\": 80",
            "[16, 80, 3]",
        ),
        (
            "\"encoder_layers\": 3",
            "\"encoder_layers\": 4",
            "encoder.layers.3",
        ),
        (
            "\"encoder_layers\": 3",
            "\"encoder_layers\": 2",
            "2 layers of the encoder",
        ),
        (
            "\"decoder_layers\": 1",
            "\"decoder_layers\": 256",
            "decoder.layers.1",
        ),
        (
            "\"encoder_ffn_dim\": 64",
            "\"encoder_ffn_dim\": 65536",
            "[65536, 16]",
        ),
        (
            "\"vocab_size\": 439",
            "\"vocab_size\": 1048576",
            "[1048576, 16]",
        ),
        (
            "\"max_source_positions\": 30",
            "\"max_source_positions\": 31",
            "[31, 16]",
        ),
        (
            "\"max_target_positions\": 64",
            "\"max_target_positions\": 1",
            "[1, 16]",
        ),
    ] {
        let folder = Folder::new();
        folder.replace(CONFIG, from, to);
        folder.refused(WEIGHTS, why);
    }
    // Any number of heads that divides the width fits the weights, and gives other answers, but
    // never a panic.
    for heads in [1, 8, 16] {
        let folder = Folder::new();
        let to = format!("\"decoder_attention_heads\": {heads}");
        folder.replace(CONFIG, "\"decoder_attention_heads\": 2", &to);
        decode(&folder.load().unwrap()).unwrap();
    }
}

#[test]
fn a_vocabulary_that_does_not_fit_is_refused() {
    let folder = Folder::new();
    folder.replace(CONFIG, "\"vocab_size\": 439", "\"vocab_size\": 300");
    folder.refused(TOKENIZER, "below the `vocab_size` 300");
    for token in ["<|endoftext|>", "<|notimestamps|>", "<|nospeech|>"] {
        let folder = Folder::new();
        folder.replace(TOKENIZER, token, "<|something|>");
        folder.refused(TOKENIZER, "none of that name");
    }
    // The tokenizer of another family.
    let folder = Folder::new();
    let other = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("goldens/bert/multilingual");
    fs::copy(other.join(TOKENIZER), folder.path(TOKENIZER)).unwrap();
    folder.refused(TOKENIZER, "`<|notimestamps|>`");
}

#[test]
fn a_generation_configuration_of_other_types_is_refused() {
    for content in [
        r#"{"suppress_tokens": "all"}"#,
        r#"{"suppress_tokens": [-7]}"#,
        r#"{"begin_suppress_tokens": [4294967296]}"#,
        r#"{"alignment_heads": [[1]]}"#,
        r#"{"alignment_heads": [[1, -1]]}"#,
        r#"{"is_multilingual": 1}"#,
    ] {
        let folder = Folder::new();
        folder.write(GENERATION, content.as_bytes());
        folder.refused(GENERATION, "");
    }
}

#[test]
fn weights_that_lie_are_refused() {
    let header = |claimed: u64, text: &str| {
        let mut bytes = claimed.to_le_bytes().to_vec();
        bytes.extend(text.as_bytes());
        bytes
    };
    let huge = r#"{"model.encoder.conv1.weight":{"dtype":"F32","shape":[1099511627776,128,3],"data_offsets":[0,1688849860263936]}}"#;
    for content in [
        header(u64::MAX, "{}"),
        header(1 << 40, "{}"),
        header(2, "{}"),
        header(2, "[]"),
        header(huge.len() as u64, huge),
        vec![0; 7],
    ] {
        let folder = Folder::new();
        folder.write(WEIGHTS, &content);
        folder.refused(WEIGHTS, "");
    }
    let whole = Folder::new().read(WEIGHTS);
    for content in [&whole[..whole.len() - 1], &[&whole[..], &[0]].concat()] {
        let folder = Folder::new();
        folder.write(WEIGHTS, content);
        folder.refused(WEIGHTS, "as long as its header says");
    }
    for (from, to, why) in [
        (
            "decoder.layer_norm.bias",
            "decoder.layer_norm.bios",
            "no tensor of that name",
        ),
        ("\"F16\"", "\"I16\"", "is F32, F16 or BF16"),
        ("\"shape\":[16]", "\"shape\":[61]", ""),
    ] {
        let folder = Folder::new();
        folder.replace(WEIGHTS, from, to);
        folder.refused(WEIGHTS, why);
    }
}

#[test]
fn weights_that_are_no_numbers_are_refused() {
    // In half precision: infinity, and two that are none.
    for bits in [0x7c00_u16, 0xfc00, 0x7e00, 0x7c01] {
        let folder = Folder::new();
        let mut weights = folder.read(WEIGHTS);
        let end = weights.len();
        weights[end - 2..].copy_from_slice(&bits.to_le_bytes());
        folder.write(WEIGHTS, &weights);
        folder.refused(WEIGHTS, "finite numbers");
    }
    // The largest number is one, and what it makes of everything is no panic.
    let folder = Folder::new();
    let mut weights = folder.read(WEIGHTS);
    let end = weights.len();
    for pair in weights[end / 2..].chunks_exact_mut(2) {
        pair.copy_from_slice(&0x7bff_u16.to_le_bytes());
    }
    folder.write(WEIGHTS, &weights);
    let weights = folder.load().unwrap();
    let _ = decode(&weights);
}

#[test]
fn files_spoilt_at_random_never_panic() {
    let mut dice = Dice(7);
    let mut loaded = 0;
    for file in [CONFIG, GENERATION, TOKENIZER, WEIGHTS] {
        let folder = Folder::new();
        let whole = folder.read(file);
        for round in 0..200 {
            let mut spoilt = whole.clone();
            let end = if round % 2 == 0 {
                spoilt.len().min(1000)
            } else {
                spoilt.len()
            };
            for _ in 0..=dice.below(4) {
                spoilt[dice.below(end)] ^= 1 << dice.below(8);
            }
            folder.write(file, &spoilt);
            if let Ok(weights) = folder.load() {
                loaded += 1;
                let _ = decode(&weights);
            }
        }
    }
    // Some spoil nothing that matters, so that what follows the loading is tried as well.
    assert!(loaded > 20, "{loaded} were loaded");
}

#[test]
fn a_folder_that_is_not_there_is_refused() {
    let message = load(Path::new("no/such/folder")).unwrap_err().to_string();
    assert!(message.contains("no/such/folder"), "{message}");
}

/// Numbers that look random and are the same in each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) as usize % bound
    }
}
