//! Traces, metrics and logs by the OpenTelemetry protocol: each agent is a service, each task a span of its caller and one of its agent.
//!
//! The runtime mints the ids and tells each task once, complete, so spans are made of records and no span is ever open. The observer's thread
//! makes them; a thread of the exporter sends them, in requests that hold the spans of all services. A collector that is down, slow or refuses
//! costs memory up to a limit, and the agents nothing. Each signal has a queue, a thread and a connection of its own, so that none waits for
//! another.

mod attributes;
mod client;
mod documentation;
mod exporter;
mod happenings;
mod identity;
mod measured;
mod queue;
mod said;
pub(crate) mod sampling;
mod signal;
mod spans;

use std::sync::Arc;
use std::time::{Duration, Instant};

use aimass_config::{ObserversConfig, OtlpConfig};
use aimass_runtime::{Observer, Record, TaskFinished};

pub use client::OtlpError;
pub use documentation::table as span_documentation;
pub(crate) use said::Logs;
pub(crate) use spans::operation;

use crate::content::Content;
use crate::metrics::Metrics;
use exporter::{Exporter, Standing, Tick, report_unsent};
use happenings::Happenings;
use measured::{Measured, Snapshot};
use queue::Queue;
use sampling::Sampler;
use signal::Traces;
use spans::Told;

/// How long a flush waits for the collector at most; where a request may take less than twice as long, half of that.
const FLUSH: Duration = Duration::from_secs(5);

/// Sends spans, and metrics if it is given some, to a collector.
pub struct Otlp {
    content: Content,
    happenings: Happenings,
    sampler: Sampler,
    spans: Arc<Queue<Told>>,
    metrics: Option<(Metrics, Arc<Queue<Snapshot>>)>,
    standing: Arc<Standing>,
    endpoint: String,
    patience: Duration,
}

/// Counts what an exporter could not deliver.
#[derive(Clone)]
pub struct OtlpLosses(Arc<Queue<Told>>);

impl OtlpLosses {
    /// Spans that were dropped for want of room, or that the collector refused.
    pub fn spans(&self) -> u64 {
        self.0.dropped()
    }
}

impl Otlp {
    /// An exporter of spans to the collector that the configuration names; none when it names none.
    ///
    /// The collector need not be there yet.
    ///
    /// # Errors
    /// [`OtlpError`] when the address, a header or the certificates cannot be used.
    pub fn start(config: &ObserversConfig) -> Result<Option<Self>, OtlpError> {
        let Some(endpoint) = &config.otlp.endpoint else {
            return Ok(None);
        };
        let content = Content::of(config);
        let standing = Arc::new(Standing::default());
        let spans = Exporter::<Traces>::start(endpoint, &config.otlp, standing.clone(), None)?;
        Ok(Some(Self {
            content,
            happenings: Happenings::new(content),
            sampler: Sampler::new(&config.traces),
            spans,
            metrics: None,
            standing,
            endpoint: endpoint.clone(),
            patience: patience(&config.otlp, FLUSH),
        }))
    }

    /// Sends these metrics too, as often as `observers.otlp.metrics_interval` says and when the runtime ends; and has them count what the
    /// exporter could not deliver. The runtime has to be given the metrics as an observer of their own.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn with_metrics(
        mut self,
        config: &ObserversConfig,
        metrics: &Metrics,
    ) -> Result<Self, OtlpError> {
        metrics.count_losses(self.losses());
        let otlp = &config.otlp;
        let (Some(endpoint), Some(every)) = (&otlp.endpoint, otlp.metrics_interval) else {
            return Ok(self);
        };
        let taken = metrics.clone();
        let tick = Tick {
            every,
            take: Box::new(move || Snapshot::of(&taken)),
        };
        let standing = self.standing.clone();
        let queue = Exporter::<Measured>::start(endpoint, otlp, standing, Some(tick))?;
        self.metrics = Some((metrics.clone(), queue));
        Ok(self)
    }

    /// Counts what could not be delivered, also after the runtime has taken the observer.
    pub fn losses(&self) -> OtlpLosses {
        OtlpLosses(self.spans.clone())
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
        self.spans.push(self.sampler.decide(sight, tell));
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
                self.spans.push(self.sampler.decide(sight, tell));
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
        let until = Instant::now() + self.patience;
        self.spans.ask_flush();
        if let Some((metrics, queue)) = &self.metrics {
            queue.push([Snapshot::of(metrics)]);
            queue.ask_flush();
        }
        // Both at once: a collector that is silent costs the limit once.
        if !self.spans.flushed(until) {
            self.standing
                .report_silent::<Traces>(&self.endpoint, self.patience);
        }
        if let Some((_, queue)) = &self.metrics
            && !queue.flushed(until)
        {
            self.standing
                .report_silent::<Measured>(&self.endpoint, self.patience);
        }
    }
}

/// How long to wait for the collector to take everything, for `most` at most.
fn patience(config: &OtlpConfig, most: Duration) -> Duration {
    (config.timeout / 2).min(most)
}

impl Drop for Otlp {
    fn drop(&mut self) {
        // The last flush was in vain, and the process may end before the exporter has anything to say.
        let unsent = self.spans.waiting();
        if unsent > 0 {
            report_unsent::<Traces>(&self.endpoint, unsent);
        }
        self.spans.close();
        if let Some((_, queue)) = &self.metrics {
            queue.close();
        }
    }
}
