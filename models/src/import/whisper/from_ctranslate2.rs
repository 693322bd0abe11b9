//! Whisper from CTranslate2's form.
//!
//! CTranslate2 keeps what it multiplies at once in one matrix: queries, keys and values of
//! self-attention in `linear_0`, keys and values of cross-attention in `linear_1`. The keys' part
//! of the fused bias is zero, since Whisper's keys have none. Names are those of
//! `ctranslate2/specs/whisper_spec.py` and `transformer_spec.py`, revision 3.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use serde::Deserialize;

use super::decoding::Decoding;
use super::dimensions::{Dimensions, Parameter};
use super::special_tokens::SpecialTokens;
use super::{CONFIG_LIMIT, copy, write_json};
use crate::import::ctranslate2::{Variable, VariableFile};
use crate::import::tensors::{TensorKind, TensorWriter};
use crate::store::Progress;
use crate::{ModelError, files};

/// What the network has to be, as CTranslate2 numbers it: GELU, norms before the layers, embeddings
/// as they are.
const TRAITS: [(&str, i64); 5] = [
    ("decoder/activation", 3),
    ("decoder/alibi", 0),
    ("decoder/pre_norm", 1),
    ("decoder/scale_embeddings", 0),
    ("decoder/start_from_zero_embedding", 0),
];
/// Settings that say nothing about a network with these traits.
const SETTINGS: [&str; 4] = [
    "decoder/alibi_use_positive_positions",
    "decoder/alignment_heads",
    "decoder/alignment_layer",
    "decoder/scale_alibi",
];

/// The modules of a layer: our name, CTranslate2's, and which part of a fused matrix of how many
/// parts ours is.
const MODULES: [(&str, &str, usize, usize); 13] = [
    ("self_attn.q_proj", "self_attention/linear_0", 0, 3),
    ("self_attn.k_proj", "self_attention/linear_0", 1, 3),
    ("self_attn.v_proj", "self_attention/linear_0", 2, 3),
    ("self_attn.out_proj", "self_attention/linear_1", 0, 1),
    ("self_attn_layer_norm", "self_attention/layer_norm", 0, 1),
    ("encoder_attn.q_proj", "attention/linear_0", 0, 1),
    ("encoder_attn.k_proj", "attention/linear_1", 0, 2),
    ("encoder_attn.v_proj", "attention/linear_1", 1, 2),
    ("encoder_attn.out_proj", "attention/linear_2", 0, 1),
    ("encoder_attn_layer_norm", "attention/layer_norm", 0, 1),
    ("fc1", "ffn/linear_0", 0, 1),
    ("fc2", "ffn/linear_1", 0, 1),
    ("final_layer_norm", "ffn/layer_norm", 0, 1),
];

/// CTranslate2's `config.json`.
#[derive(Deserialize)]
struct ConfigFile {
    alignment_heads: Option<Vec<[usize; 2]>>,
    suppress_ids: Option<Vec<i64>>,
    suppress_ids_begin: Option<Vec<i64>>,
}

/// Variables by their names.
type Variables = BTreeMap<String, Variable>;

/// Where a tensor's values are: these rows of a variable.
struct Piece {
    tensor: TensorKind,
    variable: String,
    rows: Range<usize>,
}

/// Reads `model.bin`, `config.json` and `tokenizer.json`; writes the four files of the Hugging Face
/// hub's form.
pub(super) fn from_ctranslate2(
    from: &Path,
    into: &Path,
    progress: &mut dyn Progress,
) -> Result<(), ModelError> {
    let path = from.join("config.json");
    let config: ConfigFile = files::read_json(&path, CONFIG_LIMIT)?;
    let decoding = Decoding {
        alignment_heads: config.alignment_heads,
        suppress_tokens: config.suppress_ids,
        begin_suppress_tokens: config.suppress_ids_begin,
    };
    let tokens = SpecialTokens::read(&from.join("tokenizer.json"))?;
    let model = from.join("model.bin");
    let mut file = VariableFile::open(&model, "WhisperSpec", 3)?;
    check_traits(&mut file)?;
    let dimensions = dimensions(&mut file)?;
    dimensions.check(&model)?;
    if !decoding.fits(&dimensions) {
        return Err(
            file.refuse("fewer heads than its `config.json` names for alignment".to_owned())
        );
    }
    let mut variables = Variables::new();
    let pieces = take_all(&mut file, &dimensions, &mut variables)?;
    check_keys(&mut file, &pieces, &variables)?;
    write_json(
        &into.join("config.json"),
        &dimensions.config(&decoding, &tokens),
    )?;
    let generation = decoding.config(&dimensions, &tokens);
    write_json(&into.join("generation_config.json"), &generation)?;
    copy(from, into, "tokenizer.json")?;
    let tensors = pieces.iter().map(|piece| piece.tensor.clone());
    let mut writer = TensorWriter::create(&into.join("model.safetensors"), tensors, progress)?;
    for piece in pieces {
        let variable = &variables[&piece.variable];
        file.stream(variable, piece.rows, |values| writer.write(values))?;
    }
    writer.finish()
}

