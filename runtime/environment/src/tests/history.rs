//! Retention, compaction, forgetting, export and import.

use std::io::{Cursor, Read};
use std::time::Duration;

use aimass_config::Retention;

use super::*;

fn keeping(max_facts: u64) -> EnvironmentOptions {
    EnvironmentOptions {
        retention: Retention {
            max_facts: Some(max_facts),
            max_age: None,
        },
        ..EnvironmentOptions::default()
    }
}

#[tokio::test]
async fn g7_a_subscription_past_retention_is_told_the_oldest_revision() {
    let environment = Environment::in_memory(keeping(10)).unwrap();
    environment
        .commit(saying([keyed("plan", 0)]))
        .await
        .unwrap();
    environment
        .commit(saying((1..100).map(draft)))
        .await
        .unwrap();
    environment.compact().await.unwrap();
    let kept = numbers(&all(&environment));
    assert_eq!(kept[0], 0, "the latest fact of a key was removed");
    assert_eq!(kept.len(), 10);
    let mut late = environment.subscribe_from(Revision(0), FactFilter::default());
    let Err(EnvironmentError::Compacted { oldest }) = late.next().await else {
        panic!("skipped without saying so");
    };
    let mut next = environment.subscribe_from(Revision(oldest.0 - 1), FactFilter::default());
    assert_eq!(next.next().await.unwrap().revision, oldest);
}

#[tokio::test]
async fn history_is_trimmed_without_being_asked_and_by_age() {
    let environment = Environment::in_memory(keeping(100)).unwrap();
    for start in (0..5000).step_by(50) {
        environment
            .commit(saying((start..start + 50).map(draft)))
            .await
            .unwrap();
    }
    assert!(environment.snapshot().unwrap().len().unwrap() < 1200);

    let mut options = keeping(u64::MAX);
    options.retention.max_age = Some(Duration::from_secs(60));
    let environment = Environment::in_memory(options).unwrap();
    let settle = Transaction {
        accepted: vec![task(1, None)],
        settled: vec![settled(1)],
        ..saying((0..5).map(draft))
    };
    environment.commit(settle).await.unwrap();
    let now = SystemTime::now();
    assert_eq!(environment.compact_at(now).await.unwrap().facts, 0);
    let later = environment
        .compact_at(now + Duration::from_secs(120))
        .await
        .unwrap();
    assert_eq!((later.facts, later.settled), (5, 1));
}

/// How many entries a table has.
fn entries(environment: &Environment, table: tables::Table) -> u64 {
    use redb::ReadableTableMetadata;
    let read = environment.shared.tables.read().unwrap();
    let table = read.open_table(table.definition()).unwrap();
    table.len().unwrap()
}

/// An episode with a fact and a task from its beginning to its end; every third one is given up.
async fn live_through(environment: &Environment, number: u128) {
    let id = EpisodeId::from_u128(number);
    let begin = Transaction {
        begins: vec![EpisodeRecord::new(id)],
        episode: Some(id),
        accepted: vec![task(number, Some(id))],
        ..saying([draft(number as u64)])
    };
    let begun = environment.commit(begin).await.unwrap();
    let letter = |number| DeadLetterRecord::new(task(number, None), json!("panic"));
    let end = Transaction {
        settled: vec![settled(number)],
        dead_letters: match number % 3 {
            0 => vec![letter(number), letter(number + (1 << 64))],
            _ => Vec::new(),
        },
        cursors: vec![(REACTIONS_CURSOR.to_owned(), begun.revisions[0])],
        finishes: vec![id],
        ..Transaction::default()
    };
    environment.commit(end).await.unwrap();
}

