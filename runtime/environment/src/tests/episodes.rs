//! Episodes, accepted and settled tasks, dead letters, cursors.

use super::*;

const EPISODE: u128 = 77;

fn episode() -> EpisodeId {
    EpisodeId::from_u128(EPISODE)
}

async fn begun() -> Environment {
    let environment = memory();
    environment
        .begin_episode(EpisodeRecord::new(episode()))
        .await
        .unwrap();
    environment
}

fn by_task(number: u128) -> Provenance {
    Provenance {
        task: Some(TaskId::from_u128(number)),
        ..Provenance::default()
    }
}

fn reacted(to: u64) -> Transaction {
    Transaction {
        cursors: vec![(REACTIONS_CURSOR.to_owned(), Revision(to))],
        ..Transaction::default()
    }
}

#[tokio::test]
async fn g1_quiescence_is_exact_through_a_round() {
    let environment = begun().await;
    let mut watch = environment.watch_episode(episode()).unwrap();
    let input = Transaction {
        episode: Some(episode()),
        ..saying([draft(1)])
    };
    let status = environment.commit(input.clone()).await.unwrap();
    let status = status.episode(episode()).unwrap();
    assert_eq!(
        (status.round, status.pending_reactions, status.is_idle()),
        (1, 1, false)
    );

    let mut reaction = task(1, Some(episode()));
    reaction.rule = Some("embed".to_owned());
    let commit = Transaction {
        accepted: vec![reaction],
        ..reacted(1)
    };
    let commit = environment.commit(commit).await.unwrap();
    let status = commit.episode(episode()).unwrap();
    assert_eq!((status.outstanding, status.pending_reactions), (1, 0));
    assert_eq!((status.reactions_fired, status.round), (1, 1));

    let settle = Transaction {
        episode: Some(episode()),
        facts: vec![(draft(2), by_task(1))],
        settled: vec![settled(1)],
        ..Transaction::default()
    };
    let commit = environment.commit(settle).await.unwrap();
    assert!(
        !commit.is_idle(episode()),
        "the new fact still waits for its reactions"
    );
    let commit = environment.commit(reacted(2)).await.unwrap();
    assert!(commit.is_idle(episode()));

    environment.commit(input).await.unwrap();
    watch.mark_changed();
    let status = watch.borrow_and_update().clone();
    assert_eq!((status.round, status.facts, status.done), (2, 3, false));
}

#[tokio::test]
async fn g1_accepting_twice_is_known_and_settling_twice_refuses_the_whole() {
    let environment = begun().await;
    let accept = || Transaction {
        accepted: vec![task(1, Some(episode())), task(1, Some(episode()))],
        ..Transaction::default()
    };
    let id = TaskId::from_u128(1);
    assert_eq!(environment.commit(accept()).await.unwrap().known, [id]);
    assert_eq!(environment.commit(accept()).await.unwrap().known, [id, id]);
    environment.note_attempt(id).await.unwrap();
    assert_eq!(
        environment.snapshot().unwrap().unsettled().unwrap()[0].attempts,
        1
    );

    let settle = |number| Transaction {
        settled: vec![settled(1)],
        ..saying([draft(number)])
    };
    environment.commit(settle(1)).await.unwrap();
    let refused = environment.commit(settle(2)).await;
    assert!(matches!(refused, Err(EnvironmentError::AlreadySettled { task }) if task == id));
    assert_eq!(
        numbers(&all(&environment)),
        [1],
        "the facts of the second settlement are there"
    );
    assert_eq!(environment.commit(accept()).await.unwrap().known, [id, id]);
    let snapshot = environment.snapshot().unwrap();
    assert_eq!(
        snapshot.settled(id).unwrap().unwrap().outcome,
        json!({ "ok": 1 })
    );
    assert_eq!(snapshot.episode(episode()).unwrap().unwrap().outstanding, 0);
}

#[tokio::test]
async fn what_nobody_began_is_refused() {
    let environment = memory();
    let unknown = Transaction {
        settled: vec![settled(9)],
        ..saying([draft(1)])
    };
    let refused = environment.commit(unknown).await;
    assert!(matches!(refused, Err(EnvironmentError::UnknownTask { .. })));
    let unknown = Transaction {
        episode: Some(episode()),
        ..saying([draft(1)])
    };
    let refused = environment.commit(unknown).await;
    assert!(matches!(
        refused,
        Err(EnvironmentError::UnknownEpisode { .. })
    ));
    assert!(all(&environment).is_empty());
}

