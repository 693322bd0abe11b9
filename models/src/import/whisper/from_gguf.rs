//! Whisper from a GGUF file that candle's `tensor-tools` made: the names of the Hugging Face hub,
//! quantized weights.
//!
//! Weights become halves again. What their rounding to blocks of 8 bits and fewer has cost stays
//! lost.

use std::path::Path;

use candle_core::Device;
use candle_core::quantized::QTensor;
use half::f16;
use safetensors::Dtype;
use serde::Deserialize;

use super::decoding::Decoding;
use super::dimensions::{Dimensions, Parameter};
use super::special_tokens::SpecialTokens;
use super::{CONFIG_LIMIT, copy, write_json};
use crate::gguf::{GgufFile, GgufKind};
use crate::import::tensors::{TensorKind, TensorWriter};
use crate::store::Progress;
use crate::{ModelError, files};

/// The `config.json` of the Hugging Face hub, as far as decoding is concerned.
#[derive(Deserialize)]
struct DecodingFile {
    suppress_tokens: Option<Vec<i64>>,
    begin_suppress_tokens: Option<Vec<i64>>,
}

/// Reads `model.gguf`, `config.json` and `tokenizer.json`; writes the four files of the Hugging
/// Face hub's form.
pub(super) fn from_gguf(
    from: &Path,
    into: &Path,
    progress: &mut dyn Progress,
) -> Result<(), ModelError> {
    let path = from.join("config.json");
    let dimensions: Dimensions = files::read_json(&path, CONFIG_LIMIT)?;
    dimensions.check(&path)?;
    let decoding: DecodingFile = files::read_json(&path, CONFIG_LIMIT)?;
    let decoding = Decoding {
        alignment_heads: None,
        suppress_tokens: decoding.suppress_tokens,
        begin_suppress_tokens: decoding.begin_suppress_tokens,
    };
    let tokens = SpecialTokens::read(&from.join("tokenizer.json"))?;
    let mut file = GgufFile::open(&from.join("model.gguf"), GgufKind::Whisper)?;
    let mut infos = Vec::new();
    let mut kinds = Vec::new();
    for Parameter { name, shape } in dimensions.parameters() {
        infos.push(file.take(&name, &shape)?);
        kinds.push(TensorKind {
            name,
            dtype: Dtype::F16,
            shape,
        });
    }
    // Some files have the embedding once more.
    file.drop("proj_out.weight");
    if let Some(name) = file.left_over() {
        return Err(file.refuse(format!("`{name:.100}`, which Whisper does not have")));
    }
    write_json(
        &into.join("config.json"),
        &dimensions.config(&decoding, &tokens),
    )?;
    let generation = decoding.config(&dimensions, &tokens);
    write_json(&into.join("generation_config.json"), &generation)?;
    copy(from, into, "tokenizer.json")?;
    let mut writer = TensorWriter::create(&into.join("model.safetensors"), kinds, progress)?;
    for info in infos {
        let values =
            halves(&file.read(&info)?).map_err(ModelError::compute("dequantize weights"))?;
        writer.write(&values)?;
    }
    writer.finish()
}

/// The values of a tensor as little-endian halves.
fn halves(tensor: &QTensor) -> candle_core::Result<Vec<u8>> {
    let values = tensor.dequantize_f16(&Device::Cpu)?;
    let values: Vec<f16> = values.flatten_all()?.to_vec1()?;
    Ok(values.into_iter().flat_map(f16::to_le_bytes).collect())
}
