//! Metrics as messages of the OpenTelemetry protocol: cumulative, with exemplars, each agent's under its own service.
//!
//! A collector that was down misses nothing but the moments in between: the next message holds everything since the start.

use std::collections::BTreeMap;
use std::sync::Arc;

use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsServiceRequest, ExportMetricsServiceResponse,
    metrics_service_client::MetricsServiceClient,
};
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Exemplar as ExemplarMessage, Gauge, Histogram as HistogramMessage,
    HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, exemplar,
    metric::Data, number_data_point,
};
use prost::Message;
use tonic::transport::Channel;
use tonic::{Request, Response, Status};

use super::signal::Signal;
use crate::identity::{Identity, span_bytes, trace_bytes};
use crate::metrics::described::{Kind, Label};
use crate::metrics::series::{Exemplar, Family, Histogram, Point, Value};
use crate::metrics::{Metrics, now_ns};

const CUMULATIVE: i32 = AggregationTemporality::Cumulative as i32;

/// Metrics.
pub(super) struct Measured;

/// All metrics at one moment, by the agents that they are about.
pub(super) struct Snapshot(Vec<(Option<Arc<str>>, Metric)>);

/// From when to when a point counts, in nanoseconds since the Unix epoch.
#[derive(Clone, Copy)]
struct Span {
    from_ns: u64,
    to_ns: u64,
}

impl Signal for Measured {
    type Item = Snapshot;
    type Request = ExportMetricsServiceRequest;
    type Answer = ExportMetricsServiceResponse;

    const ITEMS: &'static str = "metrics";
    const PATH: &'static str = "v1/metrics";
    const BATCH: usize = 1;
    const OPTIONAL: bool = true;

    fn bytes(snapshot: &Snapshot) -> u64 {
        let metrics = snapshot.0.iter();
        metrics.map(|(_, metric)| metric.encoded_len() as u64).sum()
    }

    fn request(identity: &Identity, batch: Vec<Snapshot>) -> ExportMetricsServiceRequest {
        let metrics = batch.into_iter().flat_map(|snapshot| snapshot.0);
        let resource_metrics = identity.by_service(metrics).map(|(resource, metrics)| {
            let scope_metrics = vec![ScopeMetrics {
                scope: Some(identity.scope()),
                metrics,
                ..ScopeMetrics::default()
            }];
            ResourceMetrics {
                resource: Some(resource),
                scope_metrics,
                ..ResourceMetrics::default()
            }
        });
        ExportMetricsServiceRequest {
            resource_metrics: resource_metrics.collect(),
        }
    }

    async fn export(
        channel: Channel,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        MetricsServiceClient::new(channel).export(request).await
    }

    fn refused(answer: ExportMetricsServiceResponse) -> Option<(i64, String)> {
        let partial = answer.partial_success?;
        Some((partial.rejected_data_points, partial.error_message))
    }
}

impl Snapshot {
    pub(super) fn of(metrics: &Metrics) -> Self {
        let span = Span {
            from_ns: metrics.since_ns(),
            to_ns: now_ns(),
        };
        let families = metrics.collect().into_filled();
        Self(families.flat_map(|family| by_agent(family, span)).collect())
    }
}

fn by_agent(family: Family, span: Span) -> Vec<(Option<Arc<str>>, Metric)> {
    let Family { described, points } = family;
    let mut agents: BTreeMap<Option<Arc<str>>, Vec<Point>> = BTreeMap::new();
    for point in points {
        let agent = point.agent().map(Into::into);
        agents.entry(agent).or_default().push(point);
    }
    let metric = |points| Metric {
        name: described.name.to_owned(),
        description: described.about.to_owned(),
        unit: described.unit.to_owned(),
        data: Some(data(described.kind, points, span)),
        ..Metric::default()
    };
    let agents = agents.into_iter();
    agents
        .map(|(agent, points)| (agent, metric(points)))
        .collect()
}

fn data(kind: Kind, points: Vec<Point>, span: Span) -> Data {
    match kind {
        Kind::Counter => Data::Sum(Sum {
            data_points: points.iter().filter_map(|one| number(one, span)).collect(),
            aggregation_temporality: CUMULATIVE,
            is_monotonic: true,
        }),
        Kind::Gauge => Data::Gauge(Gauge {
            data_points: points.iter().filter_map(|one| number(one, span)).collect(),
        }),
        Kind::Histogram => Data::Histogram(HistogramMessage {
            data_points: points
                .into_iter()
                .filter_map(|one| spread(one, span))
                .collect(),
            aggregation_temporality: CUMULATIVE,
        }),
    }
}

fn number(point: &Point, span: Span) -> Option<NumberDataPoint> {
    let Value::Number(value) = point.value else {
        return None;
    };
    let value = i64::try_from(value).unwrap_or(i64::MAX);
    Some(NumberDataPoint {
        attributes: attributes(point),
        start_time_unix_nano: span.from_ns,
        time_unix_nano: span.to_ns,
        value: Some(number_data_point::Value::AsInt(value)),
        ..NumberDataPoint::default()
    })
}

fn spread(point: Point, span: Span) -> Option<HistogramDataPoint> {
    let attributes = attributes(&point);
    let Value::Spread(histogram) = point.value else {
        return None;
    };
    let count = histogram.count();
    let Histogram {
        bounds,
        counts,
        sum,
        exemplars,
    } = histogram;
    Some(HistogramDataPoint {
        attributes,
        start_time_unix_nano: span.from_ns,
        time_unix_nano: span.to_ns,
        count,
        sum: Some(sum),
        bucket_counts: counts,
        explicit_bounds: bounds.to_vec(),
        exemplars: exemplars.into_iter().flatten().map(exemplar).collect(),
        ..HistogramDataPoint::default()
    })
}

fn exemplar(Exemplar { value, seen }: Exemplar) -> ExemplarMessage {
    ExemplarMessage {
        time_unix_nano: seen.at_ns,
        span_id: span_bytes(seen.span),
        trace_id: trace_bytes(seen.trace),
        value: Some(exemplar::Value::AsDouble(value)),
        ..ExemplarMessage::default()
    }
}

fn attributes(point: &Point) -> Vec<KeyValue> {
    let attribute = |(label, value): &(Label, String)| KeyValue {
        key: label.attribute().to_owned(),
        value: Some(AnyValue {
            value: Some(any_value::Value::StringValue(value.clone())),
        }),
        ..KeyValue::default()
    };
    // As the conventions have it, the absence of an error says that all went well.
    let went_well = |(label, value): &(Label, String)| *label == Label::Outcome && value == "done";
    let labels = point.labels.iter().filter(|label| !went_well(label));
    labels.map(attribute).collect()
}