fn check_traits(file: &mut VariableFile) -> Result<(), ModelError> {
    for (name, expected) in TRAITS {
        let found = file.take_integer(name)?.unwrap_or(expected);
        if found != expected {
            return Err(file.refuse(format!("`{name}` {found} where Whisper has {expected}")));
        }
    }
    for name in SETTINGS {
        file.take_integer(name)?;
    }
    Ok(())
}

fn dimensions(file: &mut VariableFile) -> Result<Dimensions, ModelError> {
    let [d_model, num_mel_bins, _] = file.shape("encoder/conv1/weight")?;
    let [max_source_positions, _] = file.shape("encoder/position_encodings/encodings")?;
    let [max_target_positions, _] = file.shape("decoder/position_encodings/encodings")?;
    let [vocab_size, _] = file.shape("decoder/embeddings/weight")?;
    let [encoder_ffn_dim, _] = file.shape("encoder/layer_0/ffn/linear_0/weight")?;
    let [decoder_ffn_dim, _] = file.shape("decoder/layer_0/ffn/linear_0/weight")?;
    let layers = |side: &str| {
        let has = |layer: &usize| {
            file.contains(&format!(
                "{side}/layer_{layer}/self_attention/linear_0/weight"
            ))
        };
        (0..).take_while(has).count()
    };
    let (encoder_layers, decoder_layers) = (layers("encoder"), layers("decoder"));
    let mut heads = |side: &str| {
        let count = file.take_integer(&format!("{side}/num_heads"))?;
        // Every head of OpenAI's models is 64 wide. What is no number of heads is refused with the
        // other dimensions.
        Ok(count.map_or(d_model / 64, |count| usize::try_from(count).unwrap_or(0)))
    };
    Ok(Dimensions {
        vocab_size,
        num_mel_bins,
        d_model,
        encoder_layers,
        encoder_attention_heads: heads("encoder")?,
        encoder_ffn_dim,
        decoder_layers,
        decoder_attention_heads: heads("decoder")?,
        decoder_ffn_dim,
        max_source_positions,
        max_target_positions,
    })
}

/// Finds the values of every tensor of the network, and sees that nothing is left.
fn take_all(
    file: &mut VariableFile,
    dimensions: &Dimensions,
    variables: &mut Variables,
) -> Result<Vec<Piece>, ModelError> {
    let mut pieces = Vec::new();
    for Parameter { name, shape } in dimensions.parameters() {
        let (origin, part, parts) = origin(&name);
        if !variables.contains_key(&origin) {
            variables.insert(origin.clone(), file.take(&origin)?);
        }
        let variable = &variables[&origin];
        let whole = [&[parts * shape[0]], &shape[1..]].concat();
        if variable.shape != whole {
            let found = format!(
                "`{origin}` of the shape {:?} instead of {whole:?}",
                variable.shape
            );
            return Err(file.refuse(found));
        }
        pieces.push(Piece {
            rows: part * shape[0]..(part + 1) * shape[0],
            tensor: TensorKind {
                name,
                dtype: variable.dtype(),
                shape,
            },
            variable: origin,
        });
    }
    match file.left_over() {
        Some(name) => Err(file.refuse(format!("`{name}`, which Whisper does not have"))),
        None => Ok(pieces),
    }
}

/// The keys' part of a fused bias must be zero: the form that we write has no place for it.
fn check_keys(
    file: &mut VariableFile,
    pieces: &[Piece],
    variables: &Variables,
) -> Result<(), ModelError> {
    for piece in pieces {
        let Some(keys) = piece.tensor.name.strip_suffix("k_proj.weight") else {
            continue;
        };
        let (bias, ..) = origin(&format!("{keys}k_proj.bias"));
        let values = file.floats(&variables[&bias], piece.rows.clone())?;
        if values.iter().any(|value| *value != 0.0) {
            let found = format!("`{bias}` with a bias of the keys, which Whisper does not have");
            return Err(file.refuse(found));
        }
    }
    Ok(())
}

/// The variable that holds a tensor, and which part of how many it is.
fn origin(name: &str) -> (String, usize, usize) {
    let name = name.strip_prefix("model.").unwrap_or(name);
    let (module, what) = name.rsplit_once('.').unwrap_or((name, ""));
    let (side, module) = module.split_once('.').unwrap_or((module, ""));
    match module {
        "embed_positions" => return (format!("{side}/position_encodings/encodings"), 0, 1),
        "embed_tokens" => return (format!("{side}/embeddings/weight"), 0, 1),
        _ => {}
    }
    let what = match what {
        "weight" if module.ends_with("layer_norm") => "gamma",
        "bias" if module.ends_with("layer_norm") => "beta",
        other => other,
    };
    let in_layer = module.strip_prefix("layers.").and_then(|module| {
        let (layer, module) = module.split_once('.')?;
        let known = MODULES.iter().find(|(ours, ..)| *ours == module)?;
        Some((layer, known))
    });
    match in_layer {
        Some((layer, (_, theirs, part, parts))) => {
            let variable = format!("{side}/layer_{layer}/{theirs}/{what}");
            (variable, *part, *parts)
        }
        None => (format!("{side}/{module}/{what}"), 0, 1),
    }
}
