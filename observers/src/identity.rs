//! Who is speaking: the resource of each service, the same for all signals.

use std::collections::HashMap;
use std::sync::Arc;

use aimass_runtime::{SpanId, TraceId};
use opentelemetry::KeyValue;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::resource::v1::Resource as ResourceMessage;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_sdk::Resource;

use crate::conventions::{SERVICE_INSTANCE_ID, SERVICE_NAME, SERVICE_VERSION};

/// The name of what makes our telemetry.
pub(crate) const SCOPE: &str = "aimass";
/// Its version.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Changes whenever the machine starts; Linux has it.
const BOOT: &str = "/proc/sys/kernel/random/boot_id";

/// What is the same in every request.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    /// The embedder's service; the agents' are named `aimass.AGENT`.
    service: String,
    /// Tells this process from others of the same services.
    instance: String,
}

impl Identity {
    pub(crate) fn new(service: &str) -> Self {
        let boot = std::fs::read_to_string(BOOT).unwrap_or_default();
        let parts = [boot.trim(), &std::process::id().to_string()];
        let parts = parts.into_iter().filter(|part| !part.is_empty());
        Self {
            service: service.to_owned(),
            instance: parts.collect::<Vec<_>>().join("-"),
        }
    }

    /// Sorts by services: each agent is one, and what belongs to no agent is the embedder's.
    pub(crate) fn by_service<T>(
        &self,
        items: impl Iterator<Item = (Option<Arc<str>>, T)>,
    ) -> impl Iterator<Item = (ResourceMessage, Vec<T>)> {
        let mut services: HashMap<Option<Arc<str>>, Vec<T>> = HashMap::new();
        for (agent, item) in items {
            services.entry(agent).or_default().push(item);
        }
        let services = services.into_iter();
        services.map(|(agent, items)| {
            let ResourceAttributesWithSchema { attributes, .. } =
                (&self.resource(agent.as_deref())).into();
            let resource = ResourceMessage {
                attributes: attributes.0,
                ..ResourceMessage::default()
            };
            (resource, items)
        })
    }

    /// What says all this.
    pub(crate) fn scope(&self) -> InstrumentationScope {
        InstrumentationScope {
            name: SCOPE.to_owned(),
            version: VERSION.to_owned(),
            ..InstrumentationScope::default()
        }
    }

    /// The service of an agent; without one, the embedder's.
    pub(crate) fn resource(&self, agent: Option<&str>) -> Resource {
        let service = agent.map_or_else(|| self.service.clone(), |agent| format!("aimass.{agent}"));
        // The embedder's service has a version of its own.
        let version = agent.map(|_| KeyValue::new(SERVICE_VERSION, VERSION));
        Resource::builder_empty()
            .with_attributes([
                KeyValue::new(SERVICE_NAME, service),
                KeyValue::new(SERVICE_INSTANCE_ID, self.instance.clone()),
            ])
            .with_attributes(version)
            .build()
    }
}

/// A trace id as the protocol has it.
pub(crate) fn trace_bytes(trace: TraceId) -> Vec<u8> {
    trace.to_u128().to_be_bytes().to_vec()
}

/// A span id as the protocol has it.
pub(crate) fn span_bytes(span: SpanId) -> Vec<u8> {
    span.to_u64().to_be_bytes().to_vec()
}
