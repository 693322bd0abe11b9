//! Exporters of others: called on a thread of their own, one for each service, so that one that waits, fails or panics costs nobody but itself.

use std::collections::HashMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{SpanData, SpanExporter};

use super::pending::{PendingSpan, by_service};
use super::queued::{QueuedSpanExporter, Report};
use crate::queue::{Next, Queue};

/// The name of the thread.
const THREAD: &str = "aimass-spans";
/// Spans that are exported at once at most.
const BATCH: usize = 512;

/// Takes spans to exporters that `make` makes.
struct Background<M, E> {
    queue: Arc<Queue<PendingSpan>>,
    /// Many exporters work with a reactor of Tokio only.
    runtime: tokio::runtime::Runtime,
    make: M,
    /// By their services' resources, which they keep alive.
    exporters: HashMap<*const Resource, (Arc<Resource>, E)>,
    standing: Standing,
}

/// Whether exports succeed, as the log was last told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Good,
    Failing,
}

/// Starts the thread. Gives the way to it.
///
/// # Errors
/// [`io::Error`] when the system gives no thread, or no reactor for it.
pub(super) fn start<E: SpanExporter + 'static>(
    queue_bytes: u64,
    patience: Duration,
    make: impl FnMut(&Resource) -> E + Send + 'static,
) -> io::Result<QueuedSpanExporter> {
    let queue = Queue::new(queue_bytes, BATCH, PendingSpan::bytes);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .thread_name(THREAD)
        .enable_all()
        .build()?;
    let thread = std::thread::Builder::new().name(THREAD.to_owned());
    let emptied = queue.clone();
    thread.spawn(move || {
        let background = Background {
            queue: emptied,
            runtime,
            make,
            exporters: HashMap::new(),
            standing: Standing::Good,
        };
        background.serve();
    })?;
    Ok(QueuedSpanExporter::new(queue, Reports, patience))
}

impl<M: FnMut(&Resource) -> E, E: SpanExporter> Background<M, E> {
    fn serve(mut self) {
        loop {
            match self.queue.next(None) {
                Next::Send(batch) => self.send(batch),
                Next::Tick => {}
                Next::End => break,
            }
        }
        for (_, exporter) in self.exporters.values() {
            if let Err(error) = caught(|| exporter.shutdown()) {
                tracing::warn!(%error, "an exporter of spans did not shut down");
            }
        }
    }

    fn send(&mut self, batch: Vec<PendingSpan>) {
        for (service, spans) in by_service(batch) {
            let count = spans.len() as u64;
            let exported = self.export(service, spans);
            if exported.is_err() {
                self.queue.lost(count);
            }
            self.report(exported);
        }
        if !self.queue.is_flushing() {
            return;
        }
        let exporters = self.exporters.values();
        let flushed = exporters.map(|(_, exporter)| caught(|| exporter.force_flush()));
        let flushed = flushed.collect::<OTelSdkResult>();
        self.report(flushed);
    }

    fn export(&mut self, service: Arc<Resource>, spans: Vec<SpanData>) -> OTelSdkResult {
        let Self {
            runtime,
            make,
            exporters,
            ..
        } = self;
        caught(|| {
            let _entered = runtime.enter();
            let of_service = exporters.entry(Arc::as_ptr(&service));
            let (_, exporter) = of_service.or_insert_with(|| {
                let mut exporter = make(&service);
                exporter.set_resource(&service);
                (service, exporter)
            });
            runtime.block_on(exporter.export(spans))
        })
    }

    /// Once, and not for each batch.
    fn report(&mut self, done: OTelSdkResult) {
        match (done, self.standing) {
            (Err(error), Standing::Good) => {
                self.standing = Standing::Failing;
                tracing::warn!(%error, "an exporter takes no spans; the agents go on, and its spans are lost until it does");
            }
            (Ok(()), Standing::Failing) => {
                self.standing = Standing::Good;
                tracing::warn!("the exporter takes spans again");
            }
            _ => {}
        }
    }
}

/// What it does, and the panic of an author's exporter as a failure.
fn caught(does: impl FnOnce() -> OTelSdkResult) -> OTelSdkResult {
    let done = catch_unwind(AssertUnwindSafe(does));
    done.unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<&str>().copied();
        let said = said.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        let said = said.unwrap_or("a value that is no text");
        Err(OTelSdkError::InternalFailure(format!(
            "it panicked: {said}"
        )))
    })
}

#[derive(Debug)]
struct Reports;

impl Report for Reports {
    fn silent(&self, waited: Duration) {
        tracing::warn!(?waited, "an exporter has not taken all spans in time");
    }

    fn unsent(&self, count: usize) {
        tracing::warn!(count, "spans were not exported before the end");
    }
}
