//! The exporter's thread: takes batches from the queue to the collector, again and again until it takes them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};

use super::attributes::{Name, text};
use super::client::{Client, Refused};
use super::queue::{Next, Queue};
use super::spans::Told;

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What is the same in every request.
pub(super) struct Identity {
    /// The embedder's service; the agents' are named `aimass.AGENT`.
    pub(super) service: String,
    /// Tells this process from others of the same services.
    pub(super) instance: String,
}

/// Whether the collector takes spans, as the log was last told.
enum Standing {
    Takes,
    Fails { lost: u64 },
}

pub(super) struct Exporter {
    pub(super) client: Client,
    pub(super) endpoint: String,
    pub(super) identity: Identity,
    pub(super) queue: Arc<Queue>,
}

impl Exporter {
    pub(super) fn serve(mut self) {
        let mut standing = Standing::Takes;
        while let Next::Send(batch) = self.queue.next() {
            let count = batch.len();
            let request = self.identity.request(batch);
            if !self.deliver(&request, count, &mut standing) {
                self.queue.lost(count);
            }
        }
    }

    /// Sends a batch until it is taken or refused for good. False when it did not arrive.
    fn deliver(
        &mut self,
        request: &ExportTraceServiceRequest,
        count: usize,
        standing: &mut Standing,
    ) -> bool {
        let mut pause = FIRST_PAUSE;
        loop {
            let refused = match self.client.send(request) {
                Ok(taken) => {
                    self.report_taken(standing);
                    if let Some((spans, message)) = taken.refused {
                        self.queue.lost(spans as usize);
                        tracing::warn!(
                            endpoint = self.endpoint,
                            spans,
                            reason = message,
                            "the collector refused spans"
                        );
                    }
                    return true;
                }
                Err(refused) => refused,
            };
            self.report_failed(&refused, standing);
            if !refused.later {
                return false;
            }
            // Spread out, so that many processes do not come back at the same moment.
            let jittered = pause.mul_f64(rand::random_range(0.75..1.25));
            if !self.queue.rest(jittered) {
                tracing::warn!(
                    endpoint = self.endpoint,
                    spans = count,
                    "spans were not sent before the end"
                );
                return false;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Once, and not for each request.
    fn report_failed(&self, refused: &Refused, standing: &mut Standing) {
        if matches!(standing, Standing::Fails { .. }) {
            return;
        }
        *standing = Standing::Fails {
            lost: self.queue.dropped(),
        };
        let (endpoint, reason) = (&self.endpoint, &refused.message);
        tracing::warn!(
            endpoint,
            reason,
            "the collector takes no spans; the agents go on, and spans wait as far as `observers.otlp.queue_bytes` allows"
        );
    }

    fn report_taken(&self, standing: &mut Standing) {
        if let Standing::Fails { lost } = standing {
            let lost = self.queue.dropped() - *lost;
            tracing::warn!(
                endpoint = self.endpoint,
                lost,
                "the collector takes spans again"
            );
            *standing = Standing::Takes;
        }
    }
}

impl Identity {
    /// A batch as one request, sorted by services.
    pub(super) fn request(&self, batch: Vec<Told>) -> ExportTraceServiceRequest {
        let mut services: HashMap<Option<Arc<str>>, Vec<Span>> = HashMap::new();
        for Told { agent, span } in batch {
            services.entry(agent).or_default().push(span);
        }
        let resource_spans = services.into_iter().map(|(agent, spans)| ResourceSpans {
            resource: Some(self.resource(agent.as_deref())),
            scope_spans: vec![ScopeSpans {
                scope: Some(InstrumentationScope {
                    name: "aimass".to_owned(),
                    version: env!("CARGO_PKG_VERSION").to_owned(),
                    ..InstrumentationScope::default()
                }),
                spans,
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        });
        ExportTraceServiceRequest {
            resource_spans: resource_spans.collect(),
        }
    }

    fn resource(&self, agent: Option<&str>) -> Resource {
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
