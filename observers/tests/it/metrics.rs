//! The page that Prometheus reads.

use std::collections::BTreeSet;
use std::future::{IntoFuture, poll_fn};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::task::Poll;
use std::time::Duration;

use aimass_observers::metrics::{self, Metrics, MetricsServer};
use aimass_runtime::{Episode, FactDraft, Observer, Record, TaskError};
use serde_json::{Value, json};

use crate::team::{self, Hear, Listen, Sound, Stage, Think, kind};

/// The value of the one line that begins with `start`.
pub(crate) fn value(page: &str, start: &str) -> f64 {
    let mut lines = page.lines().filter_map(|line| line.strip_prefix(start));
    let line = lines
        .next()
        .unwrap_or_else(|| panic!("no `{start}` in\n{page}"));
    line.split_whitespace().next().unwrap().parse().unwrap()
}

async fn page(server: MetricsServer, metrics: &Metrics) -> (u16, String) {
    let url = format!("http://{}/metrics", server.address().unwrap());
    let serving = server.serve(metrics.clone());
    let read = tokio::task::spawn_blocking(move || {
        let mut answer = ureq::get(&url).call().unwrap();
        let kind = answer.headers()["content-type"]
            .to_str()
            .unwrap()
            .to_owned();
        assert!(kind.starts_with("application/openmetrics-text"), "{kind}");
        let page = answer.body_mut().read_to_string().unwrap();
        (answer.status().as_u16(), page)
    });
    tokio::select! {
        () = serving => panic!("the server ended"),
        read = read => read.unwrap(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_counts_what_happened() {
    let metrics = Metrics::new(&team::config("http://127.0.0.1:1").observers.traces);
    let runtime = team::builder(&team::config("http://127.0.0.1:1"))
        .observer(metrics.clone())
        .start()
        .await
        .unwrap();
    for _ in 0..3 {
        runtime.ask::<Think>(Sound::new("rain")).await.unwrap();
    }
    runtime.ask::<Hear>(Sound::new("secret")).await.unwrap_err();
    let mut letters = runtime.stream::<Listen>(Sound::new("abc")).unwrap();
    while let Some(letter) = letters.next().await {
        assert_eq!(letter.unwrap().len(), 1);
    }
    let panics = FactDraft::new(kind("sound"), json!({ "text": "panic" }));
    runtime.run(Episode::new().fact(panics)).await.unwrap();
    runtime.flush_observers().await;
    let server = MetricsServer::bind("127.0.0.1:0".parse().unwrap())
        .await
        .unwrap();
    let (status, page) = page(server, &metrics).await;
    assert_eq!(status, 200);
    let count = "aimass_task_duration_seconds_count";
    let of = |labels: &str| value(&page, &format!("{count}{{{labels}}}"));
    assert_eq!(of(r#"agent="mind",skill="mind.think",outcome="done""#), 3.0);
    assert_eq!(of(r#"agent="ear",skill="ear.hear",outcome="done""#), 4.0);
    assert_eq!(
        of(r#"agent="ear",skill="ear.hear",outcome="rejected""#),
        1.0
    );
    assert_eq!(
        value(
            &page,
            r#"aimass_worker_troubles_total{agent="ear",trouble="panicked"}"#
        ),
        1.0
    );
    let ear = r#"agent="ear""#;
    let of_ear = |name: &str| value(&page, &format!("{name}{{{ear}}}"));
    assert_eq!(of_ear("aimass_agent_tasks"), 0.0);
    assert_eq!(of_ear("aimass_task_retries_total"), 1.0);
    assert_eq!(of_ear("aimass_worker_restarts_total"), 1.0);
    assert_eq!(of_ear("aimass_dead_letters_total"), 0.0);
    let hear = r#"{agent="ear",skill="ear.hear"}"#;
    for name in ["task_queue_duration_seconds", "task_model_duration_seconds"] {
        assert_eq!(value(&page, &format!("aimass_{name}_count{hear}")), 5.0);
    }
    assert!(value(&page, &format!("aimass_batch_size_sum{hear}")) >= 5.0);
    let listen = r#"{agent="ear",skill="ear.listen"}"#;
    let first = "aimass_stream_first_item_duration_seconds_count";
    assert_eq!(value(&page, &format!("{first}{listen}")), 1.0);
    let ran = r#"skill="ear.hear",model="ears-1",operation="invoke_agent",provider="aimass""#;
    let tokens = |name: &str, more: &str| {
        let name = format!("gen_ai_client_inference_{name}");
        value(&page, &format!("{name}{{{ear},{ran}{more}}}"))
    };
    let heard = 3 * "rain".len() + "secret".len() + "panic".len();
    for (kind, count) in [("input", heard as f64), ("output", 5.0)] {
        let of_each = tokens(&format!("operation_{kind}_tokens_sum"), "");
        let total = tokens(
            &format!("usage_{kind}_tokens_total"),
            r#",modality="unknown""#,
        );
        assert_eq!((of_each, total), (count, count), "{kind}");
    }
    assert!(!page.contains("gen_ai_client_token_usage"));
    let memory =
        r#"aimass_model_memory_bytes{agent="ear",group="hearing",device="cpu",model="ears-1"}"#;
    assert_eq!(value(&page, memory), team::EARS_BYTES as f64);
    let idle = r#"aimass_agent_workers{agent="ear",state="idle"}"#;
    assert_eq!(value(&page, idle), 1.0);
    assert!(value(&page, "aimass_store_commit_duration_seconds_count") >= 3.0);
    assert_eq!(value(&page, "aimass_dropped_records_total"), 0.0);
    assert!(page.contains("# {trace_id=\""), "a bucket leads to a trace");
    assert!(page.ends_with("# EOF\n"));
    runtime.shutdown().await;
}

/// Work that waits is counted in tasks and in bytes; a thread that hangs is counted when it is given up.
#[tokio::test(flavor = "multi_thread")]
async fn the_page_shows_what_waits_and_what_was_given_up() {
    let mut config = team::config("http://127.0.0.1:1");
    config.defaults.max_batch = 1;
    config.defaults.step_limit = Duration::from_secs(2);
    config.defaults.grace = Duration::from_millis(50);
    let metrics = Metrics::new(&config.observers.traces);
    let stage = Stage::new();
    let builder = team::builder_on(&config, stage.clone());
    let runtime = builder.observer(metrics.clone()).start().await.unwrap();
    let hang = tokio::task::spawn({
        let runtime = runtime.clone();
        async move { runtime.ask::<Hear>(Sound::new("hang")).await }
    });
    let hanging = stage.clone();
    tokio::task::spawn_blocking(move || hanging.wait_for_hang())
        .await
        .unwrap();
    let mut waiting = runtime.ask::<Hear>(Sound::new("rain")).into_future();
    poll_fn(|context| {
        assert!(std::pin::Pin::new(&mut waiting).poll(context).is_pending());
        Poll::Ready(())
    })
    .await;
    runtime.flush_observers().await;
    let page = metrics.text();
    let of_ear = |page: &str, name: &str| value(page, &format!(r#"aimass_{name}{{agent="ear"}}"#));
    assert_eq!(of_ear(&page, "agent_tasks"), 2.0);
    assert_eq!(of_ear(&page, "agent_waiting_tasks"), 1.0);
    assert!(of_ear(&page, "agent_input_bytes") > 0.0);
    let busy = r#"aimass_agent_workers{agent="ear",state="busy"}"#;
    assert_eq!(value(&page, busy), 1.0);

    let error = hang.await.unwrap().unwrap_err();
    assert!(matches!(error, TaskError::DeadLettered { .. }), "{error}");
    waiting.await.unwrap();
    runtime.flush_observers().await;
    let page = metrics.text();
    assert_eq!(of_ear(&page, "dead_letters_total"), 1.0);
    assert_eq!(of_ear(&page, "agent_abandoned_threads"), 1.0);
    assert_eq!(of_ear(&page, "agent_failed"), 0.0);
    for trouble in ["hung", "abandoned"] {
        let labels = format!(r#"{{agent="ear",trouble="{trouble}"}}"#);
        let troubles = format!("aimass_worker_troubles_total{labels}");
        assert_eq!(value(&page, &troubles), 1.0);
    }
    stage.end_hang();
    runtime.shutdown().await;
}

/// Sees nothing from its first record on, until it is woken.
struct Asleep {
    sleeps: Sender<()>,
    wake: Receiver<()>,
}

impl Observer for Asleep {
    fn observe(&mut self, _: &Record) {
        // Both fail once the test has let it go.
        let _ = self.sleeps.send(());
        let _ = self.wake.recv();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_observers_missed_is_counted() {
    let mut config = team::config("http://127.0.0.1:1");
    // Room for the first words of the workers, and not for twenty tasks.
    config.runtime.event_capacity = 8;
    config.defaults.max_wait = Duration::ZERO;
    let metrics = Metrics::new(&config.observers.traces);
    let (wake, woken) = channel();
    let (sleeps, asleep) = channel();
    let observer = Asleep {
        sleeps,
        wake: woken,
    };
    let builder = team::builder(&config).observer(metrics.clone());
    let runtime = builder.observer(observer).start().await.unwrap();
    // Its worker may start only now: before it there may be nothing to see.
    let sound = Sound::new("rain");
    runtime.ask::<Hear>(sound).await.unwrap();
    tokio::task::spawn_blocking(move || asleep.recv().unwrap())
        .await
        .unwrap();
    for _ in 0..20 {
        let sound = Sound::new("rain");
        runtime.ask::<Hear>(sound).await.unwrap();
    }
    let dropped = runtime.dropped_events();
    assert!(dropped > 0);
    let page = metrics.text();
    assert_eq!(value(&page, "aimass_dropped_records_total"), dropped as f64);
    drop(wake);
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_in_use_is_an_error_and_another_path_is_not_found() {
    let server = MetricsServer::bind("127.0.0.1:0".parse().unwrap())
        .await
        .unwrap();
    let address = server.address().unwrap();
    assert!(MetricsServer::bind(address).await.is_err());
    let metrics = Metrics::new(&team::config("http://127.0.0.1:1").observers.traces);
    let runtime = team::builder(&team::config("http://127.0.0.1:1"))
        .start()
        .await
        .unwrap();
    let serving = server.serve(metrics);
    let read = tokio::task::spawn_blocking(move || {
        let status = |result: Result<_, ureq::Error>| match result {
            Err(ureq::Error::StatusCode(status)) => status,
            other => panic!("expected a refusal, got {other:?}"),
        };
        let other = status(ureq::get(format!("http://{address}/")).call());
        let post = status(ureq::post(format!("http://{address}/metrics")).send_empty());
        assert_eq!((other, post), (404, 405));
    });
    tokio::select! {
        () = serving => panic!("the server ended"),
        read = read => read.unwrap(),
    }
    runtime.shutdown().await;
}

#[test]
fn the_table_in_the_documentation_is_that_of_the_code() {
    crate::documentation::holds(&metrics::documentation());
}

fn is_metric(word: &str) -> bool {
    word.starts_with("aimass_") || word.starts_with("gen_ai_")
}

/// The dashboard asks for nothing that there is not, and leaves out nothing that there is.
#[test]
fn the_dashboard_shows_our_metrics() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/compose/grafana/aimass.json");
    let dashboard: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let asked: String = panels
        .map(|panel| panel["targets"][0]["expr"].as_str().unwrap())
        .collect::<Vec<_>>()
        .join(" ");
    let words = asked.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    let asked: BTreeSet<&str> = words
        .filter(|word| is_metric(word))
        .map(|word| {
            let histogram = ["_bucket", "_sum", "_count"];
            let cut = histogram.iter().find_map(|end| word.strip_suffix(end));
            cut.unwrap_or(word)
        })
        .collect();
    let table = metrics::documentation();
    let rows = table.lines().filter_map(|row| row.strip_prefix("| `"));
    let names = rows.map(|row| row.split('`').next().unwrap());
    let ours: BTreeSet<&str> = names.filter(|name| is_metric(name)).collect();
    let unknown: Vec<_> = asked.difference(&ours).collect();
    assert!(unknown.is_empty(), "no such metrics: {unknown:?}");
    // Whole agents are told of otherwise, and what is implied by the others.
    let left: BTreeSet<&str> = ours.difference(&asked).copied().collect();
    let implied = [
        "aimass_agent_abandoned_threads",
        "aimass_agent_failed",
        "aimass_agent_tasks",
    ];
    assert_eq!(left, BTreeSet::from(implied));
}
