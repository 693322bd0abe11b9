//! Traces: each agent is a service, each task a span of its caller and one of its agent.
//!
//! The runtime mints the ids and tells each task once, complete, so spans are made of records and no span is ever open. They are those of
//! OpenTelemetry's SDK, and go to its [`SpanExporter`]s: ours by OTLP, or whichever an embedder plugs in. The observers' thread makes them and
//! another one exports them, so an exporter that is slow or fails costs memory up to a limit, and the agents nothing.

pub(crate) mod attributes;
mod background;
mod documentation;
mod happenings;
pub(crate) mod pending;
pub(crate) mod queued;
pub(crate) mod sampling;
pub(crate) mod spans;

use std::collections::HashMap;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use aimass_config::ObserversConfig;
use aimass_runtime::{Observer, Record, TaskFinished};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanExporter;

pub use documentation::table as span_documentation;
pub use queued::{QueuedSpanExporter, SpanLosses};

use crate::content::Content;
use crate::identity::Identity;
use happenings::Happenings;
use sampling::Sampler;
use spans::AgentSpan;

/// How long a flush waits at most.
pub(crate) const FLUSH: Duration = Duration::from_secs(5);

/// Makes spans of what the runtime tells, and hands those of the traces that are kept to exporters, one for each service.
pub struct Tracing {
    content: Content,
    happenings: Happenings,
    sampler: Sampler,
    identity: Identity,
    exporter: QueuedSpanExporter,
    services: HashMap<Option<Arc<str>>, QueuedSpanExporter>,
}

impl Tracing {
    /// Hands the spans of each service to an exporter that `make` makes for it. The sampling of `observers.traces`, the bound
    /// `observers.otlp.queue_bytes` and `observers.content` hold as for OTLP.
    ///
    /// An exporter speaks for one service, whose resource [`SpanExporter::set_resource`] tells it. Each agent is a service of its own, so there
    /// is one exporter for each; a service in the spans' attributes instead would be understood by no backend. They are made with their first spans, called on
    /// a thread of their own, in the context of a Tokio runtime, and shut down there after the last span.
    ///
    /// ```
    /// use aimass_observers::Tracing;
    /// use aimass_observers::opentelemetry_sdk::error::OTelSdkResult;
    /// use aimass_observers::opentelemetry_sdk::trace::{SpanData, SpanExporter};
    ///
    /// /// Prints the names of spans.
    /// #[derive(Debug)]
    /// struct Names;
    ///
    /// impl SpanExporter for Names {
    ///     async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
    ///         batch.iter().for_each(|span| println!("{}", span.name));
    ///         Ok(())
    ///     }
    /// }
    ///
    /// let config = aimass_config::Config::default();
    /// let tracing = Tracing::with_exporter(&config.observers, |_| Names)?;
    /// let builder = aimass_runtime::Runtime::builder(config).observer(tracing);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`io::Error`] when the system gives no thread, or no reactor for it.
    pub fn with_exporter<E: SpanExporter + 'static>(
        config: &ObserversConfig,
        make: impl FnMut(&Resource) -> E + Send + 'static,
    ) -> io::Result<Self> {
        let exporter = background::start(config.otlp.queue_bytes, FLUSH, make)?;
        Ok(Self::through(config, exporter))
    }

    /// Hands all spans to exporters with this way out.
    pub(crate) fn through(config: &ObserversConfig, exporter: QueuedSpanExporter) -> Self {
        let content = Content::of(config);
        Self {
            content,
            happenings: Happenings::new(content),
            sampler: Sampler::new(&config.traces),
            identity: Identity::new(&config.otlp.service_name),
            exporter,
            services: HashMap::new(),
        }
    }

    /// Counts what could not be delivered, also after the runtime has taken the observer.
    pub fn losses(&self) -> SpanLosses {
        self.exporter.losses()
    }

    /// The way out.
    pub(crate) fn exporter(&self) -> &QueuedSpanExporter {
        &self.exporter
    }

    fn task(&mut self, task: &TaskFinished) {
        let sight = self.sampler.sight_of_task(task);
        let happened = self.happenings.of(task);
        let content = self.content;
        let make = || {
            let caller = spans::of_caller(task).into_iter();
            let agent = spans::of_agent(task, happened, content);
            caller.chain([agent]).collect()
        };
        let kept = self.sampler.decide(sight, make);
        self.export(kept);
    }

    fn export(&mut self, spans: Vec<AgentSpan>) {
        for AgentSpan { agent, span } in spans {
            let service = self.services.entry(agent).or_insert_with_key(|agent| {
                let resource = self.identity.resource(agent.as_deref());
                self.exporter.of_service(resource)
            });
            // It only queues, so it is done at once; it refuses nothing before its end.
            let exported = pin!(service.export(vec![span]));
            let exported = exported.poll(&mut Context::from_waker(Waker::noop()));
            debug_assert!(matches!(exported, Poll::Ready(Ok(()))), "{exported:?}");
        }
    }
}

impl Observer for Tracing {
    fn observe(&mut self, record: &Record) {
        match record {
            Record::Task(task) => self.task(task),
            Record::Note(note) => self.happenings.note(note),
            Record::Worker(change) => self.happenings.changed(change),
            Record::Episode(episode) => {
                let sight = self.sampler.sight_of_episode(episode);
                let make = || vec![spans::of_episode(episode)];
                let kept = self.sampler.decide(sight, make);
                self.export(kept);
            }
            Record::Interrupted(attempt) => {
                let sight = self.sampler.sight_of_interrupted(attempt);
                let make = || vec![spans::of_interrupted(attempt)];
                let kept = self.sampler.decide(sight, make);
                self.export(kept);
                // It is told once, and what killed one process may kill this one soon.
                self.exporter.ask_flush();
            }
            // An agent that is given up is told in the errors of its tasks.
            _ => {}
        }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a thread of the observers, outside any runtime and its clock"
    )]
    fn flush(&mut self) {
        let until = Instant::now() + self.exporter.patience();
        self.exporter.ask_flush();
        self.exporter.flushed(until);
    }
}
