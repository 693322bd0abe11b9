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
