//! The store of a home: its owner, its damage, its facts.

use std::fs;

use aimass_runtime::{
    Environment, EnvironmentOptions, EpisodeId, EpisodeRecord, FactDraft, Provenance, Transaction,
};
use serde_json::json;

use super::harness::Place;

/// The episode that no home has.
const NO_EPISODE: &str = "00000000000000000000000000000001";

#[test]
fn an_empty_store_lists_nothing() {
    let place = Place::new();
    for arguments in [["facts", "ls", "--json"], ["dead-letters", "ls", "--json"]] {
        assert_eq!(place.run(&arguments).assert_ok().document(), json!([]));
    }
    assert_eq!(place.run(&["facts", "ls"]).assert_ok().stdout, "");
    place
        .run(&["facts", "show", "1"])
        .assert_fails(65, &["revision 1", "facts ls"]);
    place
        .run(&["facts", "forget", NO_EPISODE])
        .assert_fails(65, &[NO_EPISODE]);
    place
        .run(&["dead-letters", "show", NO_EPISODE])
        .assert_fails(65, &["dead-letters ls"]);
}

#[test]
fn a_damaged_store_is_refused_and_left_alone() {
    let place = Place::new();
    place.run(&["facts", "ls"]).assert_ok();
    let tables = place.home().join("store").join("tables.redb");
    let garbage = vec![0x5a; 8192];
    fs::write(&tables, &garbage).unwrap();
    place
        .run(&["facts", "ls"])
        .assert_fails(69, &["damaged", "store"]);
    assert_eq!(
        fs::read(&tables).unwrap(),
        garbage,
        "a refused store was changed"
    );
}

/// Puts facts into the store of the place's home, and leaves it open.
async fn with_facts(place: &Place, episode: EpisodeId) -> Environment {
    let store = place.home().join("store");
    let environment = Environment::open(&store, EnvironmentOptions::default()).unwrap();
    let note = |text| {
        let draft = FactDraft::new("note@1".parse().unwrap(), json!(text));
        (draft, Provenance::default())
    };
    let transaction = Transaction {
        episode: Some(episode),
        begins: vec![EpisodeRecord::new(episode)],
        facts: ["one", "two", "three"].map(note).into(),
        ..Transaction::default()
    };
    environment.commit(transaction).await.unwrap();
    environment
}

#[tokio::test]
async fn a_store_in_use_by_another_process_is_said_so() {
    let place = Place::new();
    let environment = with_facts(&place, EpisodeId::random()).await;
    place
        .run(&["facts", "ls"])
        .assert_fails(69, &["in use", "stop that process"]);
    environment.close().await.unwrap();
    assert_eq!(
        place
            .run(&["facts", "ls"])
            .assert_ok()
            .stdout
            .lines()
            .count(),
        3
    );
}

#[tokio::test]
async fn facts_are_listed_shown_and_forgotten() {
    let place = Place::new();
    let episode = EpisodeId::random();
    with_facts(&place, episode).await.close().await.unwrap();
    let facts = place
        .run(&["facts", "ls", "--json", "--from", "2"])
        .assert_ok()
        .document();
    assert_eq!(facts[0]["value"], "two");
    assert_eq!(facts.as_array().unwrap().len(), 2);
    let fact = place
        .run(&["facts", "show", "3", "--json"])
        .assert_ok()
        .document();
    assert_eq!(
        (&fact["value"], &fact["kind"]),
        (&json!("three"), &json!("note@1"))
    );
    let other = place
        .run(&["facts", "ls", "--json", "--kind", "other"])
        .assert_ok()
        .document();
    assert_eq!(other, json!([]));
    let id = episode.to_string();
    let forgotten = place
        .run(&["facts", "forget", &id, "--json"])
        .assert_ok()
        .document();
    assert_eq!(forgotten["facts"], 3);
    assert_eq!(place.run(&["facts", "ls"]).assert_ok().stdout, "");
}

#[tokio::test]
async fn an_export_comes_back_by_import_through_files_and_pipes() {
    let place = Place::new();
    with_facts(&place, EpisodeId::random())
        .await
        .close()
        .await
        .unwrap();
    let piped = place.run(&["facts", "export"]).assert_ok().stdout.clone();
    place.run(&["facts", "export", "out.jsonl"]).assert_ok();
    assert_eq!(
        fs::read_to_string(place.here().join("out.jsonl")).unwrap(),
        piped
    );
    let left: Vec<_> = fs::read_dir(place.home()).unwrap().collect();
    assert_eq!(left.len(), 1, "a temporary file was left: {left:?}");

    let other = Place::new();
    let imported = other.run_with_input(&["facts", "import", "-", "--json"], piped.as_bytes());
    assert_eq!(imported.assert_ok().document()["facts"], 3);
    let file = place.here().join("out.jsonl").display().to_string();
    let imported = other.run(&["facts", "import", &file]);
    assert!(
        imported.assert_ok().stdout.starts_with("imported 3 facts"),
        "{imported:?}"
    );
    assert_eq!(
        other
            .run(&["facts", "ls"])
            .assert_ok()
            .stdout
            .lines()
            .count(),
        6
    );
}

#[tokio::test]
async fn an_import_that_is_none_changes_nothing() {
    let place = Place::new();
    with_facts(&place, EpisodeId::random())
        .await
        .close()
        .await
        .unwrap();
    let piped = place.run(&["facts", "export"]).stdout;
    let other = Place::new();
    other.file("truncated", &piped[..piped.len() - 20]);
    other.file("garbage", b"\xff\xfe\x00");
    for name in ["truncated", "garbage"] {
        other
            .run(&["facts", "import", name])
            .assert_fails(65, &["line"]);
    }
    other
        .run(&["facts", "import", "nothing"])
        .assert_fails(65, &["nothing"]);
    other
        .run(&["facts", "import", "."])
        .assert_fails(65, &["folder"]);
    assert_eq!(other.run(&["facts", "ls"]).assert_ok().stdout, "");
}
