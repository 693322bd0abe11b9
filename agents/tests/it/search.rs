//! `text.search` among what the team has found, with MiniLM and Whisper.

use std::path::Path;

use aimass_agents::speech::SpeechAgent;
use aimass_agents::text::{Hit, Search, SearchInput, TextAgent};
use aimass_config::Config;
use aimass_models::Silent;
use aimass_runtime::{Episode, Namespace, Runtime};

use crate::cache;

/// The agents for texts and for recordings, with their models.
async fn team(models: &'static [&'static str]) -> Runtime {
    let store = cache::store();
    let pulling = store.clone();
    let pulled = tokio::task::spawn_blocking(move || {
        for model in models {
            pulling.pull(model, &mut Silent).unwrap();
        }
    });
    pulled.await.unwrap();
    Runtime::builder(Config::default())
        .agent(TextAgent::new(store.clone(), None))
        .agent(SpeechAgent::new(store, None))
        .start()
        .await
        .unwrap()
}

fn among_the_facts(query: &str) -> SearchInput {
    SearchInput {
        query: query.to_owned(),
        over: None,
        limit: 10,
    }
}

async fn search(runtime: &Runtime, query: &str) -> Vec<Hit> {
    let found = runtime.ask::<Search>(among_the_facts(query)).await;
    found.unwrap().hits
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_is_found_by_what_is_said_in_it() {
    let runtime = team(&["minilm", "silero-vad", "whisper-base"]).await;
    let recording = "sense_and_sensibility_01_austen_64kb-0930.flac";
    let recordings =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/goldens/whisper/recordings");
    let inbox = tempfile::tempdir().unwrap();
    let path = inbox.path().join(recording);
    std::fs::copy(recordings.join(recording), &path).unwrap();
    let bread = inbox.path().join("bread.txt");
    std::fs::write(&bread, "Knead flour, water and yeast, and bake the dough.").unwrap();
    let done = runtime.run(Episode::from_files([inbox.path()])).await;
    assert_eq!(done.unwrap().failures, []);
    // Neither is read again.
    std::fs::remove_file(&path).unwrap();
    std::fs::remove_file(&bread).unwrap();
    let hits = search(&runtime, "his wife was more amiable than he").await;
    assert_eq!(hits.len(), 2, "{hits:?}");
    assert_eq!(Path::new(&hits[0].source), path);
    assert!(hits[0].text.contains("amiable"), "{hits:?}");
    assert_eq!(Path::new(&hits[1].source), bread);
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hit_shows_what_was_embedded_whatever_its_file_holds_today() {
    let runtime = team(&["minilm"]).await;
    let folder = tempfile::tempdir().unwrap();
    let letter = folder.path().join("letter.txt");
    let said = "The parcel came late and the cup was broken. ";
    std::fs::write(&letter, said.repeat(100)).unwrap();
    runtime.run(Episode::from_files([&letter])).await.unwrap();
    std::fs::write(&letter, "Nothing of that.").unwrap();
    let hits = search(&runtime, "a complaint about a delivery").await;
    let [hit] = &hits[..] else {
        panic!("one file: {hits:?}")
    };
    assert!(hit.text.starts_with(said), "{hit:?}");
    assert!(hit.text.chars().count() <= 240, "{hit:?}");
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_finds_what_belongs_to_its_own_tenant() {
    let runtime = team(&["minilm"]).await;
    let folder = tempfile::tempdir().unwrap();
    let tenants = ["north", "south"];
    for tenant in tenants {
        let letter = folder.path().join(format!("{tenant}.txt"));
        std::fs::write(&letter, format!("A letter from the {tenant}.")).unwrap();
        let episode = Episode::from_files([letter]);
        let episode = episode.namespace(Namespace(tenant.into()));
        runtime.run(episode).await.unwrap();
    }
    for tenant in tenants {
        let asked = runtime.ask::<Search>(among_the_facts("a letter"));
        let hits = asked.namespace(Namespace(tenant.into())).await.unwrap();
        let texts: Vec<String> = hits.hits.into_iter().map(|hit| hit.text).collect();
        assert_eq!(texts, [format!("A letter from the {tenant}.")]);
    }
    assert_eq!(search(&runtime, "a letter").await, []);
    runtime.shutdown().await;
}
