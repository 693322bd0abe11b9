//! Importers: what they write equals the checkpoint that the reference library wrote, name by name
//! and value by value.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use aimass_models::{Importer, ModelError, Silent};
use candle_core::quantized::gguf_file::{self, Value};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{DType, Device, Tensor, safetensors};
use half::f16;

/// A tensor's type, shape and values.
type Tensors = BTreeMap<String, Tensor>;

pub(crate) fn goldens(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("goldens")
        .join(name)
}

fn read(path: &Path) -> Tensors {
    safetensors::load(path, &Device::Cpu)
        .unwrap()
        .into_iter()
        .collect()
}

/// A folder with a model in CTranslate2's form, its weights of this type.
pub(crate) fn ctranslate2(weights: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let copy = |from: &str, to: &str| fs::copy(goldens(from), folder.path().join(to)).unwrap();
    copy(&format!("whisper/ctranslate2/{weights}.bin"), "model.bin");
    copy("whisper/ctranslate2/config.json", "config.json");
    copy("whisper/tokenizer.json", "tokenizer.json");
    folder
}

/// The tiny checkpoint as candle's `tensor-tools` quantizes it: matrices whose rows are whole
/// blocks, and nothing else.
pub(crate) fn gguf() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let tensors: Vec<(String, QTensor)> = read(&goldens("whisper/model.safetensors"))
        .into_iter()
        .map(|(name, tensor)| {
            let tensor = tensor.to_dtype(DType::F32).unwrap();
            let quantized = tensor.rank() == 2 && tensor.dim(1).unwrap() % 32 == 0;
            let kind = if quantized {
                GgmlDType::Q8_0
            } else {
                GgmlDType::F32
            };
            (name, QTensor::quantize(&tensor, kind).unwrap())
        })
        .collect();
    let tensors: Vec<(&str, &QTensor)> = tensors
        .iter()
        .map(|(name, tensor)| (name.as_str(), tensor))
        .collect();
    let mut file = File::create(folder.path().join("model.gguf")).unwrap();
    let metadata = [("general.architecture", &Value::String("whisper".to_owned()))];
    gguf_file::write(&mut file, &metadata, &tensors).unwrap();
    for name in ["config.json", "tokenizer.json"] {
        fs::copy(goldens("whisper").join(name), folder.path().join(name)).unwrap();
    }
    folder
}

pub(crate) fn from_ctranslate2() -> &'static Importer {
    Importer::named("ctranslate2_whisper").unwrap()
}

pub(crate) fn from_gguf() -> &'static Importer {
    Importer::named("gguf_whisper").unwrap()
}

pub(crate) fn convert(importer: &Importer, from: &Path) -> Result<tempfile::TempDir, ModelError> {
    let into = tempfile::tempdir().unwrap();
    importer.run(from, into.path(), &mut Silent)?;
    Ok(into)
}

fn json(path: &Path) -> serde_json::Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// The same tensors, bit by bit.
fn assert_same(ours: &Tensors, theirs: &Tensors) {
    assert_eq!(
        ours.keys().collect::<Vec<_>>(),
        theirs.keys().collect::<Vec<_>>()
    );
    for (name, theirs) in theirs {
        let ours = &ours[name];
        assert_eq!(
            (ours.dtype(), ours.dims()),
            (theirs.dtype(), theirs.dims()),
            "{name}"
        );
        // Widening is exact.
        let values = |tensor: &Tensor| -> Vec<u32> {
            let wide = tensor.to_dtype(DType::F32).unwrap().flatten_all().unwrap();
            let values: Vec<f32> = wide.to_vec1().unwrap();
            values.into_iter().map(f32::to_bits).collect()
        };
        assert!(values(ours) == values(theirs), "values of {name} differ");
    }
}

#[test]
fn ctranslate2_in_every_type_of_floats_gives_the_checkpoint_back() {
    let checkpoint = read(&goldens("whisper/ctranslate2/hub.safetensors"));
    for (weights, dtype) in [
        ("float16", DType::F16),
        ("float32", DType::F32),
        ("bfloat16", DType::BF16),
    ] {
        let folder = ctranslate2(weights);
        let converted = convert(from_ctranslate2(), folder.path()).unwrap();
        let expected = checkpoint
            .iter()
            .map(|(name, tensor)| (name.clone(), tensor.to_dtype(dtype).unwrap()))
            .collect();
        assert_same(
            &read(&converted.path().join("model.safetensors")),
            &expected,
        );
    }
}

#[test]
fn ctranslate2_in_8_bits_gives_halves_that_numpy_computes_too() {
    let folder = ctranslate2("int8");
    let converted = convert(from_ctranslate2(), folder.path()).unwrap();
    let ours = read(&converted.path().join("model.safetensors"));
    // What was not rounded to integers stayed F32 in this file.
    let expected = read(&goldens("whisper/ctranslate2/int8.safetensors"))
        .into_iter()
        .map(|(name, tensor)| {
            let dtype = ours[&name].dtype();
            (name, tensor.to_dtype(dtype).unwrap())
        })
        .collect();
    assert_same(&ours, &expected);
    let halves = ours.values().filter(|tensor| tensor.dtype() == DType::F16);
    assert_eq!(halves.count(), 35);
}

