//! A span on its way to an exporter.

use std::collections::HashMap;
use std::sync::Arc;

use opentelemetry::trace::{Event, Link, Status};
use opentelemetry::{KeyValue, Value};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanData;

/// A span, and the service that it belongs to.
pub(crate) struct PendingSpan {
    pub(crate) service: Arc<Resource>,
    pub(crate) span: SpanData,
}

impl PendingSpan {
    /// Memory that it takes, in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        let span = &self.span;
        let status = match &span.status {
            Status::Error { description } => description.len(),
            _ => 0,
        };
        let events = span.events.iter();
        let events = events.map(|event| size_of::<Event>() + attributes_bytes(&event.attributes));
        let links = span.links.iter();
        let links = links.map(|link| size_of::<Link>() + attributes_bytes(&link.attributes));
        let parts = [
            size_of::<Self>(),
            span.name.len(),
            status,
            attributes_bytes(&span.attributes),
            events.sum(),
            links.sum(),
        ];
        parts.into_iter().sum::<usize>() as u64
    }
}

/// Sorts a batch by services. Two spans are of one service if they share its resource, and not only an equal one.
pub(crate) fn by_service(batch: Vec<PendingSpan>) -> Vec<(Arc<Resource>, Vec<SpanData>)> {
    let mut places = HashMap::new();
    let mut services: Vec<(Arc<Resource>, Vec<SpanData>)> = Vec::new();
    for PendingSpan { service, span } in batch {
        let place = *places
            .entry(Arc::as_ptr(&service))
            .or_insert(services.len());
        match services.get_mut(place) {
            Some((_, spans)) => spans.push(span),
            None => services.push((service, vec![span])),
        }
    }
    services
}

/// Names are static, or shared.
fn attributes_bytes(attributes: &[KeyValue]) -> usize {
    let texts = attributes.iter().map(|attribute| match &attribute.value {
        Value::String(text) => text.as_str().len(),
        _ => 0,
    });
    size_of_val(attributes) + texts.sum::<usize>()
}

#[cfg(test)]
mod tests {
    use aimass_runtime::{EpisodeFinished, EpisodeId, Namespace, SpanId, TraceId};

    use super::*;
    use crate::traces::spans;

    fn span(namespace: &str) -> SpanData {
        let episode = EpisodeFinished {
            episode: EpisodeId::random(),
            namespace: Namespace(namespace.into()),
            trace: TraceId::random(),
            span: SpanId::random(),
            parent: None,
            sampled: true,
            begun_ns: 1,
            finished_ns: 2,
            facts: 0,
            failures: 0,
        };
        spans::of_episode(&episode).span
    }

    fn service(name: &'static str) -> Arc<Resource> {
        let resource = Resource::builder_empty().with_service_name(name);
        Arc::new(resource.build())
    }

    #[test]
    fn what_a_span_says_takes_room() {
        let bytes = |text: &str| {
            let (service, span) = (service("desk"), span(text));
            PendingSpan { service, span }.bytes()
        };
        assert_eq!(bytes(&"x".repeat(1000)) - bytes("x"), 999);
        assert!(bytes("x") > size_of::<SpanData>() as u64);
    }

    #[test]
    fn a_batch_is_sorted_by_services_in_the_order_of_its_spans() {
        let (desk, ear) = (service("desk"), service("ear"));
        let told = [(&desk, "1"), (&ear, "2"), (&desk, "3"), (&ear, "4")];
        let batch = told.map(|(service, text)| PendingSpan {
            service: service.clone(),
            span: span(text),
        });
        let ids = batch
            .each_ref()
            .map(|pending| pending.span.span_context.span_id());
        let sorted = by_service(batch.into())
            .into_iter()
            .map(|(service, spans)| {
                let spans = spans.into_iter().map(|span| span.span_context.span_id());
                (Arc::as_ptr(&service), spans.collect::<Vec<_>>())
            });
        let expected = [
            (Arc::as_ptr(&desk), vec![ids[0], ids[2]]),
            (Arc::as_ptr(&ear), vec![ids[1], ids[3]]),
        ];
        assert_eq!(sorted.collect::<Vec<_>>(), expected);
    }
}
