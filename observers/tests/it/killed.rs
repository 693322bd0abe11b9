//! A process that is killed in the middle of an attempt: the next one exports the attempt, and what it tries itself links to that.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use aimass_observers::Otlp;
use aimass_runtime::{
    AttemptRecord, Environment, EnvironmentOptions, Episode, FactDraft, Recorder, Runtime,
    TaskRecord,
};
use serde_json::{Value, json};

use crate::jaeger::{Jaeger, Spans};
use crate::team::{self, Stage, kind};

/// Says what the child works on: the collector and the folder of the store.
const CHILD: &str = "AIMASS_TEST_CHILD";
/// What the child says once its attempt is written down.
const UNDER_WAY: &str = "under way";

/// A team on the store in `folder`, whose spans go to `collector`.
async fn start(collector: &str, folder: &Path, stage: Arc<Stage>) -> (Runtime, Recorder) {
    let config = team::config(collector);
    let environment = Environment::open(folder, EnvironmentOptions::default()).unwrap();
    let otlp = Otlp::start(&config.observers).unwrap().unwrap();
    let recorder = Recorder::default();
    let builder = team::builder_on(&config, stage).observer(recorder.clone());
    let builder = builder.observer(otlp).environment(environment);
    (builder.start().await.unwrap(), recorder)
}

fn unsettled(runtime: &Runtime) -> Vec<TaskRecord> {
    let snapshot = runtime.environment().snapshot().unwrap();
    snapshot.unsettled().unwrap()
}

/// The child. It is a test that does nothing unless it was started as the child.
#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_to_be_killed() {
    let Ok(child) = std::env::var(CHILD) else {
        return;
    };
    let (collector, folder) = child.split_once('|').unwrap();
    let (runtime, _) = start(collector, Path::new(folder), Stage::new()).await;
    if unsettled(&runtime).is_empty() {
        let sound = FactDraft::new(kind("sound"), json!({ "text": "hang" }));
        let episode = Episode::new().fact(sound);
        let running = runtime.begin_episode(episode).await.unwrap();
        // It goes on although nobody waits for it.
        std::mem::forget(running);
    }
    while unsettled(&runtime)
        .iter()
        .all(|task| task.attempt.is_none())
    {
        tokio::task::yield_now().await;
    }
    // What it found of the process before is told once, and sent before it is killed itself.
    runtime.flush_observers().await;
    println!("{UNDER_WAY}");
    std::future::pending::<()>().await;
}

/// Starts the child, and kills it once its attempt is under way.
fn kill_an_attempt(collector: &str, folder: &Path) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "killed::an_attempt_to_be_killed", "--nocapture"])
        .env(CHILD, format!("{collector}|{}", folder.display()))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let said = lines.any(|line| line.unwrap().ends_with(UNDER_WAY));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(said, "the child ended by itself");
}

fn written_attempt(folder: &Path) -> AttemptRecord {
    let environment = Environment::open(folder, EnvironmentOptions::default()).unwrap();
    let tasks = environment.snapshot().unwrap().unsettled().unwrap();
    tasks[0].attempt.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn jaeger_shows_attempts_that_were_killed_and_the_next_one_linked_to_them() {
    let jaeger = tokio::task::spawn_blocking(Jaeger::start).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (collector, path) = (jaeger.otlp.clone(), folder.path().to_owned());
    let killed = tokio::task::spawn_blocking(move || {
        [(); 2].map(|()| {
            kill_an_attempt(&collector, &path);
            written_attempt(&path).span
        })
    });
    let killed = killed.await.unwrap();
    assert_ne!(killed[0], killed[1]);

    let stage = Stage::new();
    stage.end_hang();
    let (runtime, recorder) = start(&jaeger.otlp, folder.path(), stage.clone()).await;
    tokio::task::spawn_blocking(move || stage.wait_for_hang())
        .await
        .unwrap();
    runtime.shutdown().await;

    let tasks = recorder.tasks();
    let last = tasks
        .iter()
        .find(|task| &*task.skill == "ear.hear")
        .unwrap();
    let (trace, last) = (last.trace, last.span);
    let shown = tokio::task::spawn_blocking(move || {
        let ids = [killed[0], killed[1], last].map(|span| json!(span.to_string()));
        jaeger.until(&format!("/api/traces/{trace}"), |data| {
            let spans = data[0]["spans"].as_array();
            let shown =
                |id: &Value| spans.is_some_and(|all| all.iter().any(|one| one["spanID"] == *id));
            ids.iter().all(shown)
        })
    });
    let spans = Spans::read(&shown.await.unwrap());
    let [first, second, last] = [killed[0], killed[1], last].map(|id| &spans.0[&id.to_string()]);
    for span in [first, second] {
        assert_eq!(span.service, "aimass.ear");
        assert_eq!(span.tag("error"), Some(&Value::Bool(true)));
        assert_eq!(span.tag("error.type"), Some(&json!("process_died")));
    }
    assert_eq!(last.tag("error"), None);
    let linked = [first, second, last].map(|span| span.reference("FOLLOWS_FROM"));
    let expected = [None, Some(killed[0]), Some(killed[1])];
    assert_eq!(
        linked,
        expected.map(|span| span.map(|span| span.to_string()))
    );
}
