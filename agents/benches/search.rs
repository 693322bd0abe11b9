//! `text.search` as the environment grows: the question's own embedding, and the exact comparison with every embedding that is there.
//!
//! `RAYON_NUM_THREADS=1 cargo bench -p aimass-agents --bench search`

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench stands outside the runtime"
)]

#[path = "../../models/tests/it/cache.rs"]
mod cache;

use std::time::{Duration, Instant};

use aimass_agents::text::{Embed, Embedding, Search, SearchInput, TextAgent, TextInput};
use aimass_config::Config;
use aimass_models::Silent;
use aimass_runtime::{FactDraft, FactKind, Provenance, Runtime, Transaction};
use serde_json::json;

const ROUNDS: usize = 15;
/// Texts that are put down at once.
const TOGETHER: usize = 1000;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let store = cache::store();
    store.pull("minilm", &mut Silent).unwrap();
    let runtime = Runtime::builder(Config::default()).agent(TextAgent::new(store, None));
    let runtime = runtime.start().await.unwrap();
    let question = TextInput::text("something broke on the way");
    let alone = median(&runtime, &question).await;
    println!(
        "the question's embedding alone: {:.1} ms",
        in_milliseconds(alone)
    );
    let example = runtime.ask::<Embed>(question).await.unwrap();
    let mut there = 0;
    for wanted in [1_000, 10_000, 100_000] {
        while there < wanted {
            put_down(&runtime, &example, there).await;
            there += TOGETHER;
        }
        let mut input = SearchInput {
            query: String::new(),
            over: None,
            limit: 10,
        };
        let mut times = Vec::new();
        for round in 0..ROUNDS {
            input.query = format!("something broke on the way, {round}");
            let began = Instant::now();
            let hits = runtime.ask::<Search>(input.clone()).await.unwrap().hits;
            times.push(began.elapsed());
            assert_eq!(hits.len(), 10);
        }
        // It reads what was put down since.
        let first = times.remove(0);
        times.sort();
        println!(
            "{wanted} texts: the first search {:.1} ms, the next {:.1} ms ({:.1}-{:.1})",
            in_milliseconds(first),
            in_milliseconds(times[times.len() / 2]),
            in_milliseconds(times[0]),
            in_milliseconds(times[times.len() - 1])
        );
    }
    runtime.shutdown().await;
}

async fn median(runtime: &Runtime, question: &TextInput) -> Duration {
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let began = Instant::now();
        runtime.ask::<Embed>(question.clone()).await.unwrap();
        times.push(began.elapsed());
    }
    times.sort();
    times[ROUNDS / 2]
}

/// Facts of texts, and of embeddings of each, as the reactions leave them.
async fn put_down(runtime: &Runtime, example: &Embedding, first: usize) {
    let kind = |name| FactKind::new(name, 1).unwrap();
    let texts = (first..first + TOGETHER).map(|number| {
        let text = json!({ "path": format!("letters/{number}.txt"), "bytes": 300 });
        (
            FactDraft::new(kind("file.text"), text),
            Provenance::default(),
        )
    });
    let texts = Transaction {
        facts: texts.collect(),
        ..Transaction::default()
    };
    let texts = runtime.environment().commit(texts).await.unwrap();
    let embeddings = texts
        .revisions
        .into_iter()
        .enumerate()
        .map(|(place, text)| {
            let mut embedding = example.clone();
            // Another direction for each, of about the same length.
            let turn = (first + place) % embedding.embedding.len();
            embedding.embedding.rotate_left(turn);
            embedding.embedding[0] += place as f32 * 1e-4;
            let provenance = Provenance {
                cause: Some(text),
                ..Provenance::default()
            };
            let value = serde_json::to_value(embedding).unwrap();
            (FactDraft::new(kind("text.embed"), value), provenance)
        });
    let embeddings = Transaction {
        facts: embeddings.collect(),
        ..Transaction::default()
    };
    runtime.environment().commit(embeddings).await.unwrap();
}

fn in_milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
