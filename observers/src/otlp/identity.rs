//! Who is speaking: the resource of each service, the same for all signals.

use std::collections::HashMap;
use std::sync::Arc;

use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::resource::v1::Resource;

use super::attributes::{Name, text};

const SERVICE: Name = Name {
    name: "service.name",
    unit: "",
    about: "the agent's service, `aimass.AGENT`, or the embedder's",
};
const INSTANCE: Name = Name {
    name: "service.instance.id",
    unit: "",
    about: "tells one process from another",
};
const VERSION: Name = Name {
    name: "service.version",
    unit: "",
    about: "the version of AI Mass",
};

/// Changes whenever the machine starts; Linux has it.
const BOOT: &str = "/proc/sys/kernel/random/boot_id";

/// What is the same in every request.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    /// The embedder's service; the agents' are named `aimass.AGENT`.
    service: String,
    /// Tells this process from others of the same services.
    instance: String,
}

impl Identity {
    pub(super) fn new(service: &str) -> Self {
        let boot = std::fs::read_to_string(BOOT).unwrap_or_default();
        let parts = [boot.trim(), &std::process::id().to_string()];
        let parts = parts.into_iter().filter(|part| !part.is_empty());
        Self {
            service: service.to_owned(),
            instance: parts.collect::<Vec<_>>().join("-"),
        }
    }

    /// Sorts by services: each agent is one, and what belongs to no agent is the embedder's.
    pub(super) fn by_service<T>(
        &self,
        items: impl Iterator<Item = (Option<Arc<str>>, T)>,
    ) -> impl Iterator<Item = (Resource, Vec<T>)> {
        let mut services: HashMap<Option<Arc<str>>, Vec<T>> = HashMap::new();
        for (agent, item) in items {
            services.entry(agent).or_default().push(item);
        }
        let services = services.into_iter();
        services.map(|(agent, items)| (self.resource(agent.as_deref()), items))
    }

    /// What says all this.
    pub(super) fn scope(&self) -> InstrumentationScope {
        InstrumentationScope {
            name: "aimass".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ..InstrumentationScope::default()
        }
    }

    fn resource(&self, agent: Option<&str>) -> Resource {
        let service = agent.map_or_else(|| self.service.clone(), |agent| format!("aimass.{agent}"));
        let mut attributes = vec![
            text(SERVICE, service),
            text(INSTANCE, self.instance.as_str()),
        ];
        // The embedder's service has a version of its own.
        attributes.extend(agent.map(|_| text(VERSION, env!("CARGO_PKG_VERSION"))));
        Resource {
            attributes,
            ..Resource::default()
        }
    }
}
