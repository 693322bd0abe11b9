//! Metrics on their way to a collector of the test's own, over HTTP.

use std::collections::BTreeSet;
use std::time::Duration;

use aimass_config::{Config, OtlpProtocol};
use aimass_observers::Otlp;
use aimass_observers::metrics::Metrics;
use aimass_runtime::{Recorder, Runtime};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, HistogramDataPoint, Metric, NumberDataPoint, number_data_point,
};

use crate::collector::{Collector, Heard, Manner, Sent, value_of};
use crate::metrics::value;
use crate::team::{self, Hear, Sound, Think};

const CUMULATIVE: i32 = AggregationTemporality::Cumulative as i32;

fn config(endpoint: &str, every: Duration) -> Config {
    let mut config = team::config(endpoint);
    config.observers.otlp.protocol = OtlpProtocol::Http;
    config.observers.otlp.metrics_interval = Some(every);
    config
}

/// The team with an exporter of traces and metrics, and a recorder of what really happened.
async fn start(config: &Config) -> (Runtime, Recorder, Metrics) {
    let (recorder, observers) = (Recorder::default(), &config.observers);
    let metrics = Metrics::new(&observers.traces);
    let otlp = Otlp::start(observers).unwrap().unwrap();
    let otlp = otlp.with_metrics(observers, &metrics).unwrap();
    let builder = team::builder(config).observer(recorder.clone());
    let builder = builder.observer(metrics.clone()).observer(otlp);
    (builder.start().await.unwrap(), recorder, metrics)
}

/// What the service says of the metric of that name.
fn of(sent: &ExportMetricsServiceRequest, service: &str, name: &str) -> Option<Metric> {
    let resources = sent.resource_metrics.iter();
    let mut its = resources.filter(|its| {
        let resource = its.resource.as_ref().unwrap();
        value_of(&resource.attributes, "service.name").as_deref() == Some(service)
    });
    let scopes = its.next()?.scope_metrics.iter();
    let mut metrics = scopes.flat_map(|scope| &scope.metrics);
    metrics.find(|metric| metric.name == name).cloned()
}

fn histogram(metric: Metric) -> Vec<HistogramDataPoint> {
    match metric.data.unwrap() {
        Data::Histogram(histogram) => {
            assert_eq!(histogram.aggregation_temporality, CUMULATIVE);
            histogram.data_points
        }
        other => panic!("expected a histogram, got {other:?}"),
    }
}

fn sum(metric: Metric) -> Vec<NumberDataPoint> {
    match metric.data.unwrap() {
        Data::Sum(sum) => {
            assert_eq!(sum.aggregation_temporality, CUMULATIVE);
            assert!(sum.is_monotonic);
            sum.data_points
        }
        other => panic!("expected a sum, got {other:?}"),
    }
}

