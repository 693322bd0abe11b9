//! Facts, conditions, snapshots, followers and blobs.

use std::io::{Read, Seek, SeekFrom};
use std::time::Duration;

use super::*;

#[tokio::test]
async fn g7_facts_have_one_total_order_from_concurrent_writers() {
    let environment = memory();
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..20 {
        let environment = environment.clone();
        writers.spawn(async move {
            for number in 0..10 {
                let commit = environment
                    .commit(saying([
                        draft(writer * 100 + number),
                        draft(writer * 100 + number),
                    ]))
                    .await
                    .unwrap();
                assert_eq!(commit.revisions[1].0, commit.revisions[0].0 + 1);
            }
        });
    }
    while let Some(done) = writers.join_next().await {
        done.unwrap();
    }
    let facts = all(&environment);
    let revisions: Vec<u64> = facts.iter().map(|fact| fact.revision.0).collect();
    assert_eq!(revisions, (1..=400).collect::<Vec<_>>());
    for writer in 0..20 {
        let own: Vec<u64> = numbers(&facts)
            .into_iter()
            .filter(|number| number / 100 == writer)
            .collect();
        assert!(own.is_sorted() && own.len() == 20);
    }
}

#[tokio::test]
async fn compare_and_set_lets_one_of_two_win() {
    let environment = memory();
    let set = |number, expected| Transaction {
        conditions: vec![Condition {
            key: "plan".to_owned(),
            expected,
        }],
        ..saying([keyed("plan", number)])
    };
    let first = environment.commit(set(1, None)).await.unwrap().revisions[0];
    let refused = environment.commit(set(2, None)).await.unwrap_err();
    assert!(
        matches!(refused, EnvironmentError::Conflict { found: Some(found), .. } if found == first)
    );
    environment.commit(set(3, Some(first))).await.unwrap();
    let latest = environment
        .snapshot()
        .unwrap()
        .get(&default_namespace(), "plan")
        .unwrap()
        .unwrap();
    assert_eq!(latest.value["number"], 3);
    assert_eq!(numbers(&all(&environment)), [1, 3]);
}

/// The half of G9 that the environment promises already; feedback will be such facts.
#[tokio::test]
async fn g9_what_is_said_under_its_own_key_counts_once_however_often_it_is_sent() {
    let dir = tempfile::tempdir().unwrap();
    let feedback = |position| Transaction {
        conditions: vec![Condition {
            key: "feedback/client/1".to_owned(),
            expected: None,
        }],
        cursors: vec![("learner".to_owned(), Revision(position))],
        ..saying([keyed("feedback/client/1", 1)])
    };
    let environment = open(dir.path());
    environment.commit(saying([draft(0)])).await.unwrap();
    let first = environment.commit(feedback(1)).await.unwrap().revisions[0];
    // Neither a second sending nor one after a restart counts again, nor moves what would be learned from it.
    let again = |refused: Result<Commit, EnvironmentError>| matches!(refused, Err(EnvironmentError::Conflict { found: Some(found), .. }) if found == first);
    assert!(again(environment.commit(feedback(2)).await));
    environment.close().await.unwrap();
    drop(environment);
    let environment = open(dir.path());
    assert!(again(environment.commit(feedback(2)).await));
    assert_eq!(numbers(&all(&environment)), [0, 1]);
    let snapshot = environment.snapshot().unwrap();
    assert_eq!(snapshot.cursor("learner").unwrap(), Revision(1));
}

#[tokio::test]
async fn namespaces_keep_keys_apart() {
    let environment = memory();
    for (name, number) in [("a", 1), ("b", 2)] {
        let transaction = Transaction {
            namespace: Namespace(name.into()),
            ..saying([keyed("plan", number)])
        };
        environment.commit(transaction).await.unwrap();
    }
    let snapshot = environment.snapshot().unwrap();
    let get = |name: &str| snapshot.get(&Namespace(name.into()), "plan").unwrap();
    assert_eq!(get("a").unwrap().value["number"], 1);
    assert_eq!(get("b").unwrap().value["number"], 2);
    assert_eq!(get("c"), None);
}

#[tokio::test]
async fn a_snapshot_does_not_see_later_commits() {
    let environment = memory();
    environment.commit(saying([draft(1)])).await.unwrap();
    let before = environment.snapshot().unwrap();
    environment.commit(saying([draft(2)])).await.unwrap();
    assert_eq!(
        (before.len().unwrap(), before.head().unwrap()),
        (1, Revision(1))
    );
    assert_eq!(all(&environment).len(), 2);
}

#[tokio::test]
async fn a_filter_finds_what_it_names() {
    let environment = memory();
    let mut other = keyed("house/1", 1);
    other.kind = kind("text@2");
    environment
        .commit(saying([other, keyed("house/2", 2), draft(3)]))
        .await
        .unwrap();
    let found = |filter: FactFilter| {
        let facts = environment.snapshot().unwrap().facts(filter).unwrap();
        numbers(&facts.collect::<Result<Vec<_>, _>>().unwrap())
    };
    let any = FactFilter::default;
    assert_eq!(
        found(FactFilter {
            kind: Some("text".into()),
            ..any()
        }),
        [1]
    );
    assert_eq!(
        found(FactFilter {
            key_prefix: Some("house/".into()),
            ..any()
        }),
        [1, 2]
    );
    let range = FactFilter {
        from: Some(Revision(2)),
        to: Some(Revision(2)),
        ..any()
    };
    assert_eq!(found(range), [2]);
}

