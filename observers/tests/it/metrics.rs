//! The page that Prometheus reads.

use std::collections::BTreeSet;
use std::path::Path;

use aimass_observers::metrics::{self, Metrics, MetricsServer};
use aimass_runtime::{Episode, FactDraft, Runtime};
use serde_json::{Value, json};

use crate::team::{self, Hear, Sound, Think, kind};

/// The value of the one line that begins with `start`.
fn value(page: &str, start: &str) -> f64 {
    let mut lines = page.lines().filter_map(|line| line.strip_prefix(start));
    let line = lines
        .next()
        .unwrap_or_else(|| panic!("no `{start}` in\n{page}"));
    line.split_whitespace().next().unwrap().parse().unwrap()
}

async fn page(server: MetricsServer, metrics: &Metrics, runtime: &Runtime) -> (u16, String) {
    let url = format!("http://{}/metrics", server.address().unwrap());
    let serving = server.serve(metrics.clone(), runtime.clone());
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
        runtime.ask(Think, Sound::new("rain")).await.unwrap();
    }
    runtime
        .ask(Hear::default(), Sound::new("secret"))
        .await
        .unwrap_err();
    let panics = FactDraft::new(kind("sound"), json!({ "text": "panic" }));
    runtime.run(Episode::new().fact(panics)).await.unwrap();
    runtime.flush_observers().await;
    let server = MetricsServer::bind("127.0.0.1:0".parse().unwrap())
        .await
        .unwrap();
    let (status, page) = page(server, &metrics, &runtime).await;
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
    assert_eq!(value(&page, r#"aimass_agent_tasks{agent="ear"}"#), 0.0);
    assert_eq!(value(&page, "aimass_dropped_records_total"), 0.0);
    assert!(page.contains("# {trace_id=\""), "a bucket leads to a trace");
    assert!(page.ends_with("# EOF\n"));
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
    let serving = server.serve(metrics, runtime.clone());
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
        .filter(|word| word.starts_with("aimass_"))
        .map(|word| {
            let histogram = ["_bucket", "_sum", "_count"];
            let cut = histogram.iter().find_map(|end| word.strip_suffix(end));
            cut.unwrap_or(word)
        })
        .collect();
    let table = metrics::documentation();
    let rows = table.lines().filter_map(|row| row.strip_prefix("| `"));
    let ours: BTreeSet<&str> = rows.map(|row| row.split('`').next().unwrap()).collect();
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
