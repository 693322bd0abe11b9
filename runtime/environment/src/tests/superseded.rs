//! Facts that take the place of others.

use std::io::Cursor;

use super::*;
use crate::{ModelVersion, Superseded};

/// A fact in the place of another.
fn corrected(number: u64, earlier: Revision) -> FactDraft {
    draft(number).superseding(earlier)
}

async fn say(environment: &Environment, draft: FactDraft) -> Revision {
    environment.commit(saying([draft])).await.unwrap().revisions[0]
}

fn history() -> FactFilter {
    FactFilter {
        superseded: Superseded::Included,
        ..FactFilter::default()
    }
}

fn found(environment: &Environment, filter: FactFilter) -> Vec<u64> {
    let snapshot = environment.snapshot().unwrap();
    let facts = snapshot.facts(filter).unwrap();
    numbers(&facts.collect::<Result<Vec<_>, _>>().unwrap())
}

#[tokio::test]
async fn readers_see_the_newest_and_the_log_keeps_all() {
    let environment = Environment::in_memory(EnvironmentOptions::default()).unwrap();
    let first = say(&environment, draft(1)).await;
    say(&environment, draft(2)).await;
    let second = say(&environment, corrected(3, first)).await;
    let third = say(&environment, corrected(4, second)).await;
    assert_eq!(found(&environment, FactFilter::default()), [2, 4]);
    assert_eq!(found(&environment, history()), [1, 2, 3, 4]);
    let snapshot = environment.snapshot().unwrap();
    for revision in [first, second, third] {
        assert_eq!(snapshot.newest(revision).unwrap(), third);
    }
    assert_eq!(
        snapshot.fact(third).unwrap().unwrap().supersedes,
        Some(second)
    );
    // A reader of the log sees each as it came.
    let mut log = environment.subscribe_from(Revision(0), FactFilter::default());
    for number in 1..=4 {
        assert_eq!(numbers(&[log.next().await.unwrap()]), [number]);
    }
}

#[tokio::test]
async fn a_fact_is_superseded_once_by_one_of_its_own_kind_and_tenant() {
    let environment = Environment::in_memory(EnvironmentOptions::default()).unwrap();
    let first = say(&environment, draft(1)).await;
    let by = say(&environment, corrected(2, first)).await;
    let again = environment.commit(saying([corrected(3, first)])).await;
    let expected = EnvironmentError::Superseded {
        revision: first,
        by,
    };
    assert_eq!(again.unwrap_err().to_string(), expected.to_string());
    let twice = saying([corrected(3, by), corrected(4, by)]);
    let twice = environment.commit(twice).await.unwrap_err();
    assert!(
        matches!(twice, EnvironmentError::Superseded { .. }),
        "{twice}"
    );
    let other_kind = FactDraft::new(FactKind::new("other", 1).unwrap(), json!(1)).superseding(by);
    let other_tenant = Transaction {
        namespace: Namespace("somebody".into()),
        ..saying([corrected(5, by)])
    };
    for refused in [
        saying([other_kind]),
        other_tenant,
        saying([corrected(6, Revision(99))]),
        saying([corrected(7, Revision(u64::MAX))]),
    ] {
        let error = environment.commit(refused).await.unwrap_err();
        assert!(
            matches!(error, EnvironmentError::NothingToSupersede { .. }),
            "{error}"
        );
        assert!(error.is_refusal());
    }
    assert_eq!(
        found(&environment, history()),
        [1, 2],
        "nothing was written"
    );
}

#[tokio::test]
async fn what_a_forgotten_fact_had_taken_the_place_of_counts_again() {
    let environment = Environment::in_memory(EnvironmentOptions::default()).unwrap();
    let first = say(&environment, draft(1)).await;
    let episode = EpisodeId::from_u128(7);
    let correction = Transaction {
        begins: vec![EpisodeRecord::new(episode)],
        episode: Some(episode),
        ..saying([corrected(2, first)])
    };
    environment.commit(correction).await.unwrap();
    assert_eq!(found(&environment, FactFilter::default()), [2]);
    environment.forget(episode).await.unwrap();
    assert_eq!(found(&environment, FactFilter::default()), [1]);
    say(&environment, corrected(3, first)).await;
    assert_eq!(found(&environment, FactFilter::default()), [3]);
}

#[tokio::test]
async fn an_export_holds_the_history_and_an_import_renumbers_it() {
    let environment = Environment::in_memory(EnvironmentOptions::default()).unwrap();
    let first = say(&environment, draft(1)).await;
    let provenance = Provenance {
        models: vec![ModelVersion::new("whisper@2")],
        ..Provenance::default()
    };
    let correction = Transaction {
        facts: vec![(corrected(2, first), provenance.clone())],
        ..Transaction::default()
    };
    environment.commit(correction).await.unwrap();
    let mut exported = Vec::new();
    let count = environment.export(FactFilter::default(), &mut exported);
    assert_eq!(count.unwrap(), 2);
    let other = Environment::in_memory(EnvironmentOptions::default()).unwrap();
    say(&other, draft(9)).await;
    other.import(Cursor::new(exported)).unwrap();
    assert_eq!(found(&other, history()), [9, 1, 2]);
    assert_eq!(found(&other, FactFilter::default()), [9, 2]);
    let newest = other.snapshot().unwrap().newest(Revision(2)).unwrap();
    assert_eq!(newest, Revision(3));
    let fact = other.snapshot().unwrap().fact(newest).unwrap().unwrap();
    assert_eq!(fact.provenance, provenance);
}

#[tokio::test]
async fn superseding_survives_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let open = || Environment::open(dir.path(), EnvironmentOptions::default()).unwrap();
    let environment = open();
    let first = say(&environment, draft(1)).await;
    say(&environment, corrected(2, first)).await;
    environment.close().await.unwrap();
    drop(environment);
    assert_eq!(found(&open(), FactFilter::default()), [2]);
}
