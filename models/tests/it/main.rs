//! Tests on the real weights: what is missing is fetched into the cache.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod audio;
mod bad_imports;
mod bad_input;
mod bad_whisper;
mod cache;
mod detection;
mod efficientnet;
mod face_api;
mod graph;
mod import;
mod imported;
mod llama;
mod mtcnn;
mod ocr;
mod picture;
mod silero;
mod straight;
mod torch;
mod var_builder;
mod whisper;
mod whisper_shapes;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use aimass_models::{SentenceEncoder, SentenceEncoderWeights, Silent, Tokens, device};
use serde::Deserialize;

#[derive(Deserialize)]
struct Goldens {
    sentences: Vec<String>,
    embeddings: Vec<Vec<f32>>,
}

fn minilm() -> PathBuf {
    cache::store().pull("minilm", &mut Silent).unwrap()
}

fn cosine(one: &[f32], other: &[f32]) -> f32 {
    let dot = |left: &[f32], right: &[f32]| -> f32 {
        left.iter()
            .zip(right)
            .map(|(left, right)| left * right)
            .sum()
    };
    dot(one, other) / (dot(one, one) * dot(other, other)).sqrt()
}

fn encoder(folder: &Path) -> SentenceEncoder {
    let device = device::open("cpu").unwrap();
    SentenceEncoder::new(Arc::new(
        SentenceEncoderWeights::load(folder, &device).unwrap(),
    ))
}

/// Each sentence, alone and in one batch with all others, as the reference library has it.
fn agrees(encoder: &SentenceEncoder, goldens: &str) {
    let goldens: Goldens = serde_json::from_str(goldens).unwrap();
    let tokens: Vec<Tokens> = goldens
        .sentences
        .iter()
        .map(|sentence| encoder.tokenize(sentence).unwrap())
        .collect();
    let together = encoder.encode(&tokens).unwrap();
    for ((sentence, golden), (tokens, vector)) in goldens
        .sentences
        .iter()
        .zip(&goldens.embeddings)
        .zip(tokens.iter().zip(&together))
    {
        let alone = encoder.encode(std::slice::from_ref(tokens)).unwrap();
        for ours in [vector, &alone[0]] {
            let agreement = cosine(ours, golden);
            assert!(agreement >= 0.9999, "{agreement} for {sentence:.40?}");
        }
    }
}

#[test]
fn minilm_agrees_with_the_reference_sentence_by_sentence() {
    agrees(
        &encoder(&minilm()),
        include_str!("../../goldens/bert/minilm/goldens.json"),
    );
}

#[test]
fn a_multilingual_checkpoint_agrees_with_the_reference_in_each_language() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("goldens/bert/multilingual");
    agrees(
        &encoder(&folder),
        include_str!("../../goldens/bert/multilingual/goldens.json"),
    );
}