#[tokio::test]
async fn many_episodes_leave_no_more_behind_than_may_stay() {
    let environment = Environment::in_memory(keeping(100)).unwrap();
    let (open, waiting) = (EpisodeId::from_u128(1 << 70), EpisodeId::from_u128(1 << 71));
    let begin = Transaction {
        begins: vec![EpisodeRecord::new(open), EpisodeRecord::new(waiting)],
        episode: Some(open),
        accepted: vec![task(1 << 70, Some(open))],
        ..saying([draft(0)])
    };
    environment.commit(begin).await.unwrap();
    for number in 1..=2000 {
        live_through(&environment, number).await;
    }
    for table in tables::Table::ALL {
        let entries = entries(&environment, table);
        // What may stay, an eighth more, and the two that are open; the facts of open episodes go as others do.
        assert!(entries <= 100 + 100 / 8 + 5, "{table:?} has {entries}");
    }
    let snapshot = environment.snapshot().unwrap();
    for id in [open, waiting] {
        assert!(snapshot.episode(id).unwrap().is_some(), "it is not over");
    }
    assert!(snapshot.episode(EpisodeId::from_u128(1)).unwrap().is_none());
    assert!(
        snapshot
            .episode(EpisodeId::from_u128(2000))
            .unwrap()
            .is_some()
    );
    assert!(
        snapshot
            .dead_letter(TaskId::from_u128(1998))
            .unwrap()
            .is_some()
    );
    // The open one ends at last, and goes as the others went.
    let end = Transaction {
        settled: vec![settled(1 << 70)],
        ..Transaction::default()
    };
    environment.commit(end).await.unwrap();
    for number in 2001..=2200 {
        live_through(&environment, number).await;
    }
    let snapshot = environment.snapshot().unwrap();
    assert!(snapshot.episode(open).unwrap().is_none());
}

/// How many facts were looked at while so many commits of one fact each came, and how many facts are left.
fn looked_at(max_facts: u64, commits: u64, draft: impl Fn(u64) -> FactDraft) -> (u64, u64) {
    let options = keeping(max_facts);
    let media = Box::new(MemoryMedia::new());
    let mut store = Store::open(media, PathBuf::new(), &options).unwrap();
    let blobs = Blobs::in_memory();
    let clock = Clock::start();
    let mut trimming = trimming::Trimming::new(&options, clock.now());
    let mut seen = 0;
    for nth in 0..commits {
        let transaction = saying([draft(nth)]);
        let append = |batch: &mut tables::Batch<'_>| apply::apply(batch, &blobs, transaction, 0);
        store.write(0, append).unwrap();
        seen += trimming
            .after_commit(&mut store, &options, clock.now(), 1)
            .unwrap();
    }
    let snapshot = Snapshot::new(store.tables().read().unwrap());
    (seen, snapshot.len().unwrap())
}

