//! Spans on their way to a collector of the test's own, over HTTP.

use std::io::{self, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use aimass_config::{Config, OtlpProtocol};
use aimass_observers::Otlp;
use aimass_observers::metrics::Metrics;
use aimass_runtime::{Episode, FactDraft, Observer, Record};
use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::json;

use crate::collector::{Collector, Manner, Sent, value_of};
use crate::team::{self, Hear, Sound, Think, kind};

fn over_http(endpoint: &str) -> Config {
    let mut config = team::config(endpoint);
    config.observers.otlp.protocol = OtlpProtocol::Http;
    config
}

fn attribute(span: &Span, name: &str) -> Option<String> {
    value_of(&span.attributes, name)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_is_four_spans_of_three_services_in_one_trace() {
    let collector = Collector::start(Manner::Takes);
    let mut config = over_http(&collector.endpoint);
    config.observers.otlp.headers = vec!["x-token: a secret".to_owned()];
    let (runtime, ..) = team::start(&config).await;
    runtime.ask::<Think>(Sound::new("rain")).await.unwrap();
    runtime.flush_observers().await;
    let heard = collector.heard.recv().unwrap();
    assert_eq!(heard.head[0], "POST /v1/traces HTTP/1.1");
    assert!(
        heard.head.contains(&"x-token: a secret".to_owned()),
        "{:?}",
        heard.head
    );
    let Sent::Traces(traces) = heard.sent else {
        panic!("expected traces");
    };
    let names: Vec<_> = traces
        .resource_spans
        .iter()
        .flat_map(|resource| &resource.scope_spans)
        .flat_map(|scope| &scope.spans)
        .collect();
    let of = |name: &str| *names.iter().find(|span| span.name == name).unwrap();
    let chain = ["ask mind.think", "mind.think", "ask ear.hear", "ear.hear"].map(of);
    assert_eq!(names.len(), 4);
    assert!(chain[0].parent_span_id.is_empty());
    for pair in chain.windows(2) {
        assert_eq!(pair[1].parent_span_id, pair[0].span_id);
        assert_eq!(pair[1].trace_id, pair[0].trace_id);
        assert!(pair[0].start_time_unix_nano <= pair[1].start_time_unix_nano);
        assert!(pair[1].end_time_unix_nano <= pair[0].end_time_unix_nano);
    }
    assert_eq!(
        attribute(chain[3], "gen_ai.agent.name").as_deref(),
        Some("ear")
    );
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn content_is_told_only_when_it_is_asked_for() {
    for content in [false, true] {
        let collector = Collector::start(Manner::Takes);
        let mut config = over_http(&collector.endpoint);
        config.observers.content = content;
        let (runtime, ..) = team::start(&config).await;
        runtime.ask::<Hear>(Sound::new("secret")).await.unwrap_err();
        runtime.shutdown().await;
        let spans = collector.spans();
        assert_eq!(spans.len(), 2);
        assert_eq!(
            format!("{spans:?}").contains("secret"),
            content,
            "{spans:?}"
        );
        for (_, span) in &spans {
            assert_eq!(attribute(span, "error.type").as_deref(), Some("rejected"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn outside_the_share_only_traces_with_errors_and_retries_are_kept_and_those_whole() {
    let collector = Collector::start(Manner::Takes);
    let mut config = over_http(&collector.endpoint);
    config.observers.traces.ratio = 0.0;
    let (runtime, ..) = team::start(&config).await;
    runtime.ask::<Think>(Sound::new("rain")).await.unwrap();
    runtime
        .ask::<Think>(Sound::new("secret"))
        .await
        .unwrap_err();
    let sounds =
        |text: &str| Episode::new().fact(FactDraft::new(kind("sound"), json!({ "text": text })));
    runtime.run(sounds("rain")).await.unwrap();
    runtime.run(sounds("panic")).await.unwrap();
    runtime.shutdown().await;
    let spans = collector.spans();
    let mut names: Vec<_> = spans.iter().map(|(_, span)| span.name.as_str()).collect();
    names.sort_unstable();
    let asked = ["ask ear.hear", "ask mind.think", "ear.hear", "mind.think"];
    let retried = ["ear.hear", "episode", "mind.read"];
    let mut expected = [&asked[..], &retried[..]].concat();
    expected.sort_unstable();
    assert_eq!(names, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_stumbles_gets_every_span_once() {
    let collector = Collector::start(Manner::Stumbles);
    let (runtime, _, losses) = team::start(&over_http(&collector.endpoint)).await;
    for _ in 0..20 {
        runtime.ask::<Hear>(Sound::new("rain")).await.unwrap();
    }
    runtime.flush_observers().await;
    runtime.shutdown().await;
    let spans = collector.spans();
    assert_eq!((spans.len(), losses.spans()), (40, 0));
}

/// Down, slow or refusing: the answers come, the shutdown keeps its limit, memory keeps its bound, and what is lost is counted.
#[tokio::test(flavor = "multi_thread")]
async fn a_collector_in_trouble_costs_the_agents_nothing() {
    let gone = Collector::start(Manner::Takes).endpoint.clone();
    let silent = Collector::start(Manner::IsSilent);
    let refusing = Collector::start(Manner::Refuses(401));
    let endpoints = [&gone, &silent.endpoint, &refusing.endpoint];
    for endpoint in endpoints {
        let mut config = over_http(endpoint);
        config.observers.otlp.timeout = Duration::from_millis(100);
        config.observers.otlp.queue_bytes = 64 << 10;
        config.defaults.max_wait = Duration::ZERO;
        let (runtime, recorder, losses) = team::start(&config).await;
        for _ in 0..1000 {
            runtime.ask::<Hear>(Sound::new("rain")).await.unwrap();
        }
        let asked = Instant::now();
        runtime.shutdown().await;
        assert!(
            asked.elapsed() < Duration::from_secs(10),
            "{:?}",
            asked.elapsed()
        );
        assert_eq!(recorder.tasks().len(), 1000, "no record was dropped for it");
        let lost = losses.spans();
        assert!(
            lost > 1000,
            "{endpoint}: {lost} of 2,000 spans, of which 64 KiB wait"
        );
    }
}

/// What is said through `tracing` on this thread while something is done.
fn said_while(done: impl FnOnce()) -> String {
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::with_default(subscriber, done);
    let bytes = lines.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_accepts_and_never_answers_is_told_as_one_that_refuses() {
    let (runtime, recorder, _) = team::start(&team::config("http://127.0.0.1:1")).await;
    let sound = Sound::new("rain");
    runtime.ask::<Hear>(sound).await.unwrap();
    runtime.shutdown().await;
    let record = Record::Task(Box::new(recorder.tasks().remove(0)));
    for protocol in [OtlpProtocol::Http, OtlpProtocol::Grpc] {
        for metrics in [
            None,
            Some(Metrics::new(&Config::default().observers.traces)),
        ] {
            let silent = TcpListener::bind("127.0.0.1:0").unwrap();
            let mut config = Config::default().observers;
            config.otlp.endpoint = Some(format!("http://{}", silent.local_addr().unwrap()));
            config.otlp.protocol = protocol;
            // The attempt outlasts the flush, as in a process that ends.
            config.otlp.timeout = Duration::from_secs(1);
            let mut otlp = Otlp::start(&config).unwrap().unwrap();
            if let Some(metrics) = &metrics {
                otlp = otlp.with_metrics(&config, metrics).unwrap();
            }
            let said = said_while(|| {
                otlp.observe(&record);
                otlp.flush();
                otlp.flush();
            });
            let line = "the collector takes no spans; the agents go on";
            assert_eq!(said.matches(line).count(), 1, "{protocol:?}: {said}");
            assert!(said.contains("no answer within 500ms"), "{said}");
        }
    }
}

#[test]
fn what_cannot_work_is_refused_at_the_start() {
    let certificate = tempfile::NamedTempFile::new().unwrap();
    let path = certificate.path().to_owned();
    for protocol in [OtlpProtocol::Http, OtlpProtocol::Grpc] {
        let mut config = team::config("https://127.0.0.1:1").observers;
        config.otlp.protocol = protocol;
        assert!(Otlp::start(&config).is_ok());
        config.otlp.certificate = Some(path.clone());
        let refused = Otlp::start(&config).err().map(|error| error.to_string());
        let refused =
            refused.unwrap_or_else(|| panic!("{protocol:?} takes an empty file of certificates"));
        assert!(refused.contains("observers.otlp"), "{refused}");
        config.otlp.certificate = Some("no/such/file".into());
        let missing = Otlp::start(&config).err().unwrap().to_string();
        assert!(missing.contains("no/such/file"), "{missing}");
    }
    let none = Config::default().observers;
    assert!(Otlp::start(&none).unwrap().is_none());
}