#[tokio::test]
async fn g7_a_subscription_never_skips_and_a_watch_says_lagged() {
    let environment = memory();
    let mut watch = environment.watch(FactFilter::default());
    let mut subscription = environment.subscribe_from(Revision(0), FactFilter::default());
    let total = 3000;
    for start in (0..total).step_by(100) {
        environment
            .commit(saying((start..start + 100).map(draft)))
            .await
            .unwrap();
    }
    for number in 0..total {
        assert_eq!(subscription.next().await.unwrap().value["number"], number);
    }
    assert_eq!(subscription.position(), Revision(total));
    let Some(Err(Lagged(missed))) = watch.next().await else {
        panic!("expected to be told what was missed");
    };
    let next = watch.next().await.unwrap().unwrap();
    assert_eq!(
        next.value["number"], missed,
        "the count and the next fact disagree"
    );
}

#[tokio::test]
async fn a_subscription_wakes_on_append() {
    let environment = memory();
    let mut subscription = environment.subscribe_from(Revision(0), FactFilter::default());
    let waiting = async { subscription.next().await.unwrap() };
    let appending = environment.commit(saying([draft(7)]));
    let (fact, commit) = tokio::join!(waiting, appending);
    assert_eq!(
        (fact.revision, fact.value["number"].as_u64()),
        (Revision(1), Some(7))
    );
    commit.unwrap();
    environment.close().await.unwrap();
    assert!(matches!(
        subscription.next().await,
        Err(EnvironmentError::Closed)
    ));
}

#[tokio::test]
async fn a_blob_lives_while_a_fact_or_its_handle_does() {
    let environment = memory();
    let loose = environment.put_blob(&b"nobody's"[..]).unwrap();
    let kept = environment.put_blob(&b"hello, blob"[..]).unwrap();
    let mut fact = draft(1);
    fact.blobs = vec![kept.hash];
    environment.commit(saying([fact])).await.unwrap();
    let (loose_hash, kept_hash) = (loose.hash, kept.hash);
    drop(kept);
    assert_eq!(environment.compact().await.unwrap().blobs, 0);
    drop(loose);
    assert_eq!(environment.compact().await.unwrap().blobs, 1);
    assert!(environment.open_blob(loose_hash).is_err());
    let mut reader = environment.open_blob(kept_hash).unwrap();
    reader.seek(SeekFrom::Start(7)).unwrap();
    let mut rest = String::new();
    reader.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "blob");
}

#[tokio::test]
async fn what_is_too_large_or_badly_named_or_unknown_is_refused() {
    let options = EnvironmentOptions {
        max_fact_bytes: 200,
        max_blob_bytes: 10,
        max_queued_bytes: 2048,
        ..EnvironmentOptions::default()
    };
    let environment = Environment::in_memory(options).unwrap();
    let mut large = draft(1);
    large.value = json!("x".repeat(200));
    let refused = environment.commit(saying([large])).await;
    assert!(matches!(
        refused,
        Err(EnvironmentError::TooLarge { what: "fact", .. })
    ));
    let many = environment.commit(saying((0..100).map(draft))).await;
    assert!(matches!(
        many,
        Err(EnvironmentError::TooLarge {
            what: "transaction",
            ..
        })
    ));
    let blob = environment.put_blob(std::io::repeat(7));
    assert!(matches!(
        blob,
        Err(EnvironmentError::TooLarge { what: "blob", .. })
    ));
    let named = environment.commit(saying([keyed("a\0b", 1)])).await;
    assert!(matches!(
        named,
        Err(EnvironmentError::BadName { what: "key", .. })
    ));
    let mut dangling = draft(1);
    dangling.blobs = vec![BlobHash([7; 32])];
    let dangling = environment.commit(saying([dangling])).await;
    assert!(matches!(
        dangling,
        Err(EnvironmentError::UnknownBlob { .. })
    ));
    assert!(all(&environment).is_empty());
}

#[tokio::test]
async fn two_environments_live_side_by_side_and_one_store_has_one_owner() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let one = open(folders[0].path());
    let two = open(folders[1].path());
    one.commit(saying([draft(1)])).await.unwrap();
    assert!(all(&two).is_empty());
    let refused = Environment::open(folders[0].path(), EnvironmentOptions::default());
    let Err(EnvironmentError::InUse { pid, .. }) = refused else {
        panic!("a second owner was let in");
    };
    assert_eq!(pid, Some(std::process::id()));
    drop(one);
    assert_eq!(numbers(&all(&open(folders[0].path()))), [1]);
}

#[tokio::test]
async fn g6_facts_survive_close_and_drop_under_every_policy() {
    let policies = [
        Fsync::Always,
        Fsync::Every(Duration::from_millis(5)),
        Fsync::Never,
    ];
    for fsync in policies {
        let dir = tempfile::tempdir().unwrap();
        let options = EnvironmentOptions {
            fsync,
            ..EnvironmentOptions::default()
        };
        for round in 0..4 {
            let environment = Environment::open(dir.path(), options.clone()).unwrap();
            assert_eq!(numbers(&all(&environment)), (0..round).collect::<Vec<_>>());
            environment.commit(saying([draft(round)])).await.unwrap();
            if round % 2 == 0 {
                environment.close().await.unwrap();
            }
        }
    }
}

#[test]
fn a_blocking_caller_needs_no_async_runtime() {
    let environment = memory();
    let commit = environment.commit_blocking(saying([draft(1)])).unwrap();
    assert_eq!(commit.revisions, [Revision(1)]);
}