#[test]
fn facts_that_stay_do_not_make_each_commit_look_through_all() {
    let each_its_key = |nth: u64| keyed(&format!("feedback-{nth}"), nth);
    let keys_and_history = |nth: u64| match nth % 2 {
        0 => each_its_key(nth),
        _ => draft(nth),
    };
    let few_keys = |nth: u64| keyed(&format!("plan-{}", nth % 50), nth);
    // What is kept by keys, by keys and by number, and by number alone.
    type Nth<'a> = &'a dyn Fn(u64) -> FactDraft;
    let cases = [
        ("keys", &each_its_key as Nth<'_>, 3000),
        ("keys between others", &keys_and_history, 1500),
        ("the same keys", &few_keys, 100),
        ("no keys", &draft, 100),
    ];
    for (case, draft, kept) in cases {
        let (seen, left) = looked_at(100, 3000, draft);
        assert!(
            seen <= 10 * 3000,
            "{case}: {seen} facts seen in 3,000 commits"
        );
        let most = kept + kept / 8 + 1;
        assert!(
            (kept.min(100)..=most).contains(&left),
            "{case}: {left} left"
        );
    }
}

#[tokio::test]
async fn a_commit_of_many_facts_is_trimmed_as_fast_as_it_comes() {
    let environment = Environment::in_memory(keeping(100)).unwrap();
    for start in (0..100_000).step_by(5000) {
        let many = saying((start..start + 5000).map(draft));
        environment.commit(many).await.unwrap();
    }
    environment.commit(saying([draft(0)])).await.unwrap();
    let left = environment.snapshot().unwrap().len().unwrap();
    assert!(left <= 100 + 100 / 8 + 1, "{left} are left");
}

#[tokio::test]
async fn g7_a_latest_fact_that_goes_late_opens_no_gap_that_nobody_is_told() {
    let environment = Environment::in_memory(keeping(10)).unwrap();
    environment
        .commit(saying([keyed("plan", 0)]))
        .await
        .unwrap();
    let history = saying((1..100).map(draft));
    environment.commit(history).await.unwrap();
    environment.compact().await.unwrap();
    let oldest = environment.snapshot().unwrap().oldest().unwrap();
    // The first fact is no longer the latest of its key, and goes after those that came after it.
    environment
        .commit(saying([keyed("plan", 100)]))
        .await
        .unwrap();
    environment.compact().await.unwrap();
    assert_eq!(numbers(&all(&environment))[0], 91);
    assert!(environment.snapshot().unwrap().oldest().unwrap() >= oldest);
    let mut late = environment.subscribe_from(Revision(5), FactFilter::default());
    let refused = late.next().await;
    assert!(
        matches!(refused, Err(EnvironmentError::Compacted { .. })),
        "skipped without saying so: {refused:?}"
    );
}

#[tokio::test]
async fn what_is_too_old_goes_with_its_episode_without_being_asked() {
    let mut options = keeping(u64::MAX);
    options.retention.max_age = Some(Duration::ZERO);
    let environment = Environment::in_memory(options).unwrap();
    live_through(&environment, 3).await;
    // The clock has to move on by a millisecond, and a commit has to come.
    while entries(&environment, tables::Table::Episodes) > 0 {
        environment.commit(saying([draft(0)])).await.unwrap();
    }
    assert_eq!(entries(&environment, tables::Table::DeadLetters), 0);
    assert_eq!(entries(&environment, tables::Table::Settled), 0);
}

#[tokio::test]
async fn a_fact_that_waits_for_its_reactions_is_not_history() {
    let environment = Environment::in_memory(keeping(0)).unwrap();
    let id = EpisodeId::from_u128(1);
    let transaction = Transaction {
        begins: vec![EpisodeRecord::new(id)],
        episode: Some(id),
        ..saying((0..5).map(draft))
    };
    environment.commit(transaction).await.unwrap();
    assert_eq!(environment.compact().await.unwrap().facts, 0);
    let reacted = Transaction {
        cursors: vec![(REACTIONS_CURSOR.to_owned(), Revision(3))],
        ..Transaction::default()
    };
    environment.commit(reacted).await.unwrap();
    environment.compact().await.unwrap();
    assert_eq!(numbers(&all(&environment)), [3, 4]);
}

#[tokio::test]
async fn forget_leaves_nothing_of_an_episode_and_all_of_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let environment = open(dir.path());
    let shared = environment.put_blob(&b"shared"[..]).unwrap().hash;
    let own = environment.put_blob(&b"my own secret"[..]).unwrap().hash;
    let ids = [EpisodeId::from_u128(1), EpisodeId::from_u128(2)];
    for (at, id) in ids.into_iter().enumerate() {
        let mut fact = keyed("name", at as u64);
        fact.blobs = if at == 0 {
            vec![shared, own]
        } else {
            vec![shared]
        };
        let transaction = Transaction {
            begins: vec![EpisodeRecord::new(id)],
            episode: Some(id),
            accepted: vec![task(10 + at as u128, Some(id))],
            ..saying([fact])
        };
        environment.commit(transaction).await.unwrap();
    }
    let forgotten = environment.forget(ids[0]).await.unwrap();
    assert_eq!((forgotten.facts, forgotten.blobs), (1, 1));
    assert_eq!(forgotten.unsettled, [TaskId::from_u128(10)]);
    assert_eq!(numbers(&all(&environment)), [1]);
    assert!(environment.open_blob(own).is_err());
    assert!(environment.open_blob(shared).is_ok());
    let snapshot = environment.snapshot().unwrap();
    assert_eq!(snapshot.episodes().unwrap().len(), 1);
    assert_eq!(snapshot.unsettled().unwrap().len(), 1);
    let late = Transaction {
        settled: vec![settled(10)],
        ..saying([draft(9)])
    };
    let late = environment.commit(late).await;
    assert!(matches!(late, Err(EnvironmentError::UnknownTask { .. })));
    let again = environment.forget(ids[0]).await;
    assert!(matches!(
        again,
        Err(EnvironmentError::UnknownEpisode { .. })
    ));
}

