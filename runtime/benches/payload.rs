//! What it costs to make JSON of an output, beside serde_json alone: an embedding of 384 numbers, with a field that is there and with one that is `null`.
//!
//! `cargo bench -p aimass-runtime --bench payload` prints the median of some rounds.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a bench stands outside the runtime"
)]

use std::hint::black_box;
use std::time::Instant;

use aimass_runtime::Payload;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const ROUNDS: usize = 9;
const CALLS: u32 = 20_000;

#[derive(Clone, Serialize, Deserialize, JsonSchema)]
struct Embedding {
    embedding: Vec<f32>,
    model: String,
    excerpt: Option<String>,
}

fn microseconds<T>(work: impl Fn() -> T) -> f64 {
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let begun = Instant::now();
            for _ in 0..CALLS {
                black_box(work());
            }
            begun.elapsed().as_secs_f64() * 1e6 / f64::from(CALLS)
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    rounds[ROUNDS / 2]
}

fn main() {
    for excerpt in [Some("The parcel came late.".to_owned()), None] {
        let what = if excerpt.is_some() { "without" } else { "with" };
        let value = Embedding {
            embedding: (0..384_u16).map(|at| f32::from(at) / 384.0).collect(),
            model: "minilm".to_owned(),
            excerpt,
        };
        let payload = Payload::new(value.clone());
        let alone = microseconds(|| serde_json::to_value(&value).unwrap());
        let held = microseconds(|| payload.to_json().unwrap());
        println!("{what} null: serde_json {alone:.2} us, payload {held:.2} us");
    }
}