#[test]
fn ctranslate2_gives_the_configurations_of_the_hub() {
    let folder = ctranslate2("float16");
    let converted = convert(from_ctranslate2(), folder.path()).unwrap();
    let config = json(&converted.path().join("config.json"));
    for (key, value) in [
        ("vocab_size", 407),
        ("d_model", 16),
        ("num_mel_bins", 80),
        ("encoder_layers", 2),
        ("encoder_attention_heads", 2),
        ("encoder_ffn_dim", 24),
        ("decoder_layers", 2),
        ("decoder_attention_heads", 4),
        ("decoder_ffn_dim", 40),
        ("max_source_positions", 30),
        ("max_target_positions", 20),
        ("eos_token_id", 300),
        ("decoder_start_token_id", 301),
    ] {
        assert_eq!(config[key], value, "{key}");
    }
    assert_eq!(config["model_type"], "whisper");
    let ours = json(&converted.path().join("generation_config.json"));
    assert_eq!(ours["alignment_heads"], serde_json::json!([[0, 1], [1, 3]]));
    let hubs = json(&goldens("whisper/generation_config.json"));
    for key in [
        "begin_suppress_tokens",
        "bos_token_id",
        "decoder_start_token_id",
        "eos_token_id",
        "is_multilingual",
        "lang_to_id",
        "max_initial_timestamp_index",
        "no_timestamps_token_id",
        "pad_token_id",
        "prev_sot_token_id",
        "return_timestamps",
        "suppress_tokens",
        "task_to_id",
    ] {
        assert_eq!(ours[key], hubs[key], "{key}");
    }
    assert_eq!(
        fs::read(converted.path().join("tokenizer.json")).unwrap(),
        fs::read(goldens("whisper/tokenizer.json")).unwrap()
    );
}

#[test]
fn gguf_gives_the_checkpoint_back_up_to_its_rounding() {
    let folder = gguf();
    let converted = convert(from_gguf(), folder.path()).unwrap();
    let ours = read(&converted.path().join("model.safetensors"));
    let theirs = read(&goldens("whisper/model.safetensors"));
    assert_eq!(
        ours.keys().collect::<Vec<_>>(),
        theirs.keys().collect::<Vec<_>>()
    );
    let mut exact = 0;
    for (name, theirs) in &theirs {
        let ours = &ours[name];
        assert_eq!(
            (ours.dtype(), ours.dims()),
            (DType::F16, theirs.dims()),
            "{name}"
        );
        let values =
            |tensor: &Tensor| -> Vec<f16> { tensor.flatten_all().unwrap().to_vec1().unwrap() };
        let (ours, theirs) = (values(ours), values(theirs));
        exact += usize::from(ours == theirs);
        // Half a step of a block of 32, and what halves lose.
        for (ours, theirs) in ours.chunks(32).zip(theirs.chunks(32)) {
            let largest = theirs
                .iter()
                .fold(0.0_f32, |most, value| most.max(value.to_f32().abs()));
            for (our, their) in ours.iter().zip(theirs) {
                let error = (our.to_f32() - their.to_f32()).abs();
                assert!(error <= largest * (0.5 / 127.0 + 0.001), "{name}: {error}");
            }
        }
    }
    assert!(exact > 40 && exact < theirs.len(), "{exact} are exact");
    let config = json(&converted.path().join("config.json"));
    assert_eq!(config["decoder_ffn_dim"], 128);
    let generation = json(&converted.path().join("generation_config.json"));
    assert_eq!(generation["suppress_tokens"], serde_json::json!([1, 2, 7]));
    assert_eq!(generation["lang_to_id"]["<|de|>"], 304);
}

#[test]
fn whisper_base_comes_in_two_halves_and_is_whole() {
    let folder = crate::cache::store()
        .pull("whisper-base", &mut Silent)
        .unwrap();
    let tensors = read(&folder.join("model.safetensors"));
    assert_eq!(tensors.len(), 245);
    assert!(tensors.values().all(|tensor| tensor.dtype() == DType::F16));
    let config = json(&folder.join("config.json"));
    assert_eq!(config["d_model"], 512);
    assert_eq!(config["encoder_attention_heads"], 8);
    assert_eq!(config["vocab_size"], 51_865);
    let generation = json(&folder.join("generation_config.json"));
    assert_eq!(generation["lang_to_id"]["<|zh|>"], 50_260);
    assert_eq!(generation["no_timestamps_token_id"], 50_363);
    assert_eq!(generation["alignment_heads"][7], serde_json::json!([5, 6]));
    // A value of a fused matrix's last part, which another program read out of the halves.
    let values = &tensors["model.decoder.layers.5.encoder_attn.v_proj.weight"];
    let values: Vec<Vec<f16>> = values.to_vec2().unwrap();
    assert_eq!(values[511][511].to_bits(), 0x9569);
}
