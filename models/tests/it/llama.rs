//! Language models: tiny random ones that the reference has computed too, and SmolLM2 with its real
//! weights.

mod bad_files;
mod constraints;
mod on_device;
mod smollm2;
mod tiny;

use std::path::{Path, PathBuf};

use aimass_models::ModelError;
use aimass_models::device;
use aimass_models::llama::{CachePool, Generated, Generation, GenerationOptions, LlamaWeights};
use serde::Deserialize;

/// What llama.cpp makes of the models: see `goldens/llama/make.py`.
#[derive(Deserialize)]
struct Goldens {
    texts: Vec<String>,
    llama: TinyGoldens,
    qwen2: TinyGoldens,
    smollm2: RealGoldens,
}

#[derive(Deserialize)]
struct TinyGoldens {
    tokens: Vec<Vec<u32>>,
    prompt: Vec<u32>,
    /// Of every token behind the prompt.
    logprobs: Vec<f32>,
}

#[derive(Deserialize)]
struct RealGoldens {
    tokens: Vec<Vec<u32>>,
    /// With plain numbers as weights.
    written: Vec<Written>,
    /// How many of those tokens are the likeliest with blocks as weights too.
    agreement_of_blocks: usize,
}

/// What is written on at temperature 0.
#[derive(Deserialize)]
struct Written {
    question: String,
    prompt: Vec<u32>,
    tokens: Vec<u32>,
}

fn goldens() -> Goldens {
    serde_json::from_str(include_str!("../../goldens/llama/goldens.json")).unwrap()
}

fn tiny_file(architecture: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("goldens/llama");
    folder.join(format!("tiny-{architecture}.gguf"))
}

/// The tiny checkpoint of this architecture.
fn tiny(architecture: &str) -> LlamaWeights {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(tiny_file(architecture), folder.path().join("model.gguf")).unwrap();
    load(folder.path()).unwrap()
}

fn load(folder: &Path) -> Result<LlamaWeights, ModelError> {
    LlamaWeights::load(folder, None, &device::open("cpu").unwrap())
}

/// The same, computed as on other devices than the processor.
fn load_as_tensors(folder: &Path) -> LlamaWeights {
    LlamaWeights::load_as_tensors(folder, None, &device::open("cpu").unwrap()).unwrap()
}

/// Writes all texts on together; the results in their order.
fn write(
    weights: &LlamaWeights,
    pool: &mut CachePool,
    texts: impl IntoIterator<Item = (Vec<u32>, GenerationOptions)>,
) -> Vec<Result<Generated, ModelError>> {
    let mut generation = Generation::default();
    let mut results = Vec::new();
    for (prompt, options) in texts {
        generation.push(weights, prompt, options);
        results.push(None);
    }
    loop {
        let progress = generation.advance(weights, pool, |_| true).unwrap();
        for (number, result) in progress.done {
            results[number] = Some(result);
        }
        if progress.finished {
            return results.into_iter().map(Option::unwrap).collect();
        }
    }
}

fn write_one(
    weights: &LlamaWeights,
    pool: &mut CachePool,
    prompt: &str,
    options: GenerationOptions,
) -> Generated {
    let prompt = weights.prompt(prompt).unwrap();
    write(weights, pool, [(prompt, options)]).remove(0).unwrap()
}