fn metrics_of(heard: impl IntoIterator<Item = Heard>) -> Vec<ExportMetricsServiceRequest> {
    let metrics = heard.into_iter().filter_map(|heard| match heard.sent {
        Sent::Metrics(metrics) => Some(metrics),
        _ => None,
    });
    metrics.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_come_at_the_end_with_traces_as_exemplars_and_agree_with_the_page() {
    let collector = Collector::start(Manner::Takes);
    let config = config(&collector.endpoint, Duration::from_secs(3600));
    let (runtime, recorder, metrics) = start(&config).await;
    for _ in 0..3 {
        runtime.ask::<Think>(Sound::new("rain")).await.unwrap();
    }
    let refused = runtime.ask::<Hear>(Sound::new("secret")).await;
    refused.unwrap_err();
    runtime.flush_observers().await;
    let page = metrics.text();
    let sent = metrics_of(collector.heard.try_iter()).remove(0);
    runtime.shutdown().await;

    let metric = of(&sent, "aimass.ear", "aimass.task.duration").unwrap();
    assert_eq!(metric.unit, "s");
    let points = histogram(metric);
    let error = |point: &HistogramDataPoint| value_of(&point.attributes, "error.type");
    let errors: Vec<_> = points.iter().filter_map(error).collect();
    assert_eq!(errors, ["rejected"]);
    let done = points.iter().find(|point| error(point).is_none()).unwrap();
    let attribute = |name: &str| value_of(&done.attributes, name);
    assert_eq!(attribute("gen_ai.agent.name").as_deref(), Some("ear"));
    assert_eq!(attribute("aimass.skill").as_deref(), Some("ear.hear"));
    assert_eq!(done.bucket_counts.len(), done.explicit_bounds.len() + 1);
    assert_eq!(done.bucket_counts.iter().sum::<u64>(), done.count);
    assert!(done.start_time_unix_nano < done.time_unix_nano);
    let start = r#"aimass_task_duration_seconds_"#;
    let labels = r#"{agent="ear",skill="ear.hear",outcome="done"}"#;
    assert_eq!(
        done.count as f64,
        value(&page, &format!("{start}count{labels}"))
    );
    assert_eq!(
        done.sum.unwrap(),
        value(&page, &format!("{start}sum{labels}"))
    );

    let spans: BTreeSet<Vec<u8>> = recorder
        .tasks()
        .iter()
        .map(|task| task.span.to_u64().to_be_bytes().to_vec())
        .collect();
    assert!(!done.exemplars.is_empty());
    for exemplar in &done.exemplars {
        assert!(spans.contains(&exemplar.span_id));
        assert_eq!(exemplar.trace_id.len(), 16);
    }
    for kind in ["input", "output"] {
        let name = format!("gen_ai.client.inference.operation.{kind}_tokens");
        let of_each = histogram(of(&sent, "aimass.ear", &name).unwrap());
        let name = format!("gen_ai.client.inference.usage.{kind}_tokens");
        let total = sum(of(&sent, "aimass.ear", &name).unwrap());
        let modality = value_of(&total[0].attributes, "gen_ai.token.modality");
        assert_eq!(modality.as_deref(), Some("unknown"));
        let count = number_data_point::Value::AsInt(of_each[0].sum.unwrap() as i64);
        assert_eq!(total[0].value, Some(count), "{kind}");
    }
    // What belongs to no agent is the embedder's.
    let dropped = sum(of(&sent, "desk", "aimass.dropped_records").unwrap());
    let none = Some(number_data_point::Value::AsInt(0));
    assert_eq!((dropped.len(), dropped[0].value), (1, none));
    assert!(
        of(&sent, "desk", "aimass.store.commit.duration").is_none(),
        "nothing was stored"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_come_from_time_to_time_and_never_go_back() {
    let collector = Collector::start(Manner::Takes);
    let config = config(&collector.endpoint, Duration::from_millis(20));
    let (runtime, ..) = start(&config).await;
    let mut counts = Vec::new();
    let mut starts = BTreeSet::new();
    // Nobody asks for a flush.
    while counts.last() != Some(&3) {
        if counts.len() < 3 {
            runtime.ask::<Hear>(Sound::new("rain")).await.unwrap();
        }
        let Sent::Metrics(sent) = collector.heard.recv().unwrap().sent else {
            continue;
        };
        let Some(metric) = of(&sent, "aimass.ear", "aimass.task.duration") else {
            continue;
        };
        let point = histogram(metric).remove(0);
        starts.insert(point.start_time_unix_nano);
        counts.push(point.count.min(3));
    }
    assert!(counts.is_sorted(), "{counts:?}");
    assert_eq!(starts.len(), 1);
    runtime.shutdown().await;
}

/// As Jaeger does, which is told so once and never again.
#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_knows_no_metrics_is_not_bothered_with_them() {
    let collector = Collector::start(Manner::KnowsTraces);
    let config = config(&collector.endpoint, Duration::from_secs(3600));
    let (runtime, _, metrics) = start(&config).await;
    for _ in 0..3 {
        let sound = Sound::new("rain");
        runtime.ask::<Hear>(sound).await.unwrap();
        runtime.flush_observers().await;
    }
    let heard: Vec<Heard> = collector.heard.try_iter().collect();
    let spans = heard.iter().map(|heard| match &heard.sent {
        Sent::Traces(traces) => traces.resource_spans.len(),
        _ => 0,
    });
    assert_eq!(spans.sum::<usize>(), 6);
    assert_eq!(metrics_of(heard).len(), 1);
    assert_eq!(value(&metrics.text(), "aimass_dropped_spans_total"), 0.0);
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_that_were_refused_are_counted_in_the_metrics() {
    let collector = Collector::start(Manner::Refuses(401));
    let mut config = config(&collector.endpoint, Duration::from_secs(3600));
    config.observers.otlp.metrics_interval = None;
    let (runtime, _, metrics) = start(&config).await;
    let sound = Sound::new("rain");
    runtime.ask::<Hear>(sound).await.unwrap();
    runtime.flush_observers().await;
    assert_eq!(value(&metrics.text(), "aimass_dropped_spans_total"), 2.0);
    runtime.shutdown().await;
}