#[tokio::test]
async fn a_dead_letter_keeps_input_cause_and_its_redrive() {
    let environment = memory();
    let given_up = Transaction {
        accepted: vec![task(1, None)],
        settled: vec![settled(1)],
        dead_letters: vec![DeadLetterRecord::new(
            task(1, None),
            json!("panicked alone"),
        )],
        ..Transaction::default()
    };
    environment.commit(given_up).await.unwrap();
    let redrive = Transaction {
        accepted: vec![TaskRecord {
            redrive_of: Some(TaskId::from_u128(1)),
            ..task(2, None)
        }],
        redriven: vec![(TaskId::from_u128(1), TaskId::from_u128(2))],
        ..Transaction::default()
    };
    environment.commit(redrive).await.unwrap();
    let letter = environment
        .snapshot()
        .unwrap()
        .dead_letter(TaskId::from_u128(1))
        .unwrap()
        .unwrap();
    assert_eq!(
        (letter.task.input, letter.cause),
        (json!("hello"), json!("panicked alone"))
    );
    assert_eq!(letter.redriven_as, Some(TaskId::from_u128(2)));
    let unknown = Transaction {
        redriven: vec![(TaskId::from_u128(5), TaskId::from_u128(6))],
        ..Transaction::default()
    };
    let refused = environment.commit(unknown).await;
    assert!(matches!(
        refused,
        Err(EnvironmentError::UnknownDeadLetter { .. })
    ));
}

#[tokio::test]
async fn a_cursor_neither_goes_back_nor_ahead_of_the_log() {
    let environment = memory();
    environment.commit(saying((0..5).map(draft))).await.unwrap();
    for to in [3, 9, 4] {
        environment.commit(reacted(to)).await.unwrap();
    }
    let snapshot = environment.snapshot().unwrap();
    assert_eq!(snapshot.cursor(REACTIONS_CURSOR).unwrap(), Revision(5));
    assert_eq!(snapshot.cursor("other").unwrap(), Revision(0));
}

#[tokio::test]
async fn g1_accepted_tasks_are_found_again_after_the_process() {
    let dir = tempfile::tempdir().unwrap();
    let environment = open(dir.path());
    let accept = Transaction {
        begins: vec![EpisodeRecord::new(episode())],
        accepted: (1..=3)
            .map(|number| task(number, Some(episode())))
            .collect(),
        ..Transaction::default()
    };
    environment.commit(accept).await.unwrap();
    let settle = Transaction {
        settled: vec![settled(2)],
        ..Transaction::default()
    };
    environment.commit(settle).await.unwrap();
    drop(environment);
    let environment = open(dir.path());
    let snapshot = environment.snapshot().unwrap();
    let left: Vec<u128> = snapshot
        .unsettled()
        .unwrap()
        .iter()
        .map(|task| task.id.to_u128())
        .collect();
    assert_eq!(left, [1, 3]);
    assert_eq!(snapshot.episode(episode()).unwrap().unwrap().outstanding, 2);
}

/// A life that ends in the middle of what it does, and whose successor is another process for all it knows.
async fn die(dir: &Path, alone: bool) -> TaskRecord {
    let environment = open(dir);
    environment.begin_life().await.unwrap();
    let id = TaskId::from_u128(1);
    let known = environment.snapshot().unwrap().task(id).unwrap();
    if known.is_none() {
        let accept = Transaction {
            accepted: vec![task(1, None), task(2, None)],
            ..Transaction::default()
        };
        environment.commit(accept).await.unwrap();
    }
    if alone {
        let running = Transaction {
            running: vec![(id, Running::Alone), (TaskId::from_u128(9), Running::Alone)],
            ..Transaction::default()
        };
        environment.commit(running).await.unwrap();
    }
    environment.note_attempt(id).await.unwrap();
    drop(environment);
    let environment = open(dir);
    assert!(environment.begin_life().await.unwrap().died, "it has died");
    let snapshot = environment.snapshot().unwrap();
    let waiting = snapshot.task(TaskId::from_u128(2)).unwrap().unwrap();
    assert_eq!(waiting.deaths, Deaths::default(), "it never ran");
    let record = snapshot.task(id).unwrap().unwrap();
    drop(snapshot);
    environment.close().await.unwrap();
    record
}

#[tokio::test]
async fn a_task_is_held_against_itself_only_where_it_ran_when_its_process_died() {
    let dir = tempfile::tempdir().unwrap();
    for times in 1..=3 {
        let record = die(dir.path(), false).await;
        assert_eq!((record.deaths.beside, record.deaths.alone), (times, 0));
        assert_eq!(record.attempts, 0, "the attempt came to no end of its own");
        assert_eq!(record.deaths.is_suspect(), times == 3);
    }
    for times in 1..=2 {
        let record = die(dir.path(), true).await;
        assert_eq!((record.deaths.beside, record.deaths.alone), (3, times));
        assert_eq!(record.deaths.is_convicted(), times == 2);
    }
}

#[tokio::test]
async fn an_environment_that_was_closed_had_no_death_and_one_that_was_only_looked_at_hides_none() {
    let dir = tempfile::tempdir().unwrap();
    let environment = open(dir.path());
    assert!(!environment.begin_life().await.unwrap().died);
    let accept = Transaction {
        accepted: vec![task(1, None)],
        ..Transaction::default()
    };
    environment.commit(accept).await.unwrap();
    let id = TaskId::from_u128(1);
    environment.note_attempt(id).await.unwrap();
    environment.close().await.unwrap();
    let environment = open(dir.path());
    assert!(!environment.begin_life().await.unwrap().died);
    let record = environment.snapshot().unwrap().task(id).unwrap().unwrap();
    assert_eq!((record.deaths, record.attempts), (Deaths::default(), 1));
    drop(environment);
    open(dir.path()).close().await.unwrap();
    assert!(open(dir.path()).begin_life().await.unwrap().died);
}
