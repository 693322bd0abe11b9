//! Tests of the environment, named after the guarantees.

mod attempts;
mod basics;
mod blobs;
mod disk;
mod episodes;
mod history;
mod model;
mod power;
mod superseded;
mod time_of_day;
mod watching;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use aimass_config::Fsync;
use parking_lot::Mutex;
use serde_json::json;

use crate::blobs::Blobs;
use crate::media::{Media, MemoryMedia};
use crate::store::Store;
use crate::wall::WallClock;
use crate::*;

fn kind(text: &str) -> FactKind {
    text.parse().unwrap()
}

fn draft(number: u64) -> FactDraft {
    FactDraft::new(kind("note@1"), json!({ "number": number }))
}

fn keyed(key: &str, number: u64) -> FactDraft {
    FactDraft {
        key: Some(key.to_owned()),
        ..draft(number)
    }
}

/// A transaction that appends these as the user's own words.
fn saying(drafts: impl IntoIterator<Item = FactDraft>) -> Transaction {
    Transaction {
        facts: drafts
            .into_iter()
            .map(|draft| (draft, Provenance::default()))
            .collect(),
        ..Transaction::default()
    }
}

fn memory() -> Environment {
    Environment::in_memory(EnvironmentOptions::default()).unwrap()
}

fn open(dir: &Path) -> Environment {
    Environment::open(dir, EnvironmentOptions::default()).unwrap()
}

fn all(environment: &Environment) -> Vec<Fact> {
    let snapshot = environment.snapshot().unwrap();
    let facts = snapshot.facts(FactFilter::default()).unwrap();
    facts.collect::<Result<_, _>>().unwrap()
}

fn numbers(facts: &[Fact]) -> Vec<u64> {
    facts
        .iter()
        .map(|fact| fact.value["number"].as_u64().unwrap())
        .collect()
}

fn task(number: u128, episode: Option<EpisodeId>) -> TaskRecord {
    TaskRecord {
        episode,
        ..TaskRecord::new(TaskId::from_u128(number), "text.embed", json!("hello"))
    }
}

fn settled(number: u128) -> SettledRecord {
    SettledRecord::new(TaskId::from_u128(number), json!({ "ok": number as u64 }))
}

fn default_namespace() -> Namespace {
    Namespace::default()
}