/// An environment with an episode, a blob of several pieces, and a chain of causes.
async fn told() -> Environment {
    let environment = memory();
    let content: Vec<u8> = (0..100_000u32).map(|at| at as u8).collect();
    let mut first = keyed("plan", 0);
    first.blobs = vec![environment.put_blob(&content[..]).unwrap().hash];
    let id = EpisodeId::from_u128(1);
    let transaction = Transaction {
        begins: vec![EpisodeRecord::new(id)],
        episode: Some(id),
        ..saying([first])
    };
    environment.commit(transaction).await.unwrap();
    for number in 1..600 {
        let caused = Provenance {
            cause: Some(Revision(number)),
            ..Provenance::default()
        };
        let transaction = Transaction {
            facts: vec![(draft(number), caused)],
            ..Transaction::default()
        };
        environment.commit(transaction).await.unwrap();
    }
    environment
}

#[tokio::test]
async fn what_was_exported_is_imported_at_new_revisions() {
    let mut lines = Vec::new();
    let from = told().await;
    assert_eq!(from.export(FactFilter::default(), &mut lines).unwrap(), 600);
    let into = memory();
    into.commit(saying([draft(1000)])).await.unwrap();
    let imported = into.import(Cursor::new(&lines)).unwrap();
    assert_eq!((imported.facts, imported.blobs), (600, 1));
    let facts = all(&into);
    assert_eq!(numbers(&facts)[1..], (0..600).collect::<Vec<_>>());
    for fact in &facts[2..] {
        assert_eq!(fact.provenance.cause, Some(Revision(fact.revision.0 - 1)));
    }
    let mut content = Vec::new();
    into.open_blob(facts[1].blobs[0])
        .unwrap()
        .read_to_end(&mut content)
        .unwrap();
    assert_eq!(content.len(), 100_000);
    let status = into
        .snapshot()
        .unwrap()
        .episode(EpisodeId::from_u128(1))
        .unwrap()
        .unwrap();
    assert!(status.done && status.is_idle());
}

#[tokio::test]
async fn an_import_of_garbage_names_the_line_and_brings_nothing() {
    let mut lines = Vec::new();
    told()
        .await
        .export(FactFilter::default(), &mut lines)
        .unwrap();
    let text = String::from_utf8(lines).unwrap();
    let garbled = [
        (3, text.replacen("0a0b0c", "0a0b0d", 1).into_bytes()),
        (
            7,
            text.lines()
                .take(6)
                .chain(["{\"fact\":7}"])
                .collect::<Vec<_>>()
                .join("\n")
                .into(),
        ),
        (1, vec![b'x'; 4 << 20]),
        (1, vec![0xff; 10]),
    ];
    for (line, bytes) in garbled {
        let into = memory();
        let refused = into.import(Cursor::new(bytes)).unwrap_err();
        let EnvironmentError::Import { line: found, .. } = refused else {
            panic!("expected the line, got {refused}");
        };
        assert!(
            found >= line && found <= line + 2,
            "line {found} was blamed, not {line}"
        );
        assert!(all(&into).is_empty());
    }
}
