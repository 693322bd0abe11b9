//! What observers cost where a model works: MiniLM, one short text after the other, with nothing, with events only, with metrics, with 1 % and
//! with all traces, and with everything.
//!
//! `RAYON_NUM_THREADS=1 cargo bench -p aimass --bench observed`. What it said, and when: `observers/benches/README.md`.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench stands outside the runtime"
)]

#[path = "../models/tests/it/cache.rs"]
mod cache;
#[path = "../observers/benches/overhead/collector.rs"]
mod collector;
#[path = "../observers/benches/overhead/ways.rs"]
mod ways;

use aimass::Runtime;
use aimass::text::{Embed, TextAgent, TextInput};
use aimass_models::Silent;

const ROUNDS: usize = 24;
const CALLS: usize = 100;
const TEXT: &str = "The parcel came two weeks late and the cup inside was broken.";

fn main() {
    let store = cache::store();
    store.pull("minilm", &mut Silent).unwrap();
    let what = format!("{CALLS} short texts embedded by MiniLM, one after the other");
    let team = |config| Runtime::builder(config).agent(TextAgent::new(store.clone(), None));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(ways::compare(&what, ROUNDS, team, texts));
}

async fn texts(runtime: &Runtime) {
    for _ in 0..CALLS {
        runtime.ask::<Embed>(TextInput::text(TEXT)).await.unwrap();
    }
}
