//! What loading MiniLM costs beside a bare load of the same files: candle's own reader and the tokenizer's, without checks, without an id
//! of the content, without laying out weights.
//!
//! `cargo bench -p aimass-models --bench load`

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench stands outside the runtime"
)]

#[path = "../tests/it/cache.rs"]
mod cache;

use std::path::Path;
use std::time::{Duration, Instant};

use aimass_models::{SentenceEncoderWeights, Silent, device};
use candle_core::Device;

const ROUNDS: usize = 15;

fn main() {
    let folder = cache::store().pull("minilm", &mut Silent).unwrap();
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    // Side by side, so that whatever else the machine does hits both alike.
    for _ in 0..ROUNDS {
        ours.push(timed(|| {
            SentenceEncoderWeights::load(&folder, &device::open("cpu").unwrap()).unwrap()
        }));
        bare.push(timed(|| bare_load(&folder)));
    }
    let (ours, bare) = (median(ours), median(bare));
    println!(
        "load MiniLM: ours {ours:?}, bare {bare:?}, ratio {:.2} (median of {ROUNDS})",
        ours.as_secs_f64() / bare.as_secs_f64()
    );
}

fn bare_load(folder: &Path) -> impl Sized {
    let weights = candle_core::safetensors::load(folder.join("model.safetensors"), &Device::Cpu);
    let tokenizer = tokenizers::Tokenizer::from_file(folder.join("tokenizer.json"));
    (weights.unwrap(), tokenizer.unwrap())
}

fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let began = Instant::now();
    let made = work();
    let took = began.elapsed();
    drop(made);
    took
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
