//! Traces by the OpenTelemetry protocol: each agent is a service, each task a span of its caller and one of its agent.
//!
//! The runtime mints the ids and tells each task once, complete, so spans are made of records and no span is ever open. The observer's thread
//! makes them; a thread of the exporter sends them, in requests that hold the spans of all services. A collector that is down, slow or refuses
//! costs memory up to a limit, and the agents nothing.

mod attributes;
mod client;
mod documentation;
mod exporter;
mod happenings;
mod queue;
pub(crate) mod sampling;
mod spans;

use std::sync::Arc;
use std::time::Duration;

use aimass_config::ObserversConfig;
use aimass_runtime::{Observer, Record, TaskFinished, TraceId};

pub use client::OtlpError;
pub use documentation::table as span_documentation;

use client::Client;
use exporter::{Exporter, Identity};
use happenings::Happenings;
use queue::Queue;
use sampling::Sampler;
use spans::Content;

/// How long a flush waits for the collector.
const FLUSH: Duration = Duration::from_secs(5);

/// Sends spans to a collector.
pub struct Otlp {
    content: Content,
    happenings: Happenings,
    sampler: Sampler,
    queue: Arc<Queue>,
}

/// Counts what an exporter could not deliver.
#[derive(Clone)]
pub struct OtlpLosses(Arc<Queue>);

impl OtlpLosses {
    /// Spans that were dropped for want of room, or that the collector refused.
    pub fn spans(&self) -> u64 {
        self.0.dropped()
    }
}

impl Otlp {
    /// An exporter to the collector that the configuration names; none when it names none.
    ///
    /// The collector need not be there yet.
    ///
    /// # Errors
    /// [`OtlpError`] when the address, a header or the certificates cannot be used.
    pub fn start(config: &ObserversConfig) -> Result<Option<Self>, OtlpError> {
        let Some(endpoint) = &config.otlp.endpoint else {
            return Ok(None);
        };
        let content = if config.content {
            Content::Shown
        } else {
            Content::Hidden
        };
        let queue = Queue::new(config.otlp.queue_bytes);
        let exporter = Exporter {
            client: Client::new(endpoint, &config.otlp)?,
            endpoint: endpoint.clone(),
            identity: Identity {
                service: config.otlp.service_name.clone(),
                instance: TraceId::random().to_string(),
            },
            queue: queue.clone(),
        };
        let thread = std::thread::Builder::new().name("aimass-otlp".to_owned());
        thread.spawn(move || exporter.serve())?;
        Ok(Some(Self {
            content,
            happenings: Happenings::new(content),
            sampler: Sampler::new(&config.traces),
            queue,
        }))
    }

    /// Counts what could not be delivered, also after the runtime has taken the observer.
    pub fn losses(&self) -> OtlpLosses {
        OtlpLosses(self.queue.clone())
    }

    fn task(&mut self, task: &TaskFinished) {
        let sight = self.sampler.sight_of_task(task);
        let happened = self.happenings.of(task);
        let content = self.content;
        let tell = || {
            let caller = spans::of_caller(task).into_iter();
            let agent = spans::of_agent(task, happened, content);
            caller.chain([agent]).collect()
        };
        self.queue.push(self.sampler.decide(sight, tell));
    }
}

impl Observer for Otlp {
    fn observe(&mut self, record: &Record) {
        match record {
            Record::Task(task) => self.task(task),
            Record::Note(note) => self.happenings.note(note),
            Record::Worker(change) => self.happenings.changed(change),
            Record::Episode(episode) => {
                let sight = self.sampler.sight_of_episode(episode);
                let tell = || vec![spans::of_episode(episode)];
                self.queue.push(self.sampler.decide(sight, tell));
            }
            // An agent that is given up is told in the errors of its tasks.
            _ => {}
        }
    }

    fn flush(&mut self) {
        self.queue.flush(FLUSH);
    }
}

impl Drop for Otlp {
    fn drop(&mut self) {
        self.queue.close();
    }
}
