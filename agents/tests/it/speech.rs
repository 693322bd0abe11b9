//! The speech agent on a runtime, with the real weights.

mod activity;
mod continued;
mod detect;
mod hints;
mod languages;
mod listen;
mod recognize;
mod recordings;
mod reference;
mod rounded;
mod silent;
mod streaming;
mod transcribe;
mod watched;

use aimass_agents::speech::SpeechAgent;
use aimass_config::Config;
use aimass_models::{Silent, Store};
use aimass_runtime::Runtime;

use crate::cache;

/// The cache, with the model of voice activity in it.
pub(super) async fn store() -> Store {
    let store = cache::store();
    let pulling = store.clone();
    tokio::task::spawn_blocking(move || pulling.pull("silero-vad", &mut Silent).unwrap())
        .await
        .unwrap();
    store
}

pub(super) async fn start() -> Runtime {
    Runtime::builder(Config::default())
        .agent(SpeechAgent::new(store().await, None))
        .start()
        .await
        .unwrap()
}
