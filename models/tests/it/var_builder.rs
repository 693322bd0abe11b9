//! A network of candle-transformers on a checked file of ours.

use std::path::Path;

use aimass_models::weights::TensorFile;
use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config};

use crate::{cosine, encoder, minilm};

fn weights(folder: &Path) -> VarBuilder<'static> {
    let file = TensorFile::open(&folder.join("model.safetensors")).unwrap();
    file.into_var_builder(DType::F32, &Device::Cpu)
}

#[test]
fn candles_bert_reads_our_file_and_agrees_with_our_network() {
    let folder = minilm();
    let config = std::fs::read(folder.join("config.json")).unwrap();
    let config: Config = serde_json::from_slice(&config).unwrap();
    let bert = BertModel::load(weights(&folder), &config).unwrap();
    let encoder = encoder(&folder);
    for text in [
        "A short text.",
        "The meeting was moved from Monday to Tuesday at noon.",
    ] {
        let tokens = encoder.tokenize(text).unwrap();
        let ids = Tensor::new(tokens.ids(), &Device::Cpu).unwrap();
        let ids = ids.unsqueeze(0).unwrap();
        let types = ids.zeros_like().unwrap();
        let hidden = bert.forward(&ids, &types, None).unwrap();
        let theirs = hidden.squeeze(0).unwrap().mean(0).unwrap();
        let theirs: Vec<f32> = theirs.to_vec1().unwrap();
        let ours = encoder.encode(&[tokens]).unwrap();
        let agreement = cosine(&ours[0], &theirs);
        assert!(agreement > 0.99999, "{agreement} for {text:?}");
    }
}

#[test]
fn a_tensor_of_another_shape_is_refused_with_file_name_and_both_shapes() {
    let weights = weights(&minilm());
    let name = "embeddings.LayerNorm.weight";
    for (name, found) in [
        (name, "the shape [384]"),
        ("another", "no tensor of that name"),
    ] {
        let error = weights.get(383, name).unwrap_err().to_string();
        let expected = format!("the tensor `{name}` of the shape [383], found {found}");
        assert!(error.contains(&expected), "{error}");
        assert!(error.contains("model.safetensors"), "{error}");
    }
    assert!(weights.contains_tensor(name));
    assert!(!weights.contains_tensor("another"));
}
