//! Callers of `speech.listen` that fall silent: what ends their streams, and that their places are free again. Where nothing is said no model is needed.

use std::time::Duration;

use aimass_agents::speech::{Listen, Samples, SpeechAgent, Transcript};
use aimass_config::Config;
use aimass_runtime::{Chunks, Runtime, TaskError, TaskStream};
use tokio::time::Instant;

use super::listen::quick_live;
use super::transcribe::{samples_of, sentence, start};
use crate::cache;

/// How many calls of its flows an agent carries forward at once.
const PLACES: usize = 32;

type Stream = (Chunks<Listen>, TaskStream<Listen>);

async fn without_models() -> Runtime {
    let agent = SpeechAgent::new(cache::store(), None);
    let builder = Runtime::builder(Config::default()).agent(agent);
    builder.start().await.unwrap()
}

fn open(runtime: &Runtime, deadline: Option<Duration>) -> Stream {
    let ask = runtime.ask::<Listen>(quick_live());
    let ask = match deadline {
        Some(deadline) => ask.deadline(deadline),
        None => ask,
    };
    ask.open().unwrap()
}

fn nothing() -> Samples {
    Samples::new([]).unwrap()
}

/// A stream that is begun and ended; it is answered once there is a place for it.
async fn next_in_line(runtime: &Runtime) -> Transcript {
    let (chunks, items) = open(runtime, None);
    drop(chunks);
    items.output().await.unwrap()
}

#[tokio::test]
async fn callers_that_say_nothing_are_answered_at_their_deadline_and_give_their_places_up() {
    let runtime = without_models().await;
    let limit = Duration::from_secs(3600);
    let began = Instant::now();
    let silent: Vec<Stream> = (0..PLACES).map(|_| open(&runtime, Some(limit))).collect();
    // The hour passes as soon as everybody waits.
    tokio::time::pause();
    let transcript = next_in_line(&runtime).await;
    tokio::time::resume();
    assert_eq!(transcript, Transcript::default());
    assert!(began.elapsed() >= limit, "all places were taken");
    for (chunks, items) in silent {
        let error = items.output().await.unwrap_err();
        assert!(
            matches!(error, TaskError::DeadlineExceeded { .. }),
            "{error:?}"
        );
        let error = chunks.send(nothing()).await.unwrap_err();
        assert!(matches!(error, TaskError::Cancelled { .. }), "{error:?}");
    }
    runtime.shutdown().await;
}

#[tokio::test]
async fn callers_that_go_away_give_their_places_up() {
    let runtime = without_models().await;
    let silent: Vec<Stream> = (0..PLACES).map(|_| open(&runtime, None)).collect();
    let (chunks, items): (Vec<_>, Vec<_>) = silent.into_iter().unzip();
    chunks[0].send(nothing()).await.unwrap();
    drop(items);
    assert_eq!(next_in_line(&runtime).await, Transcript::default());
    for chunks in chunks {
        let error = chunks.send(nothing()).await.unwrap_err();
        assert!(matches!(error, TaskError::Cancelled { .. }), "{error:?}");
    }
    runtime.shutdown().await;
}

#[tokio::test]
async fn a_caller_that_drops_its_end_has_said_all() {
    let runtime = without_models().await;
    let (chunks, items) = open(&runtime, None);
    chunks.send(nothing()).await.unwrap();
    drop(chunks);
    assert_eq!(items.output().await.unwrap(), Transcript::default());
    runtime.shutdown().await;
}

#[tokio::test]
async fn a_caller_that_stops_in_the_middle_is_answered_at_its_deadline() {
    let runtime = start().await;
    let (chunks, mut items) = open(&runtime, Some(Duration::from_secs(3600)));
    let spoken = Samples::new(samples_of(&sentence())).unwrap();
    chunks.send(spoken).await.unwrap();
    let heard = items.next().await.unwrap().unwrap();
    assert_ne!(heard.tentative, "");
    // All of the chunk was heard, so nobody works any more: the hour passes.
    tokio::time::pause();
    let ended = items.next().await;
    tokio::time::resume();
    assert!(
        matches!(ended, Some(Err(TaskError::DeadlineExceeded { .. }))),
        "{ended:?}"
    );
    let error = chunks.send(nothing()).await.unwrap_err();
    assert!(matches!(error, TaskError::Cancelled { .. }), "{error:?}");
    assert_eq!(next_in_line(&runtime).await, Transcript::default());
    runtime.shutdown().await;
}
