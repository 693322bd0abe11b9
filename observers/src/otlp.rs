//! Traces, metrics and logs by the OpenTelemetry protocol.
//!
//! Threads of the exporter send what is told, in requests that hold the items of all services. A collector that is down, slow or refuses
//! costs memory up to a limit, and the agents nothing. Each signal has a queue, a thread and a connection of its own, so that none waits for
//! another.

mod client;
mod exporter;
mod measured;
mod said;
mod signal;

use std::sync::Arc;
use std::time::{Duration, Instant};

use aimass_config::{ObserversConfig, OtlpConfig};
use aimass_runtime::{Observer, Record};

pub use client::OtlpError;
pub(crate) use said::Logs;

use crate::metrics::Metrics;
use crate::queue::Queue;
use crate::traces::{self, QueuedSpanExporter, SpanLosses, Tracing};
use exporter::{Exporter, Reports, Standing, Tick};
use measured::{Measured, Snapshot};
use signal::Traces;

/// Sends spans, and metrics if it is given some, to a collector.
pub struct Otlp {
    tracing: Tracing,
    standing: Arc<Standing>,
    metrics: Option<ExportedMetrics>,
}

struct ExportedMetrics {
    metrics: Metrics,
    queue: Arc<Queue<Snapshot>>,
    endpoint: String,
}

impl QueuedSpanExporter {
    /// An exporter to the collector that the configuration names; none when it names none. It can serve OpenTelemetry's own SDK as well.
    ///
    /// The collector need not be there yet.
    ///
    /// # Errors
    /// [`OtlpError`] when the address, a header or the certificates cannot be used.
    pub fn otlp(config: &OtlpConfig) -> Result<Option<Self>, OtlpError> {
        let Some(endpoint) = &config.endpoint else {
            return Ok(None);
        };
        to_collector(endpoint, config, Arc::default()).map(Some)
    }
}

fn to_collector(
    endpoint: &str,
    config: &OtlpConfig,
    standing: Arc<Standing>,
) -> Result<QueuedSpanExporter, OtlpError> {
    let queue = Exporter::<Traces>::start(endpoint, config, standing.clone(), None)?;
    let endpoint = endpoint.to_owned();
    let patience = patience(config, traces::FLUSH);
    let reports = Reports { endpoint, standing };
    Ok(QueuedSpanExporter::new(queue, reports, patience))
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
        let standing = Arc::new(Standing::default());
        let exporter = to_collector(endpoint, &config.otlp, standing.clone())?;
        Ok(Some(Self {
            tracing: Tracing::through(config, exporter),
            standing,
            metrics: None,
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
        self.metrics = Some(ExportedMetrics {
            metrics: metrics.clone(),
            queue,
            endpoint: endpoint.clone(),
        });
        Ok(self)
    }

    /// Counts what could not be delivered, also after the runtime has taken the observer.
    pub fn losses(&self) -> SpanLosses {
        self.tracing.losses()
    }
}

impl Observer for Otlp {
    fn observe(&mut self, record: &Record) {
        self.tracing.observe(record);
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a thread of the observers, outside any runtime and its clock"
    )]
    fn flush(&mut self) {
        let exporter = self.tracing.exporter();
        let patience = exporter.patience();
        let until = Instant::now() + patience;
        exporter.ask_flush();
        if let Some(exported) = &self.metrics {
            exported.queue.push([Snapshot::of(&exported.metrics)]);
            exported.queue.ask_flush();
        }
        // Both at once: a collector that is silent costs the limit once.
        exporter.flushed(until);
        if let Some(exported) = &self.metrics
            && !exported.queue.flushed(until)
        {
            self.standing
                .report_silent::<Measured>(&exported.endpoint, patience);
        }
    }
}

/// How long to wait for the collector to take everything: for `most` at most, and where a request may take less than twice as long, for half of
/// that.
fn patience(config: &OtlpConfig, most: Duration) -> Duration {
    (config.timeout / 2).min(most)
}

impl Drop for Otlp {
    fn drop(&mut self) {
        if let Some(exported) = &self.metrics {
            exported.queue.close();
        }
    }
}
