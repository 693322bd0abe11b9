//! A task that is taken up again after the death of its process.

use aimass_config::OtlpProtocol;
use aimass_observers::Otlp;
use aimass_runtime::{
    Environment, EnvironmentOptions, Episode, FactDraft, Record, Recorder, SpanId,
};
use serde_json::json;

use crate::collector::{Collector, Manner, text};
use crate::team::{self, Stage, kind};

#[tokio::test(flavor = "multi_thread")]
async fn the_second_attempt_links_to_the_first_which_was_lost() {
    let folder = tempfile::tempdir().unwrap();
    let options = EnvironmentOptions::default();
    let first = {
        let environment = Environment::open(folder.path(), options.clone()).unwrap();
        let (stage, recorder) = (Stage::new(), Recorder::default());
        let builder = team::builder_on(&team::config("http://127.0.0.1:1"), stage.clone());
        let builder = builder.observer(recorder.clone());
        let runtime = builder
            .environment(environment.clone())
            .start()
            .await
            .unwrap();
        let sound = FactDraft::new(kind("sound"), json!({ "text": "hang" }));
        let running = runtime
            .begin_episode(Episode::new().fact(sound))
            .await
            .unwrap();
        let hanging = stage.clone();
        tokio::task::spawn_blocking(move || hanging.wait_for_hang())
            .await
            .unwrap();
        let accepted = environment.snapshot().unwrap().unsettled().unwrap();
        assert_eq!(accepted.len(), 1);
        // As a crash would: nothing of it is told, and the store is let go.
        environment.close().await.unwrap();
        let told = recorder.records();
        assert!(!told.iter().any(|record| matches!(record, Record::Task(_))));
        drop((running, runtime));
        stage.end_hang();
        accepted[0].clone()
    };

    let collector = Collector::start(Manner::Takes);
    let mut config = team::config(&collector.endpoint);
    config.observers.otlp.protocol = OtlpProtocol::Http;
    let stage = Stage::new();
    stage.end_hang();
    let recorder = Recorder::default();
    let otlp = Otlp::start(&config.observers).unwrap().unwrap();
    let environment = Environment::open(folder.path(), options).unwrap();
    let builder = team::builder_on(&config, stage.clone()).observer(recorder.clone());
    let runtime = builder
        .observer(otlp)
        .environment(environment)
        .start()
        .await
        .unwrap();
    let again = stage.clone();
    tokio::task::spawn_blocking(move || again.wait_for_hang())
        .await
        .unwrap();
    runtime.shutdown().await;

    let tasks = recorder.tasks();
    let task = tasks.iter().find(|task| task.task == first.id).unwrap();
    let place = task.earlier_attempt.unwrap();
    assert_eq!(
        (Some(place.trace), Some(place.span)),
        (first.trace, first.span)
    );
    assert_eq!(task.trace, place.trace);
    assert_ne!(task.span, place.span);
    let spans = collector.spans();
    let id = |span: SpanId| span.to_u64().to_be_bytes().to_vec();
    let (_, span) = spans
        .iter()
        .find(|(_, span)| span.span_id == id(task.span))
        .unwrap();
    assert_eq!(span.links.len(), 1);
    let link = &span.links[0];
    assert_eq!(link.span_id, id(place.span));
    let why = link.attributes[0].value.clone().unwrap().value;
    assert_eq!(text(why), "earlier_attempt");
    // What the second attempt has led to belongs to no earlier one.
    let others = tasks.iter().filter(|other| other.task != first.id);
    assert!(
        others
            .into_iter()
            .all(|other| other.earlier_attempt.is_none())
    );
}
