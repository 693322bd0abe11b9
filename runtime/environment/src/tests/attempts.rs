//! Attempts that end with their process.

use super::*;
use crate::ids::SpanId;

#[tokio::test]
async fn an_attempt_is_told_once_by_the_process_after_its_own_and_stays_to_be_linked() {
    let dir = tempfile::tempdir().unwrap();
    let id = TaskId::from_u128(1);
    let spans = [11, 12, 13].map(SpanId::from_u64);
    let told = |life: &Life| -> Vec<(SpanId, Option<SpanId>)> {
        let attempts = life.interrupted.iter();
        attempts
            .map(|ended| (ended.attempt.span, ended.earlier))
            .collect()
    };
    let begin = async |environment: &Environment, span| {
        let begins = BeginningAttempt {
            task: id,
            span: Some(span),
        };
        environment.note_attempt(begins).await.unwrap();
    };
    let record = |environment: &Environment| {
        let snapshot = environment.snapshot().unwrap();
        snapshot.task(id).unwrap().unwrap()
    };

    let environment = open(dir.path());
    environment.begin_life().await.unwrap();
    let accept = Transaction {
        accepted: vec![task(1, None)],
        ..Transaction::default()
    };
    environment.commit(accept).await.unwrap();
    begin(&environment, spans[0]).await;
    let began = record(&environment).attempt;
    begin(&environment, spans[0]).await;
    assert_eq!(record(&environment).attempt, began, "a second run of it");
    drop(environment);

    let environment = open(dir.path());
    let life = environment.begin_life().await.unwrap();
    assert_eq!(told(&life), [(spans[0], None)]);
    assert_eq!(record(&environment).earlier, Some(spans[0]));
    drop(environment);

    let environment = open(dir.path());
    let life = environment.begin_life().await.unwrap();
    assert!(life.died);
    assert_eq!(told(&life), [], "it has not begun since");
    begin(&environment, spans[1]).await;
    drop(environment);

    let environment = open(dir.path());
    let life = environment.begin_life().await.unwrap();
    assert_eq!(told(&life), [(spans[1], Some(spans[0]))]);
    begin(&environment, spans[2]).await;
    environment.close().await.unwrap();

    let environment = open(dir.path());
    let life = environment.begin_life().await.unwrap();
    assert_eq!(life, Life::default(), "its own process told it");
    assert_eq!(record(&environment).earlier, Some(spans[2]));
}
